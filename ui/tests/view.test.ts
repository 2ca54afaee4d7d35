import assert from 'node:assert/strict'
import test from 'node:test'
import type { Column } from '../src/api/shapes.ts'
import { inWords, readView, writeView } from '../src/components/table/view.ts'

const column = (id: string, kind: Column['kind']): Column =>
  ({ id, label: id, kind, unit: '', digits: 2, help: '', filter: true, sort: true, sum: false, hidden: false, needs_money: false }) as Column
const COLUMNS = [column('drg', 'text'), column('fee_fen', 'money'), column('day', 'date'), column('late', 'flag')]

test('a view survives the way into the address and back', () => {
  const view = {
    filters: [
      { column: 'drg', op: 'in' as const, value: ['HC29D', 'BR23D'] },
      { column: 'fee_fen', op: 'from' as const, value: 2000000 },
      { column: 'day', op: 'to' as const, value: '2025-06-30' },
      { column: 'late', op: 'is' as const, value: false },
      { column: 'drg', op: 'not_null' as const, value: null },
    ],
    sort: [
      { column: 'fee_fen', descending: true },
      { column: 'drg', descending: false },
    ],
    page: 3,
    size: 50,
    columns: ['drg', 'fee_fen'],
  }
  const query = writeView({ month: '2025-06' }, view, 'b.')
  assert.equal(query['month'], '2025-06')
  assert.deepEqual(readView(query as Parameters<typeof readView>[0], COLUMNS, 'b.'), view)
  // Another table of the page sees nothing of it.
  assert.deepEqual(readView(query as Parameters<typeof readView>[0], COLUMNS).filters, [])
})

test('what an address says of columns and conditions that do not exist is left out', () => {
  const view = readView({ f: ['gone~is~1', 'drg~like~x', 'drg~is~a~b'], s: 'gone,-drg', p: '-4', n: '7', c: 'gone,drg' }, COLUMNS)
  assert.deepEqual(view.filters, [{ column: 'drg', op: 'is', value: 'a~b' }])
  assert.deepEqual(view.sort, [{ column: 'drg', descending: true }])
  assert.deepEqual([view.page, view.size, view.columns], [1, 100, ['drg']])
})

test('a usual view leaves the address short', () => {
  assert.deepEqual(writeView({ p: '2', s: 'drg' }, { filters: [], sort: [], page: 1, size: 100, columns: [] }), {})
})

test('a condition in words has the unit of its column', () => {
  assert.equal(inWords({ column: 'fee_fen', op: 'from', value: 2000000 }, COLUMNS[1]!), 'fee_fen ≥ 20,000.00 元')
  assert.equal(inWords({ column: 'drg', op: 'in', value: ['a', 'b'] }, COLUMNS[0]!), 'drg 属于 a、b')
})

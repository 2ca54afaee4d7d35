import assert from 'node:assert/strict'
import test from 'node:test'
import { decimal, integer, money, monthLabel, percent, points, show, unitOf } from '../src/format.ts'

const nbsp = (text: string) => text.replaceAll('\u00a0', ' ')

test('amounts: fen become 元, 万元 or 亿元 with two decimals', () => {
  assert.equal(money(1692036), '16,920.36')
  assert.equal(money(-319536586, '万元'), '−319.54')
  assert.equal(money(123456789012, '亿元'), '12.35')
  assert.equal(money(0), '0.00')
  assert.equal(money(500, '元', true), '+5.00')
})

test('half a step goes away from zero, and nothing is a negative nought', () => {
  assert.equal(money(5000, '万元'), '0.01')
  assert.equal(money(-5000, '万元'), '−0.01')
  assert.equal(money(-4999, '万元'), '0.00')
  assert.equal(decimal(-0.004), '0.00')
})

test('ratios are percentages, their differences percentage points', () => {
  assert.equal(nbsp(percent(0.9756)), '97.56 %')
  assert.equal(nbsp(points(0.012)), '+1.20 个百分点')
  assert.equal(nbsp(points(-0.0005)), '−0.05 个百分点')
  assert.equal(decimal(1.005), '1.01')
})

test('a value is written as its column says', () => {
  assert.equal(show(null, { kind: 'money' }), '—')
  assert.equal(show(1692036, { kind: 'money' }), '16,920.36')
  assert.equal(show(0.85, { kind: 'decimal', digits: 4 }), '0.8500')
  assert.equal(show(0.012, { kind: 'ratio', unit: '个百分点' }), '+1.20')
  assert.equal(show(false, { kind: 'flag' }), '否')
  assert.equal(show('2025-06-18', { kind: 'date' }), '2025-06-18')
  assert.equal(integer(1234567), '1,234,567')
  assert.equal(unitOf({ kind: 'money' }), '元')
  assert.equal(unitOf({ kind: 'ratio' }), '')
  assert.equal(monthLabel('2025-06'), '2025年6月')
})

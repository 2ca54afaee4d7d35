/** The view of a table (filters, order, page, columns) as part of the address, so that a view is a link. */
import type { LocationQuery, LocationQueryRaw } from 'vue-router'
import type { Column, Filter, Sort } from '@/api/shapes'
import { decimal, money, unitOf } from '../../format.ts'

export interface View {
  filters: Filter[]
  sort: Sort[]
  page: number
  size: number
  /** The columns shown; empty means all. */
  columns: string[]
}

export const SIZES = [50, 100, 200]
const SIZE = 100
const OPERATIONS = ['is', 'in', 'contains', 'from', 'to', 'null', 'not_null'] as const
const SEPARATOR = '~'
const NUMBERS = new Set(['integer', 'money', 'ratio', 'decimal'])

const texts = (value: LocationQuery[string] | undefined): string[] =>
  (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === 'string' && one !== '')

/** `prefix` keeps two tables of one page apart. */
export function readView(query: LocationQuery, columns: Column[], prefix = ''): View {
  const kinds = new Map(columns.map((column) => [column.id, column.kind]))
  const filters = texts(query[`${prefix}f`]).flatMap((text): Filter[] => {
    const [column = '', op = '', ...rest] = text.split(SEPARATOR)
    const operation = OPERATIONS.find((one) => one === op)
    if (!kinds.has(column) || operation === undefined) return []
    return [{ column, op: operation, value: typed(rest.join(SEPARATOR), operation, kinds.get(column) ?? 'text') }]
  })
  const sort = texts(query[`${prefix}s`])
    .flatMap((text) => text.split(','))
    .map((text): Sort => ({ column: text.replace(/^-/, ''), descending: text.startsWith('-') }))
    .filter((one) => kinds.has(one.column))
  const size = Number(query[`${prefix}n`])
  return {
    filters,
    sort,
    page: Math.max(1, Math.trunc(Number(query[`${prefix}p`]) || 1)),
    size: SIZES.includes(size) ? size : SIZE,
    columns: texts(query[`${prefix}c`]).flatMap((text) => text.split(',')).filter((id) => kinds.has(id)),
  }
}

/** The address with this view in it; what is usual is left out. */
export function writeView(query: LocationQuery, view: View, prefix = ''): LocationQueryRaw {
  const written: LocationQueryRaw = { ...query }
  const put = (name: string, value: string | string[]) => {
    if (value.length === 0) delete written[prefix + name]
    else written[prefix + name] = value
  }
  put('f', view.filters.map(({ column, op, value }) => [column, op, ...(value === null || value === undefined ? [] : [String(value)])].join(SEPARATOR)))
  put('s', view.sort.map((one) => (one.descending ? '-' : '') + one.column).join(','))
  put('p', view.page > 1 ? String(view.page) : '')
  put('n', view.size === SIZE ? '' : String(view.size))
  put('c', view.columns.join(','))
  return written
}

function typed(text: string, op: Filter['op'], kind: string): Filter['value'] {
  if (op === 'null' || op === 'not_null') return null
  const one = (value: string) => (NUMBERS.has(kind) ? Number(value) : kind === 'flag' ? value === 'true' : value)
  return op === 'in' ? text.split(',').map((part) => (NUMBERS.has(kind) ? Number(part) : part)) : one(text)
}

const WORDS: Record<Filter['op'], string> = {
  is: '＝',
  in: '属于',
  contains: '含',
  from: '≥',
  to: '≤',
  null: '为空',
  not_null: '不为空',
}

/** A filter in words: `金额 ≥ 10,000.00 元`. */
export function inWords(filter: Filter, column: Column): string {
  const { value } = filter
  const one = (part: unknown): string => {
    if (typeof part === 'boolean') return part ? '是' : '否'
    if (typeof part !== 'number') return String(part)
    if (column.kind === 'money') return `${money(part, unitOf(column))} ${unitOf(column)}`
    if (column.kind === 'ratio') return `${decimal(part * 100)} ${column.unit || '%'}`
    return String(part)
  }
  const text = value === null || value === undefined ? '' : Array.isArray(value) ? value.map(one).join('、') : one(value)
  return [column.label, WORDS[filter.op], text].join(' ').trim()
}

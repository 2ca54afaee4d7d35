/** Numbers as people of the trade write them: fen → 元 / 万元 / 亿元, ratios → 97.56 %, differences → 百分点. */
export const NONE = '—'
const MINUS = '−'
const SPACE = '\u00a0'

/** What to divide fen by, and how to say it: 元 for cases, 万元 for hospital-months, 亿元 for funds. */
const MONEY_UNITS: Record<string, number> = { 元: 1, 万元: 10_000, 亿元: 100_000_000 }
export type MoneyUnit = '元' | '万元' | '亿元'

const whole = new Intl.NumberFormat('zh-CN', { maximumFractionDigits: 0 })
const grouped = (size: number, digits: number): string =>
  digits === 0
    ? whole.format(size)
    : new Intl.NumberFormat('zh-CN', { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(size)

const signed = (value: number, text: string, plus: boolean): string =>
  value < 0 ? MINUS + text : plus && value > 0 ? `+${text}` : text

/** Integer fen in a unit with two decimals, half a step away from zero: `12,345.60`. */
export function money(fen: number, unit: string = '元', plus = false): string {
  const step = MONEY_UNITS[unit] ?? 1
  const cents = Math.floor((Math.abs(fen) + step / 2) / step)
  return signed(cents === 0 ? 0 : fen, grouped(cents / 100, 2), plus)
}

/** A ratio 0–1 as a percentage: `97.56 %`. */
export function percent(ratio: number, digits = 2, plus = false): string {
  return `${decimal(ratio * 100, digits, plus)}${SPACE}%`
}

/** A difference of two ratios: `+1.20 个百分点`. */
export function points(difference: number, digits = 2): string {
  return `${decimal(difference * 100, digits, true)}${SPACE}个百分点`
}

export function decimal(value: number, digits = 2, plus = false): string {
  const scale = 10 ** digits
  const size = Math.round(Math.abs(value) * scale + 1e-9) / scale
  return signed(size === 0 ? 0 : value, grouped(size, digits), plus)
}

export const integer = (value: number, plus = false): string => decimal(value, 0, plus)

export type Kind = 'text' | 'integer' | 'money' | 'ratio' | 'date' | 'decimal' | 'flag'

/** How a column or field is written. */
export interface Written {
  kind?: Kind
  unit?: string
  digits?: number
}

/** A value of a column or field as text; the unit of a column stands in its head (`unitOf`). */
export function show(value: unknown, { kind = 'text', unit = '', digits = 2 }: Written): string {
  if (value === null || value === undefined || value === '') return NONE
  if (kind === 'flag') return value === true || value === 1 ? '是' : '否'
  if (typeof value !== 'number') return String(value)
  if (kind === 'money') return money(value, unit || '元')
  if (kind === 'ratio') return unit === '个百分点' ? decimal(value * 100, digits, true) : percent(value, digits)
  if (kind === 'integer') return integer(value)
  return kind === 'decimal' ? decimal(value, digits) : String(value)
}

/** The unit to be said once, in the head of a column or after a field; percentages carry their own. */
export const unitOf = ({ kind = 'text', unit = '' }: Written): string => (kind === 'money' ? unit || '元' : unit)

/** Kinds that stand right-aligned and can be added or compared. */
export const isNumber = ({ kind = 'text' }: Written): boolean => ['integer', 'money', 'ratio', 'decimal'].includes(kind)

/** `2025-06` as `2025年6月`. */
export function monthLabel(month: string): string {
  const [year, number] = month.split('-')
  return number === undefined ? month : `${year}年${Number(number)}月`
}

/** The present moment for print headers and notes: `2025-06-18 14:05`. */
export function now(): string {
  const moment = new Date()
  const two = (part: number) => String(part).padStart(2, '0')
  const day = [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join('-')
  return `${day} ${two(moment.getHours())}:${two(moment.getMinutes())}`
}

/** A page path with columns of a row in braces, filled; nothing when a part is missing. */
export function filled(pattern: string, row: Record<string, unknown>): string | undefined {
  let whole = true
  const path = pattern.replace(/\{(\w+)\}/g, (_all, name: string) => {
    const value = row[name]
    whole &&= value !== null && value !== undefined && value !== ''
    return encodeURIComponent(String(value))
  })
  return whole ? path : undefined
}

/** Figures of measures in words, and the chart of one measure by slice or over months. */
import type { Answer } from '@/api/client'
import { COLOURS, type EChartsCoreOption } from '@/components/charts'
import { integer, NONE, points, show } from '@/format'

type Looked = Answer<'/api/v1/measures/table', 'post'>
export type MeasureTable = NonNullable<Looked['result']>
export type Meaning = MeasureTable['measures'][number]
export type SliceRow = MeasureTable['rows'][number]
export type Cell = SliceRow['cells'][number]

export const inWords = (value: number | null | undefined, meaning: Meaning): string =>
  show(value, { kind: meaning.kind, unit: meaning.unit, digits: meaning.digits })

/** A difference: 百分点 for ratios, else in the unit with its sign. */
export function differenceInWords(value: number | null | undefined, meaning: Meaning): string {
  if (value === null || value === undefined) return NONE
  if (meaning.kind === 'ratio') return points(value)
  const plus = value > 0 ? '+' : ''
  return meaning.kind === 'integer' ? integer(value, true) : plus + inWords(value, meaning)
}

export const intervalInWords = (cell: Cell, meaning: Meaning): string =>
  cell.low === null || cell.high === null ? NONE : `${inWords(cell.low, meaning)} – ${inWords(cell.high, meaning)}`

/** 率 and 元 are said once, beside the name. */
export const titleOf = (meaning: Meaning): string => (meaning.unit === '' ? meaning.label : `${meaning.label}（${meaning.unit}）`)

/** The slices that tell rows apart: one hospital's own name need not stand in every row. */
export function telling(table: MeasureTable): number[] {
  const all = table.by.map((_, index) => index)
  const found = all.filter((index) => table.rows.length < 2 || new Set(table.rows.map((row) => row.names[index])).size > 1)
  return found.length > 0 ? found : all.slice(-1)
}

export const sliceName = (row: SliceRow, shown: number[]): string => shown.map((index) => row.names[index]).join(' · ') || '合计'

/** What a chart draws of a value: 万元 and percent as people read them. */
export function drawn(value: number | null, meaning: Meaning): number | null {
  if (value === null) return null
  if (meaning.kind === 'money') return Math.round(value / 10_000) / 100
  return meaning.kind === 'ratio' ? value * 100 : value
}

export const axisUnit = (meaning: Meaning): string => (meaning.kind === 'ratio' ? '%' : meaning.kind === 'money' ? '万元' : meaning.unit)

const MOST = 20

export interface Drawing {
  option: EChartsCoreOption
  table: { columns: string[]; rows: (string | number)[][] }
  note: string
  height: number
  /** By the place on the chart: the page of the cases. */
  links: (string | null)[]
}

/** The figures of one measure: lines over months where the table is sliced by month, else points with intervals. */
export function drawing(table: MeasureTable, place: number): Drawing {
  const meaning = table.measures[place] as Meaning
  const monthly = table.by.some((one) => one.word === 'month')
  return monthly ? lines(table, meaning, place) : dots(table, meaning, place)
}

function lines(table: MeasureTable, meaning: Meaning, place: number): Drawing {
  const months = [...new Set(table.rows.map((row) => row.key['month'] ?? ''))].sort()
  const series = new Map<string, Map<string, number | null>>()
  const kept = telling(table).filter((index) => table.by[index]?.word !== 'month')
  for (const row of table.rows) {
    const name = sliceName(row, kept)
    const known = series.get(name) ?? new Map<string, number | null>()
    known.set(row.key['month'] ?? '', row.cells[place]?.value ?? null)
    series.set(name, known)
  }
  const shown = [...series].slice(0, COLOURS.length)
  return {
    option: {
      tooltip: { trigger: 'axis' },
      legend: { type: 'scroll' },
      xAxis: { type: 'category', data: months },
      yAxis: { type: 'value', scale: true, name: axisUnit(meaning) },
      series: shown.map(([name, values]) => ({
        name,
        type: 'line',
        data: months.map((month) => drawn(values.get(month) ?? null, meaning)),
      })),
    },
    table: {
      columns: ['', ...months],
      rows: [...series].map(([name, values]) => [name, ...months.map((month) => inWords(values.get(month), meaning))]),
    },
    note: series.size > shown.length ? `图上画前 ${shown.length} 条，全部见表` : '',
    height: 300,
    links: [],
  }
}

function dots(table: MeasureTable, meaning: Meaning, place: number): Drawing {
  const every = table.rows.map((row) => ({ row, cell: row.cells[place] as Cell })).filter(({ cell }) => cell.value !== null)
  const sorted = [...every].sort((one, other) => (other.cell.value as number) - (one.cell.value as number))
  const shown = sorted.length > MOST ? [...every].sort((one, other) => other.cell.count - one.cell.count).slice(0, MOST) : sorted
  shown.sort((one, other) => (one.cell.value as number) - (other.cell.value as number))
  const references = [...new Set(shown.map(({ cell }) => cell.compared?.reference).filter((value) => typeof value === 'number'))]
  const kept = telling(table)
  const names = shown.map(({ row }) => sliceName(row, kept))
  const reference = references.length === 1 ? drawn(references[0] as number, meaning) : null
  const label = shown.find(({ cell }) => cell.compared !== null)?.cell.compared?.label ?? ''
  const spans = shown.map(({ cell }, index) => [index, drawn(cell.low, meaning), drawn(cell.high, meaning)])
  return {
    option: {
      tooltip: {},
      legend: { data: ['数值', ...(shown.some(({ cell }) => cell.compared?.shrunk != null) ? ['收缩值'] : [])] },
      grid: { left: 4, right: 40, top: 46 },
      xAxis: { type: 'value', scale: true, name: axisUnit(meaning), nameLocation: 'end' },
      yAxis: { type: 'category', data: names, axisLabel: { width: 190, overflow: 'truncate', interval: 0 } },
      series: [
        {
          name: '95% 区间',
          type: 'custom',
          renderItem: whisker,
          encode: { x: [1, 2], y: 0 },
          data: spans.filter((span) => span[1] !== null),
          z: 1,
          tooltip: { show: false },
        },
        {
          name: '数值',
          type: 'scatter',
          symbolSize: 8,
          data: shown.map(({ cell }, index) => [drawn(cell.value, meaning), index]),
          z: 3,
          tooltip: { formatter: (what: { dataIndex: number }) => tip(names[what.dataIndex] ?? '', shown[what.dataIndex]?.cell as Cell, meaning) },
          ...(reference === null
            ? {}
            : {
                markLine: {
                  symbol: 'none',
                  lineStyle: { color: '#4b5966', type: 'dashed' },
                  label: { formatter: label, position: 'end', color: '#4b5966' },
                  data: [{ xAxis: reference }],
                },
              }),
        },
        {
          name: '收缩值',
          type: 'scatter',
          symbol: 'emptyDiamond',
          symbolSize: 8,
          itemStyle: { color: COLOURS[2] },
          data: shown.flatMap(({ cell }, index) =>
            cell.compared?.shrunk == null ? [] : [[drawn(cell.compared.shrunk, meaning), index]],
          ),
          z: 2,
        },
      ],
    },
    table: {
      columns: ['', titleOf(meaning), '95% 区间', '例数', '参照'],
      rows: [...shown].reverse().map(({ row, cell }) => [
        sliceName(row, kept),
        inWords(cell.value, meaning),
        intervalInWords(cell, meaning),
        integer(cell.count),
        inWords(cell.compared?.reference, meaning),
      ]),
    },
    note: sorted.length > MOST ? `画例数最多的 ${MOST} 个，共 ${sorted.length} 个；横线为 95% 区间` : '横线为 95% 区间；例数少的区间宽，不看高低',
    height: Math.max(180, 70 + shown.length * 22),
    links: shown.map(({ row }) => row.cases ?? null),
  }
}

function tip(name: string, cell: Cell, meaning: Meaning): string {
  const parts = [
    `<b>${escaped(name)}</b>`,
    `${escaped(meaning.label)} ${inWords(cell.value, meaning)}（${integer(cell.count)} 例）`,
    `95% 区间 ${intervalInWords(cell, meaning)}`,
  ]
  const beside = cell.compared
  if (beside) parts.push(`${escaped(beside.label)} ${inWords(beside.reference, meaning)}；${escaped(beside.reading)}`)
  return parts.join('<br>')
}

const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)

interface Api {
  value: (index: number) => number
  coord: (point: [number, number]) => [number, number]
}

/** A horizontal line from the low end to the high one, with small ends. */
export function whisker(_params: unknown, api: Api) {
  const row = api.value(0)
  const [left, y] = api.coord([api.value(1), row])
  const [right] = api.coord([api.value(2), row])
  const style = { stroke: '#8d9aa6', lineWidth: 1 }
  const line = (x1: number, y1: number, x2: number, y2: number) => ({ type: 'line', shape: { x1, y1, x2, y2 }, style })
  return { type: 'group', children: [line(left, y, right, y), line(left, y - 4, left, y + 4), line(right, y - 4, right, y + 4)] }
}


/** The charts of causes: the waterfall, and pieces of a group with their intervals. */
import { whisker } from '@/analysis/figures'
import type { Answer } from '@/api/client'
import { COLOURS, type EChartsCoreOption } from '@/components/charts'
import { money } from '@/format'

export type CausesSheet = NonNullable<Answer<'/api/v1/causes', 'get'>['result']>
export type Piece = CausesSheet['diagnoses'][number]

const wan = (fen: number): number => Math.round(fen / 10_000) / 100

/** From the base over the factors to the result: bars that stand where the one before ended. */
export function waterfall(sheet: CausesSheet): EChartsCoreOption {
  const names = sheet.steps.map((step) => step.label.replace(/（.*$/, ''))
  const bars = sheet.steps.map((step, index) => {
    const end = wan(step.running_fen)
    const begin = step.is_sum ? 0 : end - wan(step.amount_fen)
    return [index, begin, end, step.is_sum ? 0 : step.amount_fen < 0 ? -1 : 1]
  })
  return {
    tooltip: {
      formatter: ({ dataIndex }: { dataIndex: number }) => {
        const step = sheet.steps[dataIndex] as CausesSheet['steps'][number]
        return `<b>${step.label}</b><br>${money(step.amount_fen, '万元', !step.is_sum)} 万元，累计 ${money(step.running_fen, '万元')} 万元<br><span style="white-space:normal">${step.how}</span>`
      },
      extraCssText: 'max-width:420px;white-space:normal',
    },
    xAxis: { type: 'category', data: names, axisLabel: { interval: 0 } },
    yAxis: { type: 'value', name: '万元' },
    series: [
      {
        type: 'custom',
        renderItem: bar,
        encode: { x: 0, y: [1, 2] },
        data: bars,
        markLine: { symbol: 'none', lineStyle: { color: '#8d9aa6', type: 'solid' }, label: { show: false }, data: [{ yAxis: 0 }] },
      },
    ],
  }
}

interface Api {
  value: (index: number) => number
  coord: (point: [number, number]) => [number, number]
  size: (span: [number, number]) => [number, number]
}

const FILLS: Record<string, string> = { '0': '#4b5966', '1': COLOURS[1] as string, '-1': COLOURS[2] as string }

function bar(_params: unknown, api: Api) {
  const place = api.value(0)
  const [x, from] = api.coord([place, api.value(1)])
  const [, to] = api.coord([place, api.value(2)])
  const width = Math.min(46, api.size([1, 0])[0] * 0.6)
  const shape = { x: x - width / 2, y: Math.min(from, to), width, height: Math.max(1, Math.abs(to - from)) }
  const amount = api.value(3) === 0 ? api.value(2) : api.value(2) - api.value(1)
  const text = amount.toFixed(2).replace('-', '−')
  return {
    type: 'group',
    children: [
      { type: 'rect', shape, style: { fill: FILLS[String(api.value(3))] } },
      {
        type: 'text',
        style: { text, x, y: Math.min(from, to) - 3, textAlign: 'center', textVerticalAlign: 'bottom', fill: '#1b2733', fontSize: 12 },
      },
    ],
  }
}

/** What each diagnosis or doctor brings per case beside the base, with its interval; few cases stand pale. */
export function pieces(rows: Piece[]): EChartsCoreOption {
  const shown = [...rows].sort((one, other) => other.case_count - one.case_count).slice(0, 20).reverse()
  const yuan = (fen: number) => Math.round(fen) / 100
  return {
    tooltip: {
      formatter: ({ dataIndex }: { dataIndex: number }) => {
        const one = shown[dataIndex] as Piece
        return `<b>${one.name}</b>（${one.case_count} 例）<br>每例与对照之差 ${money(one.per_case_fen, '元', true)} 元<br>${one.verdict}`
      },
    },
    grid: { left: 4, right: 40, top: 40 },
    xAxis: { type: 'value', name: '元', axisLabel: { hideOverlap: true } },
    yAxis: { type: 'category', data: shown.map((one) => one.name), axisLabel: { width: 130, overflow: 'truncate', interval: 0 } },
    series: [
      {
        name: '每例与对照之差',
        type: 'scatter',
        symbolSize: 8,
        data: shown.map((one, index) => ({
          value: [yuan(one.per_case_fen), index],
          itemStyle: { opacity: one.verdict.startsWith('例数少') ? 0.35 : 1 },
        })),
        z: 3,
        markLine: { symbol: 'none', lineStyle: { color: '#4b5966', type: 'dashed' }, label: { formatter: '对照', position: 'end' }, data: [{ xAxis: 0 }] },
      },
      {
        name: '95% 区间',
        type: 'custom',
        renderItem: whisker,
        encode: { x: [1, 2], y: 0 },
        data: shown.flatMap((one, index) => (one.low_fen === null || one.high_fen === null ? [] : [[index, yuan(one.low_fen), yuan(one.high_fen)]])),
        tooltip: { show: false },
      },
    ],
  }
}

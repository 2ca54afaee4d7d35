/** ECharts options of the cockpit: 万元 and 元 on the axes, blue for what goes to the hospital, ochre for what it loses. */
import type { Answer } from '@/api/client'
import type { EChartsCoreOption } from '@/components/charts'
import { decimal, integer, money, percent, points } from '@/format'

const BLUE = '#17568c'
const OCHRE = '#a8691c'
const GREY = '#6b7f94'
const RED = '#b3261e'
const SOFT = '#8fa9c2'

export type RedLine = Answer<'/api/v1/cockpit/red-lines', 'get'>['lines'][number]
export type Groups = Answer<'/api/v1/cockpit/portfolio', 'get'>
export type Group = Groups['groups'][number]
export type Waterfall = Answer<'/api/v1/cockpit/waterfall', 'get'>['places']
export type Funnel = Answer<'/api/v1/cockpit/funnel', 'get'>
export type Bridge = Answer<'/api/v1/cockpit/bridge', 'get'>
export interface Sheet {
  columns: string[]
  rows: (string | number)[][]
}

const wan = (fen: number) => fen / 1_000_000
const yuan = (fen: number) => fen / 100
const none = '—'
const ratio = (value: number | null | undefined) => (value === null || value === undefined ? none : percent(value))
const cash = (fen: number | null | undefined, unit = '元') => (fen === null || fen === undefined ? none : money(fen, unit))

/** Hospitals as bars, red only beyond the line; ticks show what their case mix leads one to expect. */
export function redLineOption(line: RedLine): EChartsCoreOption {
  const rows = [...line.points].reverse()
  const category = { type: 'category', axisTick: { show: false }, axisLine: { show: false } }
  return {
    grid: { left: 4, right: 12, top: 46, bottom: 6 },
    legend: { data: ['实际', '高于红线', '病例组合期望'] },
    tooltip: { formatter: (event: unknown) => lineTip((event as { data: { point?: RedLine['points'][number] } }).data.point, line) },
    xAxis: { type: 'value', axisLabel: { formatter: (value: number) => `${Math.round(value * 100)} %` } },
    yAxis: [
      { ...category, data: rows.map((one) => one.name) },
      {
        ...category,
        position: 'right',
        data: rows.map((one) => (one.excess === null ? '' : `高 ${points(one.excess).replace('+', '')}`)),
        axisLabel: { color: RED, fontSize: 12 },
      },
    ],
    series: [
      {
        name: '实际',
        type: 'bar',
        stack: 'share',
        barMaxWidth: 14,
        color: SOFT,
        data: rows.map((one) => ({ value: Math.min(one.value ?? 0, line.limit), point: one, href: one.href })),
        markLine: {
          symbol: 'none',
          silent: true,
          data: [{ xAxis: line.limit, name: '红线' }],
          lineStyle: { color: RED, type: 'solid', width: 1.5 },
          label: { position: 'end', formatter: `红线 ${line.limit_text}`, color: RED },
        },
      },
      {
        name: '高于红线',
        type: 'bar',
        stack: 'share',
        barMaxWidth: 14,
        color: RED,
        data: rows.map((one) => ({ value: one.excess ?? 0, point: one, href: one.href })),
      },
      {
        name: '病例组合期望',
        type: 'scatter',
        symbol: 'rect',
        symbolSize: [3, 16],
        color: '#1b2733',
        data: rows.map((one) => ({ value: [one.expected, one.name], point: one })),
        z: 3,
      },
    ],
  }
}

function lineTip(point: RedLine['points'][number] | undefined, line: RedLine): string {
  if (point === undefined) return ''
  return `<b>${point.name}</b><br>实际 ${ratio(point.value)}　病例组合期望 ${ratio(point.expected)}　红线 ${line.limit_text}`
}

export const redLineTable = (line: RedLine): Sheet => ({
  columns: ['机构', '实际', '病例组合期望', '红线', '高于红线'],
  rows: line.points.map((one) => [
    one.name,
    ratio(one.value),
    ratio(one.expected),
    line.limit_text,
    one.excess === null ? none : points(one.excess),
  ]),
})

const named = (group: Group) => `${group.drg} ${group.name}`
const size = (cases: number, most: number) => 5 + 24 * Math.sqrt(cases / Math.max(most, 1))

/** Groups by weight and result of a case; the area is their cases. */
export function portfolioOption(found: Groups): EChartsCoreOption {
  const most = Math.max(...found.groups.map((one) => one.cases), 1)
  const labelled = new Set(found.groups.slice(0, 12).map((one) => one.drg))
  const point = (one: Group) => ({
    name: one.drg,
    value: [one.weight, yuan(one.mean_result_fen ?? 0)],
    symbolSize: size(one.cases, most),
    label: { show: labelled.has(one.drg), formatter: one.drg, position: 'top', fontSize: 11, color: '#1b2733' },
    group: one,
  })
  const series = (name: string, color: string, own: Group[]) => ({
    name,
    type: 'scatter',
    itemStyle: { color, opacity: 0.65 },
    data: own.map(point),
    labelLayout: { hideOverlap: true },
  })
  return {
    grid: { left: 4, right: 24, top: 34, bottom: 26 },
    legend: { data: ['盈', '亏'] },
    tooltip: { formatter: (event: unknown) => groupTip((event as { data: { group?: Group } }).data.group) },
    xAxis: { type: 'log', name: '病组权重（对数）', nameLocation: 'middle', nameGap: 24, logBase: 2, splitLine: { show: false } },
    yAxis: { type: 'value', name: '每例盈亏（元）', nameTextStyle: { align: 'left' } },
    series: [
      {
        ...series('盈', BLUE, found.groups.filter((one) => (one.mean_result_fen ?? 0) >= 0)),
        markLine: {
          silent: true,
          symbol: 'none',
          lineStyle: { color: '#b4bec8', type: 'dashed' },
          label: { position: 'insideEndTop', color: '#4b5966', fontSize: 11 },
          data: found.bounds.map((bound) => ({ xAxis: bound })),
        },
      },
      series('亏', OCHRE, found.groups.filter((one) => (one.mean_result_fen ?? 0) < 0)),
    ],
  }
}

function groupTip(group: Group | undefined): string {
  if (group === undefined) return ''
  const lines = [
    `<b>${named(group)}</b>`,
    group.kind,
    `${integer(group.cases)} 例　权重 ${decimal(group.weight ?? 0, 4)}`,
    `每例费用 ${cash(group.mean_fee_fen)} 元　支付标准 ${cash(group.mean_standard_fen)} 元`,
    `每例盈亏 ${cash(group.mean_result_fen)} 元　合计 ${cash(group.result_fen, '万元')} 万元`,
  ]
  return lines.filter(Boolean).join('<br>')
}

export const groupTable = (found: Groups): Sheet => ({
  columns: ['病组', '类别', '例数', '权重', '每例费用（元）', '每例支付标准（元）', '偏离度', '每例盈亏（元）', '盈亏（万元）'],
  rows: found.groups.map((one) => [
    named(one),
    one.kind,
    integer(one.cases),
    decimal(one.weight ?? 0, 4),
    cash(one.mean_fee_fen),
    cash(one.mean_standard_fen),
    ratio(one.fee_deviation),
    cash(one.mean_result_fen),
    cash(one.result_fen, '万元'),
  ]),
})

/** Mean fee against mean standard of every group, with the lines of the outlier multiples. */
export function paymentsOption(found: Groups): EChartsCoreOption {
  const most = Math.max(...found.groups.map((one) => one.cases), 1)
  const all = found.groups.flatMap((one) => [one.mean_standard_fen ?? 0, one.mean_fee_fen ?? 0]).filter((fen) => fen > 0)
  const low = rounded(yuan(Math.min(...all, 100_000_000)) * 0.8, Math.floor)
  const high = rounded(yuan(Math.max(...all, 0)) * 1.2, Math.ceil)
  const line = (slope: number) => ({
    name: `${decimal(slope, 1)} 倍`,
    type: 'line',
    symbol: 'none',
    silent: true,
    lineStyle: { color: slope === 1 ? '#1b2733' : GREY, width: 1, type: slope === 1 ? 'solid' : 'dashed' },
    endLabel: { show: true, formatter: `${Number(slope.toFixed(1))} 倍`, color: '#4b5966', fontSize: 11 },
    data: slope > 1 ? [[low, low * slope], [high / slope, high]] : [[low / Math.min(slope, 1), low], [high, high * slope]],
  })
  return {
    grid: { left: 4, right: 50, top: 30, bottom: 26 },
    legend: { show: false },
    tooltip: { formatter: (event: unknown) => groupTip((event as { data: { group?: Group } }).data.group) },
    xAxis: { type: 'log', name: '每例支付标准（元，对数）', nameLocation: 'middle', nameGap: 24, min: low, max: high, axisLabel: { formatter: axis } },
    yAxis: { type: 'log', name: '每例费用（元，对数）', min: low, max: high, nameTextStyle: { align: 'left' }, axisLabel: { formatter: axis } },
    series: [
      {
        name: '病组',
        type: 'scatter',
        data: found.groups.map((one) => ({
          name: one.drg,
          value: [yuan(one.mean_standard_fen ?? 0), yuan(one.mean_fee_fen ?? 0)],
          symbolSize: size(one.cases, most),
          itemStyle: { color: one.fee_over ? OCHRE : BLUE, opacity: 0.6 },
          group: one,
        })),
      },
      ...found.slopes.map(line),
    ],
  }
}

/** The next lower or higher of 1, 2, 3 … 9 times a power of ten. */
function rounded(value: number, way: (part: number) => number): number {
  const step = 10 ** Math.floor(Math.log10(Math.max(value, 1)))
  return way(value / step) * step
}

const axis = (value: number) => (value >= 10_000 ? `${decimal(value / 10_000, value < 100_000 ? 1 : 0)} 万` : integer(value))

/** A waterfall in 万元 from top to bottom: each step from where the last ended, totals from the ground. */
export function waterfallOption(found: Waterfall): EChartsCoreOption {
  let reached = 0
  const bars = found.steps.map((one) => {
    const from = one.total ? 0 : reached
    const to = one.total ? one.amount_fen : reached + one.amount_fen
    reached = to
    return { from: wan(from), to: wan(to), step: one }
  })
  const colour = (step: Step) => (step.total ? GREY : step.amount_fen >= 0 ? BLUE : OCHRE)
  const low = Math.min(0, ...bars.map((bar) => Math.min(bar.from, bar.to)))
  const high = Math.max(0, ...bars.map((bar) => Math.max(bar.from, bar.to)))
  return {
    grid: { left: 4, right: 12, top: 8, bottom: 24 },
    tooltip: { formatter: (event: unknown) => stepTip((event as { data: { step?: Step } }).data.step) },
    // Room on the right for the amounts.
    xAxis: { type: 'value', min: low, max: high + (high - low) * 0.16, name: '万元', nameLocation: 'middle', nameGap: 22, axisLabel: { formatter: axisNumber, showMaxLabel: false, showMinLabel: false } },
    yAxis: { type: 'category', inverse: true, data: bars.map((bar) => bar.step.label), axisTick: { show: false } },
    series: [
      {
        type: 'custom',
        encode: { x: [1, 2], y: 0 },
        data: bars.map((bar, place) => ({
          value: [place, bar.from, bar.to],
          itemStyle: { color: colour(bar.step) },
          step: bar.step,
          name: bar.step.label,
        })),
        renderItem: (_: unknown, tools: Tools) => {
          const place = tools.value(0)
          const [start = 0, y = 0] = tools.coord([tools.value(1), place])
          const [end = 0] = tools.coord([tools.value(2), place])
          const height = Math.min(16, (tools.size([0, 1])[1] ?? 20) * 0.66)
          const step = bars[place]?.step
          const right = Math.max(start, end)
          return {
            type: 'group',
            children: [
              {
                type: 'rect',
                shape: { x: Math.min(start, end), y: y - height / 2, width: Math.max(1, Math.abs(end - start)), height },
                style: { fill: step ? colour(step) : GREY },
              },
              {
                type: 'text',
                style: {
                  text: money(step?.amount_fen ?? 0, '万元', !step?.total),
                  x: right + 5,
                  y,
                  verticalAlign: 'middle',
                  fontSize: 12,
                  fontWeight: step?.total ? 'bold' : 'normal',
                  fill: '#1b2733',
                },
              },
            ],
          }
        },
      },
    ],
  }
}

const axisNumber = (value: number) => decimal(value, Math.abs(value) < 10 ? 1 : 0)
export const waterfallHeight = (found: Waterfall) => 40 + 24 * found.steps.length
type Step = Waterfall['steps'][number]

interface Tools {
  value: (place: number) => number
  coord: (value: [number, number]) => number[]
  size: (value: [number, number]) => number[]
}

function stepTip(step: Step | undefined): string {
  if (step === undefined) return ''
  return [`<b>${step.label}</b>`, `${money(step.amount_fen, '万元', true)} 万元`, step.how].filter(Boolean).join('<br>')
}

export const waterfallTable = (found: Waterfall): Sheet => ({
  columns: ['项目', '金额（万元）', '怎样算'],
  rows: found.steps.map((one) => [one.label, money(one.amount_fen, '万元', !one.total), one.how || none]),
})

/** Hospitals against the limits of chance around what is expected of them. */
export function funnelOption(found: Funnel): EChartsCoreOption {
  const expected = found.points.map((one) => one.expected)
  const low = Math.max(1, Math.min(...expected, 20) * 0.7)
  const high = Math.max(...expected, 40) * 1.4
  const steps = Array.from({ length: 41 }, (_, place) => low * (high / low) ** (place / 40))
  const curve = (name: string, z: number, sign: number) => ({
    name,
    type: 'line',
    symbol: 'none',
    silent: true,
    lineStyle: { color: GREY, width: 1, type: z > 2.5 ? 'solid' : 'dashed' },
    data: steps.map((x) => [x, Math.max(0, 1 + (sign * z) / Math.sqrt(x))]),
    ...(sign > 0 ? { endLabel: { show: true, formatter: name.replace(' 界限', ''), fontSize: 11, color: '#4b5966' } } : {}),
  })
  const colours = { '': SOFT, inner: BLUE, outer: OCHRE }
  return {
    grid: { left: 4, right: 60, top: 30, bottom: 26 },
    legend: { show: false },
    tooltip: {
      formatter: (event: unknown) => {
        const { data } = event as { data: { point?: Funnel['points'][number] } }
        const point = data.point
        return point ? `<b>${point.name}</b><br>同级期望 ${decimal(point.expected, 1)} 例　实际 ÷ 期望 ${decimal(point.ratio)}` : ''
      },
    },
    xAxis: { type: 'log', min: low, max: high, name: '同级期望例数（对数）', nameLocation: 'middle', nameGap: 24, axisLabel: { formatter: (count: number) => integer(count), showMaxLabel: false, showMinLabel: false } },
    yAxis: { type: 'value', name: '实际 ÷ 期望', min: 0, nameTextStyle: { align: 'left' } },
    series: [
      ...Object.entries(found.limits).flatMap(([name, z]) => [curve(name, z, 1), curve(name, z, -1)]),
      { name: '期望', type: 'line', symbol: 'none', silent: true, lineStyle: { color: '#1b2733', width: 1 }, data: [[low, 1], [high, 1]] },
      {
        name: '机构',
        type: 'scatter',
        symbolSize: 11,
        labelLayout: { hideOverlap: true },
        data: found.points.map((point) => ({
          name: point.name,
          value: [point.expected, point.ratio],
          itemStyle: { color: colours[point.outside] },
          label: { show: point.own || point.outside === 'outer', formatter: point.name, position: 'right', fontSize: 11, color: '#1b2733' },
          point,
        })),
      },
    ],
  }
}

export const funnelTable = (found: Funnel): Sheet => ({
  columns: ['机构', '同级期望（例）', '实际 ÷ 期望', '界限'],
  rows: found.points.map((one) => [
    one.name,
    decimal(one.expected, 1),
    decimal(one.ratio),
    { '': '在 95% 界限之内', inner: '95% 界限之外', outer: '99.8% 界限之外' }[one.outside],
  ]),
})

const NOT_YET = '还没有'
/** Smaller nodes have no label; the table has them all. */
const LEAST_LABEL = 0.04

/** The lists of a month through the stages; blue in the month itself, ochre later, grey not yet. */
export function bridgeOption(found: Bridge): EChartsCoreOption {
  const stages = Object.keys(found.stages)
  const month = found.nodes.find((one) => one.stage === stages[0])?.when ?? ''
  const key = (stage: string, when: string) => `${stage} ${when}`
  const colour = (when: string) => (when === '' ? '#b4bec8' : when === month ? BLUE : OCHRE)
  const last = stages[stages.length - 1]
  return {
    tooltip: {
      formatter: (event: unknown) => {
        const { dataType, data, value } = event as { dataType: string; data: { label?: { formatter: string }; tip?: string }; value: number }
        return dataType === 'node' ? (data.label?.formatter ?? '').replace('\n', '<br>') : `${data.tip ?? ''}<br>${integer(value)} 例`
      },
    },
    series: [
      {
        type: 'sankey',
        left: 8,
        right: 120,
        top: 8,
        bottom: 30,
        nodeWidth: 14,
        nodeGap: 14,
        layoutIterations: 0,
        emphasis: { focus: 'adjacency' },
        lineStyle: { color: 'source', opacity: 0.28, curveness: 0.5 },
        data: found.nodes.map((node) => ({
          name: key(node.stage, node.when),
          depth: stages.indexOf(node.stage),
          itemStyle: { color: colour(node.when) },
          label: {
            show: node.stage === last || node.count >= LEAST_LABEL * found.lists,
            formatter: `${found.stages[node.stage]} ${node.when || NOT_YET}\n${integer(node.count)} 例`,
            fontSize: 12,
            lineHeight: 16,
            color: '#1b2733',
            position: 'right',
          },
        })),
        links: found.links.map((link) => {
          const next = stages[stages.indexOf(link.stage) + 1] ?? ''
          return {
            source: key(link.stage, link.source),
            target: key(next, link.target),
            value: link.count,
            tip: `${found.stages[link.stage]} ${link.source || NOT_YET} → ${found.stages[next]} ${link.target || NOT_YET}`,
          }
        }),
      },
    ],
  }
}

export const bridgeTable = (found: Bridge): Sheet => ({
  columns: ['环节', '月份', '例数', '总费用（万元）', '统筹应付（万元）'],
  rows: found.nodes.map((one) => [
    found.stages[one.stage] ?? one.stage,
    one.when || NOT_YET,
    integer(one.count),
    cash(one.total_fee_fen, '万元'),
    cash(one.pool_payable_fen, '万元'),
  ]),
})

/** The charts of the portfolio: the pyramid of classes, groups as bubbles, classes over months, the frontier. */
import type { Answer } from '@/api/client'
import { COLOURS, type EChartsCoreOption } from '@/components/charts'
import { decimal, integer, money } from '@/format'

export type Pyramid = NonNullable<Answer<'/api/v1/portfolio', 'get'>['result']>
export type Frontier = NonNullable<Answer<'/api/v1/portfolio/frontier', 'get'>['result']>
export type Ground = NonNullable<Answer<'/api/v1/portfolio/ground', 'get'>['result']>
export type Trial = NonNullable<Answer<'/api/v1/portfolio/trial', 'post'>['result']>
export type Moved = Trial['figures'][number]
type Dot = Pyramid['groups'][number]

const wan = (fen: number): number => Math.round(fen / 10_000) / 100

/** Cases to the left, result to the right, the strategic class on top. */
export function pyramidBars(sheet: Pyramid): EChartsCoreOption {
  const classes = [...sheet.classes].reverse()
  const names = classes.map((one) => one.label)
  return {
    tooltip: {
      trigger: 'axis',
      axisPointer: { type: 'shadow' },
      formatter: (what: { dataIndex: number }[]) => {
        const one = classes[what[0]?.dataIndex ?? 0] as Pyramid['classes'][number]
        return `<b>${one.label}</b>（${one.rule}）<br>${integer(one.group_count)} 个病组，${integer(one.case_count)} 例<br>结余 ${money(one.result_fen, '万元')} 万元`
      },
    },
    grid: [
      { left: 44, width: '42%', top: 30, bottom: 6, containLabel: true },
      { left: '54%', right: 76, top: 30, bottom: 6, containLabel: true },
    ],
    xAxis: [
      { type: 'value', inverse: true, name: '例数', gridIndex: 0, nameLocation: 'end' },
      { type: 'value', name: '结余 万元', gridIndex: 1 },
    ],
    yAxis: [
      { type: 'category', data: names, gridIndex: 0 },
      { type: 'category', data: names, gridIndex: 1, axisLabel: { show: false }, axisTick: { show: false } },
    ],
    series: [
      { name: '例数', type: 'bar', data: classes.map((one) => one.case_count), label: { show: true, position: 'left', formatter: ({ value }: { value: number }) => integer(value) } },
      {
        name: '结余',
        type: 'bar',
        xAxisIndex: 1,
        yAxisIndex: 1,
        data: classes.map((one) => ({ value: wan(one.result_fen), itemStyle: { color: one.result_fen < 0 ? COLOURS[2] : COLOURS[1] } })),
        label: { show: true, position: 'right', formatter: ({ value }: { value: number }) => value.toFixed(2).replace('-', '−') },
      },
    ],
  }
}

/** A bubble a group: its weight, result per case, cases. */
export function bubbles(sheet: Pyramid, few: number): EChartsCoreOption {
  const largest = Math.max(1, ...sheet.groups.map((one) => one.case_count))
  const size = (one: Dot) => 5 + 38 * Math.sqrt(one.case_count / largest)
  return {
    tooltip: {
      formatter: ({ data }: { data: { dot: Dot } }) =>
        `<b>${data.dot.drg} ${data.dot.label}</b><br>权重 ${decimal(data.dot.weight, 4)}，${integer(data.dot.case_count)} 例<br>每例 ${money(data.dot.per_case_fen)} 元，合计 ${money(data.dot.result_fen, '万元')} 万元${data.dot.losing_run ? `<br>连亏 ${data.dot.losing_run} 个月` : ''}`,
    },
    legend: { type: 'scroll' },
    xAxis: { type: 'log', name: '权重', logBase: 2, axisLabel: { formatter: (value: number) => decimal(value, 2) } },
    yAxis: { type: 'value', name: '每例结余 元' },
    dataZoom: [{ type: 'inside', xAxisIndex: 0, filterMode: 'none' }, { type: 'inside', yAxisIndex: 0, filterMode: 'none' }],
    series: sheet.classes.map((one, index) => ({
      name: one.label,
      type: 'scatter',
      itemStyle: { color: COLOURS[index % COLOURS.length], opacity: 0.65 },
      data: sheet.groups
        .filter((dot) => dot.class_id === one.id && dot.case_count >= few)
        .map((dot) => ({ name: dot.drg, value: [dot.weight, dot.per_case_fen / 100], symbolSize: size(dot), dot })),
      ...(index === 0
        ? { markLine: { symbol: 'none', lineStyle: { color: '#4b5966', type: 'dashed' }, label: { show: false }, data: [{ yAxis: 0 }, { xAxis: 1 }] } }
        : {}),
    })),
  }
}

/** The result of each class, month by month. */
export function months(sheet: Pyramid): EChartsCoreOption {
  return {
    tooltip: { trigger: 'axis' },
    legend: { type: 'scroll' },
    xAxis: { type: 'category', data: sheet.months },
    yAxis: { type: 'value', name: '结余 万元' },
    series: sheet.classes.map((one) => ({
      name: one.label,
      type: 'line',
      data: sheet.months.map((month) => {
        const found = sheet.trends.find((row) => row.class_id === one.id && row.month === month)
        return found === undefined ? null : wan(found.result_fen)
      }),
    })),
  }
}

/** The points of the frontier beside today. */
export function frontierPoints(sheet: Frontier, along: 'CMI' | '国考得分'): EChartsCoreOption {
  const mine = sheet.points.filter((one) => one.along === along)
  const x = (one: Frontier['points'][number]) => (along === 'CMI' ? one.cmi : (one.score ?? 0))
  const today = along === 'CMI' ? sheet.today_cmi : (sheet.today_score ?? 0)
  return {
    tooltip: {
      formatter: ({ data }: { data: { note: string } }) => data.note,
    },
    legend: {},
    grid: { bottom: 30 },
    xAxis: { type: 'value', scale: true, name: along === 'CMI' ? 'CMI' : '国考模拟得分', nameLocation: 'middle', nameGap: 26 },
    yAxis: { type: 'value', scale: true, name: '结余 万元' },
    series: [
      {
        name: '前沿',
        type: 'line',
        symbolSize: 9,
        data: mine.map((one) => ({
          name: String(one.number),
          value: [x(one), wan(one.result_fen)],
          symbol: one.is_chosen ? 'diamond' : 'circle',
          symbolSize: one.is_chosen ? 16 : 9,
          note: `第 ${one.number} 点：结余 ${money(one.result_fen, '万元')} 万元，CMI ${decimal(one.cmi, 4)}${one.score === null ? '' : `，国考模拟 ${decimal(one.score)}`}；安排 ${integer(one.case_count)} 例`,
        })),
      },
      {
        name: '现状',
        type: 'scatter',
        symbolSize: 12,
        symbol: 'rect',
        itemStyle: { color: '#4b5966' },
        data: [{ value: [today, wan(sheet.today_fen)], note: `现状：结余 ${money(sheet.today_fen, '万元')} 万元` }],
      },
    ],
  }
}

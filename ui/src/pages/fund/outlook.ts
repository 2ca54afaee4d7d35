/** The chart of a fund: booked spending, what is expected, and the intervals as bands; amounts in 亿元. */
import type { Answer } from '@/api/client'
import type { EChartsCoreOption } from '@/components/charts'
import { money } from '@/format'

export type Fund = Answer<'/api/v1/fund/series', 'get'>[number]

const YI = 10_000_000_000
const SHOWN = 36
const yi = (fen: number | null | undefined) => (fen === null || fen === undefined ? null : Math.round((fen / YI) * 1e4) / 1e4)

export function outlookOption(fund: Fund): EChartsCoreOption {
  const booked = fund.months.slice(-SHOWN)
  const months = [...booked.map((one) => one.month), ...fund.ahead.map((one) => one.month)]
  const before = booked.map(() => null)
  const band = (level: string, colour: string) => [
    {
      name: `${level}% 区间下限`,
      type: 'line',
      stack: level,
      symbol: 'none',
      lineStyle: { opacity: 0 },
      tooltip: { show: false },
      data: [...before, ...fund.ahead.map((one) => yi(one.low_fen[level]))],
    },
    {
      name: `${level}% 区间`,
      type: 'line',
      stack: level,
      symbol: 'none',
      lineStyle: { opacity: 0 },
      itemStyle: { color: colour },
      areaStyle: { color: colour, opacity: 1 },
      tooltip: { show: false },
      data: [...before, ...fund.ahead.map((one) => yi((one.high_fen[level] ?? 0) - (one.low_fen[level] ?? 0)))],
    },
  ]
  return {
    tooltip: { trigger: 'axis', valueFormatter: (value: unknown) => (typeof value === 'number' ? `${value.toFixed(2)} 亿元` : '—') },
    legend: { top: 0, data: ['支出', '收入', '预算支出', '预测支出', '80% 区间', '95% 区间'] },
    grid: { left: 8, right: 16, top: 34, bottom: 8, containLabel: true },
    xAxis: { type: 'category', data: months, boundaryGap: false },
    yAxis: { type: 'value', name: '亿元', scale: true },
    series: [
      ...band('95', '#e3eaf1'),
      ...band('80', '#c6d6e4'),
      { name: '收入', type: 'line', symbol: 'none', lineStyle: { color: '#5b9aa0', width: 1.5 }, itemStyle: { color: '#5b9aa0' }, data: booked.map((one) => yi(one.income_fen)) },
      { name: '预算支出', type: 'line', symbol: 'none', lineStyle: { color: '#8f7a3a', width: 1, type: 'dotted' }, itemStyle: { color: '#8f7a3a' }, data: booked.map((one) => yi(one.budget_spending_fen)) },
      { name: '支出', type: 'line', symbol: 'none', lineStyle: { color: '#17568c', width: 2 }, itemStyle: { color: '#17568c' }, data: booked.map((one) => yi(one.spending_fen)) },
      {
        name: '预测支出',
        type: 'line',
        symbol: 'none',
        lineStyle: { color: '#17568c', width: 2, type: 'dashed' },
        itemStyle: { color: '#17568c' },
        data: [...before, ...fund.ahead.map((one) => yi(one.expected_fen))],
      },
    ],
  }
}

export function outlookTable(fund: Fund): { columns: string[]; rows: string[][] } {
  const rows = fund.months.slice(-SHOWN).map((one) => [
    one.month,
    money(one.income_fen, '亿元'),
    money(one.spending_fen, '亿元'),
    one.budget_spending_fen === null ? '—' : money(one.budget_spending_fen ?? 0, '亿元'),
    '—',
    '—',
  ])
  const ahead = fund.ahead.map((one) => [
    `${one.month}（预测）`,
    '—',
    money(one.expected_fen, '亿元'),
    '—',
    `${money(one.low_fen['80'] ?? 0, '亿元')} 至 ${money(one.high_fen['80'] ?? 0, '亿元')}`,
    `${money(one.low_fen['95'] ?? 0, '亿元')} 至 ${money(one.high_fen['95'] ?? 0, '亿元')}`,
  ])
  return { columns: ['月份', '收入', '支出', '预算支出', '80% 区间', '95% 区间'], rows: [...rows, ...ahead] }
}

/** Counts by label as bars, with the same numbers as a table. */
import type { EChartsCoreOption } from '@/components/charts'
import { integer } from '@/format'

export function bars(
  name: string,
  counts: { label: string; count: number }[],
): { option: EChartsCoreOption; table: { columns: string[]; rows: (string | number)[][] } } {
  return {
    option: {
      grid: { left: 8, right: 44, top: 6, bottom: 4, containLabel: true },
      xAxis: { type: 'value', minInterval: 1, splitLine: { show: false }, axisLabel: { show: false } },
      yAxis: { type: 'category', inverse: true, data: counts.map((one) => one.label), axisTick: { show: false } },
      series: [
        {
          type: 'bar',
          name,
          barMaxWidth: 18,
          data: counts.map((one) => one.count),
          label: { show: true, position: 'right' },
        },
      ],
    },
    table: { columns: ['', name], rows: counts.map((one) => [one.label, integer(one.count)]) },
  }
}

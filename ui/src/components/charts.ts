/** ECharts with what our charts use; a new kind of chart is added here. */
import { BarChart, CustomChart, LineChart, SankeyChart, ScatterChart } from 'echarts/charts'
import { DataZoomComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent } from 'echarts/components'
import { init, use, type EChartsCoreOption } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'

use([
  BarChart,
  CustomChart,
  LineChart,
  SankeyChart,
  ScatterChart,
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
  SVGRenderer,
])

/** Written out: the width of a text is measured before it is on the page. */
const FONT = "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Source Han Sans SC', sans-serif"

/** The colours in order of use; the alarm colour is left to red lines. */
export const COLOURS = ['#17568c', '#5b9aa0', '#8f7a3a', '#6b7f94', '#9b6a8f', '#3f7a52']
const AXIS = { axisLine: { lineStyle: { color: '#b4bec8' } }, axisLabel: { color: '#4b5966' }, nameTextStyle: { color: '#4b5966' } }
const VALUES = { ...AXIS, axisLine: { show: false }, axisTick: { show: false }, splitLine: { lineStyle: { color: '#e3e8ec' } } }
export const THEME = {
  color: COLOURS,
  textStyle: { fontFamily: FONT, color: '#1b2733' },
  grid: { left: 4, right: 20, top: 34, bottom: 6, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
  legend: { top: 0, right: 0, bottom: 'auto', left: 'auto', itemGap: 16, itemWidth: 14, itemHeight: 8, textStyle: { color: '#1b2733' } },
  tooltip: { confine: true, textStyle: { fontSize: 13, color: '#1b2733' } },
  categoryAxis: AXIS,
  valueAxis: VALUES,
  logAxis: VALUES,
  bar: { barMaxWidth: 34 },
  line: { symbolSize: 5, lineStyle: { width: 1.5 } },
  markLine: { symbol: 'none', label: { position: 'insideEndTop' } },
}

export { init, type EChartsCoreOption }

import { definePage } from '@/page'

export default definePage({
  id: 'forecast',
  label: '年末预测',
  group: '指标与分析',
  permission: 'forecast.read',
  order: 640,
  path: '/forecast',
  routes: [{ path: '/forecast', component: () => import('./ForecastPage.vue'), meta: { title: '年末预测' } }],
})

import { definePage } from '@/page'

export default definePage({
  id: 'causes',
  label: '盈亏原因',
  group: '指标与分析',
  permission: 'causes.read',
  order: 620,
  path: '/causes',
  routes: [{ path: '/causes', component: () => import('./CausesPage.vue'), meta: { title: '盈亏原因' } }],
})

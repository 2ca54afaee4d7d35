import { definePage } from '@/page'

export default definePage({
  id: 'measures',
  label: '指标',
  group: '指标与分析',
  permission: 'measures.read',
  order: 600,
  path: '/measures',
  routes: [{ path: '/measures', component: () => import('./MeasuresPage.vue'), meta: { title: '指标' } }],
})

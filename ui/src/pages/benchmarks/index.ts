import { definePage } from '@/page'

export default definePage({
  id: 'benchmarks',
  label: '标杆与同级',
  group: '指标与分析',
  permission: 'measures.read',
  order: 610,
  path: '/benchmarks',
  routes: [{ path: '/benchmarks', component: () => import('./BenchmarksPage.vue'), meta: { title: '标杆与同级' } }],
})

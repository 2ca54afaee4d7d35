import { definePage } from '@/page'

export default definePage({
  id: 'evaluation',
  label: '绩效评价',
  group: '指标与分析',
  permission: 'publication.read',
  order: 680,
  path: '/evaluation',
  routes: [
    { path: '/evaluation', component: () => import('./EvaluationPage.vue'), meta: { title: '绩效评价' } },
    { path: '/evaluation/:code', component: () => import('./EvaluationPage.vue'), meta: { title: '绩效评价' } },
  ],
})

import { definePage } from '@/page'

export default definePage({
  id: 'reports',
  label: '报告下载',
  group: '指标与分析',
  permission: 'publication.read',
  order: 660,
  path: '/reports',
  routes: [{ path: '/reports', component: () => import('./ReportsPage.vue'), meta: { title: '报告下载' } }],
})

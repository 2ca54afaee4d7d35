import { definePage } from '@/page'

export default definePage({
  id: 'publication',
  label: '数据公布',
  group: '指标与分析',
  permission: 'publication.read',
  order: 690,
  path: '/publication',
  routes: [
    { path: '/publication', component: () => import('./IssuesPage.vue'), meta: { title: '数据公布' } },
    { path: '/publication/:period', component: () => import('./IssuePage.vue'), meta: { title: '一期公布' } },
  ],
})

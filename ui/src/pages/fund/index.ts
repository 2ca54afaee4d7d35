import { definePage } from '@/page'

export default definePage({
  id: 'fund',
  label: '基金运行',
  group: '基金与预算',
  permission: 'fund.read',
  order: 500,
  path: '/fund',
  routes: [{ path: '/fund', component: () => import('./FundPage.vue'), meta: { title: '基金运行' } }],
})

import { definePage } from '@/page'

export default definePage({
  id: 'prepay',
  label: '预付金',
  group: '基金与预算',
  permission: 'prepay.read',
  order: 520,
  path: '/prepay',
  routes: [{ path: '/prepay', component: () => import('./PrepayPage.vue'), meta: { title: '预付金' } }],
})

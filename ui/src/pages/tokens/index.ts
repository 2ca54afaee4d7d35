import { definePage } from '@/page'

export default definePage({
  id: 'tokens',
  label: '接口令牌',
  group: '用户与日志',
  permission: 'tokens.manage',
  order: 920,
  path: '/tokens',
  routes: [{ path: '/tokens', component: () => import('./TokensPage.vue'), meta: { title: '接口令牌' } }],
})

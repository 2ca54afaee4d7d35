import { definePage } from '@/page'

export default definePage({
  id: 'negotiation',
  label: '谈判材料',
  group: '指标与分析',
  permission: 'portfolio.read',
  order: 650,
  path: '/negotiation',
  routes: [{ path: '/negotiation', component: () => import('./NegotiationPage.vue'), meta: { title: '谈判材料' } }],
})

import { definePage } from '@/page'

export default definePage({
  id: 'portfolio',
  label: '病组组合',
  group: '指标与分析',
  permission: 'portfolio.read',
  order: 630,
  path: '/portfolio',
  routes: [{ path: '/portfolio', component: () => import('./PortfolioPage.vue'), meta: { title: '病组组合' } }],
})

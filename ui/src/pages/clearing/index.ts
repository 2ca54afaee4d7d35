import { definePage } from '@/page'

export default definePage({
  id: 'clearing',
  label: '年度清算',
  group: '结算与清算',
  permission: 'clearing.read',
  order: 410,
  path: '/clearing',
  routes: [
    { path: '/clearing', component: () => import('./ClearingPage.vue'), meta: { title: '年度清算' } },
    {
      path: '/clearing/:year/:institution/:fund',
      component: () => import('./PlacePage.vue'),
      meta: { title: '清算结果' },
    },
  ],
})

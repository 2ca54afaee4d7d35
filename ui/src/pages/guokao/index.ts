import { definePage } from '@/page'

export default definePage({
  id: 'guokao',
  label: '国考填报与模拟',
  group: '国考',
  permission: 'guokao.read',
  order: 700,
  path: '/guokao',
  routes: [
    { path: '/guokao', component: () => import('./GuokaoPage.vue'), meta: { title: '国考' } },
    { path: '/guokao/:code', component: () => import('./FilingPage.vue'), meta: { title: '国考填报' } },
  ],
})

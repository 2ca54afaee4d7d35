import { definePage } from '@/page'

export default definePage({
  id: 'lists',
  label: '清单与申诉',
  group: '病例与清单',
  permission: 'lists.read',
  order: 210,
  path: '/lists',
  routes: [
    { path: '/lists', component: () => import('./ListsPage.vue'), meta: { title: '清单与申诉' } },
    { path: '/lists/:institution/:setl_id', component: () => import('./AppealPage.vue'), meta: { title: '申诉' } },
  ],
})

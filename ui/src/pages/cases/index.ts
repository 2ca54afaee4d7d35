import { definePage } from '@/page'

export default definePage({
  id: 'cases',
  label: '病例',
  group: '病例与清单',
  permission: 'cases.read',
  order: 200,
  path: '/cases',
  routes: [
    { path: '/cases', component: () => import('./CasesPage.vue'), meta: { title: '病例' } },
    { path: '/cases/:case_id', component: () => import('./CasePage.vue'), meta: { title: '病例页' } },
  ],
})

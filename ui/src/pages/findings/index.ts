import { definePage } from '@/page'

export default definePage({
  id: 'findings',
  label: '退回与问题',
  group: '病例与清单',
  permission: 'findings.read',
  order: 220,
  path: '/findings',
  routes: [{ path: '/findings', component: () => import('./FindingsPage.vue'), meta: { title: '退回与问题' } }],
})

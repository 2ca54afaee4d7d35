import { definePage } from '@/page'

export default definePage({
  id: 'journal',
  label: '日志',
  group: '用户与日志',
  permission: 'journal.read',
  order: 910,
  path: '/journal',
  routes: [{ path: '/journal', component: () => import('./JournalPage.vue'), meta: { title: '日志' } }],
})

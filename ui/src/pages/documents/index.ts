import { definePage } from '@/page'

export default definePage({
  id: 'documents',
  label: '公文审批',
  group: '结算与清算',
  permission: 'documents.read',
  order: 405,
  path: '/documents',
  routes: [
    { path: '/documents', component: () => import('./DocumentsPage.vue'), meta: { title: '公文审批' } },
    { path: '/documents/:number', component: () => import('./DocumentPage.vue'), meta: { title: '公文' } },
  ],
})

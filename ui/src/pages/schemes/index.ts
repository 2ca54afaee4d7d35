import { definePage } from '@/page'

export default definePage({
  id: 'schemes',
  label: '分组方案',
  group: '办法与目录',
  permission: 'schemes.read',
  order: 810,
  path: '/schemes',
  routes: [
    { path: '/schemes', component: () => import('./SchemesPage.vue'), meta: { title: '分组方案' } },
    { path: '/schemes/compare', component: () => import('./ComparePage.vue'), meta: { title: '方案对比' } },
    { path: '/schemes/:name', component: () => import('./SchemePage.vue'), meta: { title: '方案的病组' } },
    { path: '/schemes/:name/groups/:code', component: () => import('./GroupPage.vue'), meta: { title: '病组规则' } },
  ],
})

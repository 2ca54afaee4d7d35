import { definePage } from '@/page'

export default definePage({
  id: 'policies',
  label: '付费办法',
  group: '办法与目录',
  permission: 'policies.read',
  order: 800,
  path: '/policies',
  routes: [
    { path: '/policies', component: () => import('./PoliciesPage.vue'), meta: { title: '付费办法' } },
    { path: '/policies/compare', component: () => import('./ComparePage.vue'), meta: { title: '付费办法对比' } },
    { path: '/policies/:area/:edition', component: () => import('./PolicyPage.vue'), meta: { title: '付费办法版本' } },
  ],
})

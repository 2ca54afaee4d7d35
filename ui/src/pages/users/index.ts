import { definePage } from '@/page'

export default definePage({
  id: 'users',
  label: '用户与岗位',
  group: '用户与日志',
  permission: 'users.manage',
  order: 900,
  path: '/users',
  routes: [
    { path: '/users', component: () => import('./UsersPage.vue'), meta: { title: '用户与岗位' } },
    { path: '/users/roles', component: () => import('./RolesPage.vue'), meta: { title: '岗位、权限与职责' } },
    { path: '/users/:user_id', component: () => import('./UserPage.vue'), meta: { title: '用户' } },
  ],
})

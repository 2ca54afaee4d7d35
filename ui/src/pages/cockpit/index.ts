import { definePage } from '@/page'

export default definePage({
  id: 'cockpit',
  label: '驾驶舱',
  group: '驾驶舱',
  permission: 'cockpit.read',
  order: 100,
  path: '/cockpit',
  routes: [
    { path: '/cockpit', component: () => import('./CockpitPage.vue'), meta: { title: '驾驶舱' } },
    { path: '/cockpit/alerts', component: () => import('./AlertsPage.vue'), meta: { title: '预警' } },
    { path: '/cockpit/groups', component: () => import('./GroupsPage.vue'), meta: { title: '病组双指标' } },
    { path: '/cockpit/discharges', component: () => import('./DischargesPage.vue'), meta: { title: '出院病案首页' } },
  ],
})

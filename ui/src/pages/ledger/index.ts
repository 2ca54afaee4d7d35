import { definePage } from '@/page'

export default definePage({
  id: 'ledger',
  label: '对账与账簿',
  group: '结算与清算',
  permission: 'ledger.read',
  order: 430,
  path: '/ledger',
  routes: [{ path: '/ledger', component: () => import('./LedgerPage.vue'), meta: { title: '对账与账簿' } }],
})

import { definePage } from '@/page'

export default definePage({
  id: 'statements',
  label: '月度支付情况',
  group: '结算与清算',
  permission: 'statements.read',
  order: 400,
  path: '/statements',
  routes: [
    { path: '/statements', component: () => import('./StatementsPage.vue'), meta: { title: '月度支付情况' } },
    { path: '/statements/:institution/:fund', component: () => import('./StatementPage.vue'), meta: { title: '支付情况' } },
  ],
})

import { definePage } from '@/page'

export default definePage({
  id: 'catalogue',
  label: '目录与出处',
  group: '办法与目录',
  permission: 'catalogue.read',
  order: 820,
  path: '/catalogue',
  routes: [
    { path: '/catalogue', component: () => import('./CataloguePage.vue'), meta: { title: '目录与出处' } },
    { path: '/catalogue/:kind/:id', component: () => import('./EntryPage.vue'), meta: { title: '目录的一条' } },
  ],
})

import { definePage } from '@/page'

export default definePage({
  id: 'reviews',
  label: '特例单议',
  group: '审核与申诉',
  permission: 'reviews.read',
  order: 320,
  path: '/reviews',
  routes: [
    { path: '/reviews', component: () => import('./ReviewsPage.vue'), meta: { title: '特例单议' } },
    {
      path: '/reviews/apply/:institution/:list_id',
      component: () => import('./CandidatePage.vue'),
      meta: { title: '申报特例单议' },
    },
    { path: '/reviews/:name', component: () => import('./ReviewPage.vue'), meta: { title: '特例单议申报' } },
  ],
})

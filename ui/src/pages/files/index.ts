import { definePage } from '@/page'

export default definePage({
  id: 'files',
  label: '上传',
  group: '病例与清单',
  permission: 'files.upload',
  order: 230,
  path: '/upload',
  routes: [{ path: '/upload', component: () => import('./UploadPage.vue'), meta: { title: '上传' } }],
})

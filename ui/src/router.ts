/** Routes, the door, and the month that travels with every link. */
import { createRouter, createWebHistory, type RouteLocationNormalized, type RouteLocationRaw } from 'vue-router'
import { doorkeeper } from './api/client'
import { openPages, pages } from './pages'
import { chosen, forget, latestMonth, me, whoAmI } from './session'

declare module 'vue-router' {
  interface RouteMeta {
    title?: string
    /** The menu entry the route belongs to. */
    page?: string
    /** Open without a session. */
    open?: boolean
  }
}

export const router = createRouter({
  history: createWebHistory(),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: '/sign-in', component: () => import('./shell/SignIn.vue'), meta: { title: '登录', open: true } },
    {
      path: '/',
      component: () => import('./shell/Shell.vue'),
      children: [
        { path: '', component: () => import('./shell/Nowhere.vue'), meta: { title: '没有可用的页面' } },
        { path: 'password', component: () => import('./shell/Password.vue'), meta: { title: '修改口令' } },
        ...pages.flatMap((page) =>
          page.routes.map((route) => ({ ...route, meta: { ...route.meta, page: page.id } })),
        ),
        { path: ':rest(.*)*', component: () => import('./shell/Nowhere.vue'), meta: { title: '没有这个页面' } },
      ],
    },
  ],
})

const one = (value: unknown): string => (typeof value === 'string' ? value : '')

router.beforeEach(async (to): Promise<RouteLocationRaw | boolean> => {
  if (to.meta.open) return true
  fetchAhead(to)
  const found = await whoAmI()
  if (found === undefined) return { path: '/sign-in', query: to.fullPath === '/' ? {} : { to: to.fullPath } }
  if (found.must_change) return to.path === '/password' || { path: '/password', query: { to: to.fullPath } }
  const first = openPages.value[0]
  if (to.path === '/' && first !== undefined) return { path: first.path, query: to.query }
  return carried(to)
})

/** The code of the page comes while the server is asked who is there. */
function fetchAhead(to: RouteLocationNormalized): void {
  if (me.value !== undefined) return
  for (const { components } of to.matched) {
    const load = components?.['default'] as (() => Promise<unknown>) | undefined
    // A cut line is told by the navigation itself.
    if (typeof load === 'function') load().catch(() => undefined)
  }
}

/** Month and area of the address are taken over; where a link names none, the chosen ones go with it. */
function carried(to: RouteLocationNormalized): RouteLocationRaw | boolean {
  const wanted = { month: one(to.query['month']), area: one(to.query['area']) }
  const query = { ...to.query }
  for (const name of ['month', 'area'] as const) {
    if (wanted[name] !== '') chosen[name] = wanted[name] === latestMonth.value ? '' : wanted[name]
    else if (chosen[name] !== '') query[name] = chosen[name]
  }
  return Object.keys(query).length === Object.keys(to.query).length || { path: to.path, query, hash: to.hash, replace: true }
}

router.afterEach((to) => {
  document.title = to.meta.title === undefined ? '同频工作台' : `${to.meta.title} · 同频工作台`
})

doorkeeper.signedOut = () => {
  const here = router.currentRoute.value
  forget()
  if (!here.meta.open && here.matched.length > 0) void router.push({ path: '/sign-in', query: { to: here.fullPath } })
}

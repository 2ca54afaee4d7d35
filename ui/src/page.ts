/** What a folder of `pages/` says of itself in its `index.ts`. */
import type { RouteRecordRaw } from 'vue-router'

export interface PageModule {
  id: string
  label: string
  group: string
  /** Who sees it: those whose role has this permission (catalogue/workbench/roles.yaml). */
  permission: string
  /** Where in the menu: entries by this number, groups by their first entry. */
  order: number
  path: string
  /** Each with `meta: { title }`; `path` and `component: () => import(…)`. */
  routes: RouteRecordRaw[]
}

export const definePage = (page: PageModule): PageModule => page

/** The pages: every folder of `pages/` with an `index.ts` is one, and nothing else names it. */
import { computed } from 'vue'
import type { PageModule } from './page'
import { may } from './session'

const found = import.meta.glob<{ default: PageModule }>('./pages/*/index.ts', { eager: true })
export const pages = Object.values(found)
  .map((module) => module.default)
  .sort((one, other) => one.order - other.order)

/** The pages of this person's role; the server refuses the others by itself. */
export const openPages = computed(() => pages.filter((page) => may(page.permission)))

export const menu = computed(() => {
  const groups = new Map<string, PageModule[]>()
  for (const page of openPages.value) groups.set(page.group, [...(groups.get(page.group) ?? []), page])
  return [...groups].map(([label, entries]) => ({ label, entries }))
})

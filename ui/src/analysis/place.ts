/** Which hospital and department a page looks at: in the address, so that a view is a link. */
import { computed } from 'vue'
import { useRoute, useRouter, type LocationQueryValue } from 'vue-router'
import type { Answer } from '@/api/client'

export type Places = Answer<'/api/v1/causes/places', 'get'>

const text = (value: LocationQueryValue | LocationQueryValue[] | undefined): string =>
  typeof value === 'string' ? value : ''

/** A part of the address that reads and writes like a ref; empty takes it away. */
export function useQuery() {
  const route = useRoute()
  const router = useRouter()
  const read = (name: string) => text(route.query[name])
  function write(parts: Record<string, string>): void {
    const query = { ...route.query }
    for (const [name, value] of Object.entries(parts)) {
      if (value === '') delete query[name]
      else query[name] = value
    }
    void router.replace({ query })
  }
  const part = (name: string, usual = '') =>
    computed({ get: () => read(name) || usual, set: (value: string) => write({ [name]: value === usual ? '' : value }) })
  return { read, write, part }
}

/** The departments of a hospital that may be chosen. */
export const departmentsOf = (places: Places | undefined, hospital: string) =>
  (places?.departments ?? []).filter((one) => one.hospital === hospital)

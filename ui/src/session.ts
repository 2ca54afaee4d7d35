/** Who is signed in, and the month and area that every page looks at. */
import { computed, reactive, shallowRef } from 'vue'
import { api, ApiError, doorkeeper } from './api/client'
import type { Me } from './api/shapes'

export const me = shallowRef<Me>()

/** What the address says of month and area; empty means the newest month and the own area. */
export const chosen = reactive({ month: '', area: '' })

export const latestMonth = computed(() => [...(me.value?.months ?? [])].sort().at(-1) ?? '')
export const month = computed(() => chosen.month || latestMonth.value)
export const area = computed(() => chosen.area || me.value?.scope.area || me.value?.areas[0]?.id || '')

function keep(found: Me): Me {
  me.value = found
  doorkeeper.csrf = found.csrf
  return found
}

export function forget(): void {
  me.value = undefined
  doorkeeper.csrf = ''
}

/** The person of the running session; nothing when nobody is signed in. */
export async function whoAmI(): Promise<Me | undefined> {
  if (me.value !== undefined) return me.value
  try {
    return keep(await api.get('/api/v1/me'))
  } catch (error) {
    if (error instanceof ApiError && error.fault.status === 401) return undefined
    throw error
  }
}

export async function signIn(name: string, password: string): Promise<Me> {
  return keep(await api.post('/api/v1/session', { body: { name, password } }))
}

/** A new password; what it opens is read afresh. */
export async function changePassword(old: string, fresh: string): Promise<void> {
  await api.put('/api/v1/session/password', { body: { old, new: fresh } })
  forget()
  await whoAmI()
}

/** Acts in another of one's roles from now on. */
export async function actAs(grant: number): Promise<void> {
  keep(await api.put('/api/v1/session/role', { body: { grant } }))
}

export async function signOut(): Promise<void> {
  await api.delete('/api/v1/session')
  forget()
}

export function may(permission: string): boolean {
  return me.value?.permissions.includes(permission) ?? false
}

/** The sections of the cockpit: each is loaded for the month and area of the top bar, and again when those change. */
import { useApi, type Loaded } from '@/api/use'
import { area, month } from '@/session'

export const chosen = () => ({ query: { area: area.value, month: month.value } })

export function useSection<T>(load: (options: ReturnType<typeof chosen> & { signal: AbortSignal }) => Promise<T>): Loaded<T> {
  return useApi((signal) => load({ ...chosen(), signal }), () => [area.value, month.value])
}

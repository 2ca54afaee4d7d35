/** The months that a page looks at, as the server writes them: `2025-06`, `2025-01..2025-06`. */
import { computed } from 'vue'
import { month } from '@/session'
import { useQuery } from './place'

export function useSpan() {
  const query = useQuery()
  const from = query.part('from')
  return computed(() => (from.value === '' || from.value >= month.value ? month.value : `${from.value}..${month.value}`))
}

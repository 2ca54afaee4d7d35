/** The year of the address, else that of the newest month. */
import { ref, type Ref } from 'vue'
import { useRoute } from 'vue-router'
import { month } from '@/session'

export function useYear(name = 'year', ahead = 0): Ref<number> {
  const asked = Number(useRoute().query[name])
  return ref(Number.isInteger(asked) && asked > 2000 ? asked : Number(month.value.slice(0, 4)) + ahead)
}

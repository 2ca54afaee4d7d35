/** `useLooked`: an answer that may take long; asks again until it is there, and says how far it is. */
import { ref, type Ref } from 'vue'
import { useApi, type Loaded } from './use'

interface Running {
  words: string
  done: number
  total: number
  seconds: number
}
interface Looked<T> {
  running?: Running | null
  result?: T | null
}
const PAUSE = 700

export function useLooked<T>(
  load: (signal: AbortSignal) => Promise<Looked<T>>,
  when?: () => unknown,
): Loaded<T> & { running: Ref<Running | undefined> } {
  const running = ref<Running>()
  const loaded = useApi<T>(async (signal) => {
    for (;;) {
      const answer = await load(signal)
      running.value = answer.running ?? undefined
      if (!answer.running) return answer.result as T
      await new Promise((resume) => window.setTimeout(resume, PAUSE))
      signal.throwIfAborted()
    }
  }, when)
  return { ...loaded, running }
}

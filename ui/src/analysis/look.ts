/** Answers that take long: asked again until they are there, with how far the server is. */
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import type { ApiError } from '@/api/client'
import { asError } from '@/api/use'

/** How far a computation is; `total` 0: nobody knows. */
export interface Running {
  words: string
  done: number
  total: number
  seconds: number
}

interface Looked<T> {
  running?: Running | null
  result?: T | null
}

export interface Look<T> {
  data: ShallowRef<T | undefined>
  error: ShallowRef<ApiError | undefined>
  running: ShallowRef<Running | undefined>
  busy: Ref<boolean>
  reload: () => Promise<void>
}

const PAUSE = 600

/** The result of a look, waited for. */
export async function wait<T>(
  ask: (signal: AbortSignal) => Promise<Looked<T>>,
  signal: AbortSignal,
  tell: (running: Running) => void = () => {},
): Promise<T> {
  for (;;) {
    const answer = await ask(signal)
    if (answer.running === null || answer.running === undefined) return answer.result as T
    tell(answer.running)
    await new Promise((resolve) => window.setTimeout(resolve, PAUSE))
    signal.throwIfAborted()
  }
}

/** Looks at once and whenever `when` changes; what was overtaken is dropped, the last result stays until the next is there. */
export function useLook<T>(ask: (signal: AbortSignal) => Promise<Looked<T>> | undefined, when?: () => unknown): Look<T> {
  const data = shallowRef<T>()
  const error = shallowRef<ApiError>()
  const running = shallowRef<Running>()
  const busy = ref(false)
  let mine: AbortController | undefined

  async function reload(): Promise<void> {
    mine?.abort()
    const own = new AbortController()
    mine = own
    busy.value = true
    running.value = undefined
    try {
      const first = ask(own.signal)
      if (first === undefined) {
        data.value = undefined
        error.value = undefined
        return
      }
      let begun: Promise<Looked<T>> | undefined = first
      const found = await wait<T>(
        (signal) => {
          const next = begun ?? (ask(signal) as Promise<Looked<T>>)
          begun = undefined
          return next
        },
        own.signal,
        (far) => {
          if (!own.signal.aborted) running.value = far
        },
      )
      if (own.signal.aborted) return
      data.value = found
      error.value = undefined
    } catch (caught) {
      if (own.signal.aborted) return
      data.value = undefined
      error.value = asError(caught)
    } finally {
      if (mine === own) {
        busy.value = false
        running.value = undefined
      }
    }
  }

  if (when !== undefined) watch(when, () => void reload(), { deep: true })
  onScopeDispose(() => mine?.abort())
  void reload()
  return { data, error, running, busy, reload }
}

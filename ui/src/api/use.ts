/** `useApi`: an answer with its states; `useEvents`: what the server tells by itself. */
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { ApiError } from './client'

export interface Loaded<T> {
  data: ShallowRef<T | undefined>
  error: ShallowRef<ApiError | undefined>
  loading: Ref<boolean>
  reload: () => Promise<void>
}

/** Loads at once and whenever `when` changes; an answer that has been overtaken is dropped. */
export function useApi<T>(load: (signal: AbortSignal) => Promise<T>, when?: () => unknown): Loaded<T> {
  const data = shallowRef<T>()
  const error = shallowRef<ApiError>()
  const loading = ref(false)
  let running: AbortController | undefined

  async function reload(): Promise<void> {
    running?.abort()
    const mine = new AbortController()
    running = mine
    loading.value = true
    try {
      const answer = await load(mine.signal)
      if (mine.signal.aborted) return
      data.value = answer
      error.value = undefined
    } catch (caught) {
      if (mine.signal.aborted) return
      error.value = asError(caught)
    } finally {
      if (running === mine) loading.value = false
    }
  }

  if (when !== undefined) watch(when, () => void reload(), { deep: true })
  onScopeDispose(() => running?.abort())
  void reload()
  return { data, error, loading, reload }
}

/** Whatever was thrown, as the error that ErrorBox shows; a fault of the page itself is not hidden. */
export function asError(caught: unknown): ApiError {
  if (caught instanceof ApiError) return caught
  console.error(caught)
  return new ApiError({ code: 'page', message: '页面出错了', hint: `请刷新页面；仍不行时告诉信息科：${String(caught)}` })
}

let source: EventSource | undefined
let listeners = 0

/** Calls `hear` for every event of this kind as long as the component lives; one connection for the whole page. */
export function useEvents<T>(kind: string, hear: (event: T) => void): void {
  const line = (source ??= new EventSource('/api/v1/events'))
  const receive = (event: MessageEvent<string>) => hear(JSON.parse(event.data) as T)
  line.addEventListener(kind, receive)
  listeners += 1
  onScopeDispose(() => {
    line.removeEventListener(kind, receive)
    listeners -= 1
    if (listeners === 0) {
      line.close()
      source = undefined
    }
  })
}

/** Follows uploads until they end: asks again every second while one is under way. */
import { onScopeDispose, ref, type Ref } from 'vue'
import { api, type Answer } from '@/api/client'

export type UploadState = Answer<'/api/v1/files/{upload_id}', 'get'>
const isUnderWay = (one: UploadState): boolean => one.state === 'waiting' || one.state === 'running'
const EVERY = 1000

export function useUploads(ended: (one: UploadState) => void = () => {}): {
  uploads: Ref<UploadState[]>
  follow: (one: UploadState) => void
} {
  const uploads = ref<UploadState[]>([])
  const timer = window.setInterval(() => void ask(), EVERY)
  onScopeDispose(() => window.clearInterval(timer))
  let asking = false

  async function ask(): Promise<void> {
    if (asking) return
    asking = true
    try {
      for (const [index, one] of uploads.value.entries()) {
        if (!isUnderWay(one)) continue
        const fresh = await api.get('/api/v1/files/{upload_id}', { path: { upload_id: one.id } })
        uploads.value[index] = fresh
        if (!isUnderWay(fresh)) ended(fresh)
      }
    } catch {
      // The next second asks again; a lost session leads to the sign-in by itself.
    } finally {
      asking = false
    }
  }

  const follow = (one: UploadState): void => {
    uploads.value = [one, ...uploads.value.filter((known) => known.id !== one.id)]
  }
  return { uploads, follow }
}

/** The typed client: paths, parameters and answers come from openapi.json (`npm run types`). */
import type { paths } from './schema'

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never
}[keyof paths] &
  string

type Operation<P extends keyof paths, M extends Method> = paths[P][M]
type Json<T> = T extends { content: { 'application/json': infer Body } } ? Body : undefined
type Good<T> = T extends { 200: infer A } ? A : T extends { 201: infer B } ? B : T extends { 202: infer C } ? C : undefined

/** What a call answers: the JSON of 200, 201 or 202; nothing for 204. */
export type Answer<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { responses: infer R } ? Json<Good<R>> : never
export type BodyOf<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { requestBody: { content: { 'application/json': infer B } } } ? B : undefined
type Part<P extends keyof paths, M extends Method, K extends 'path' | 'query'> =
  Operation<P, M> extends { parameters: infer A } ? (K extends keyof A ? Exclude<A[K], undefined> : undefined) : undefined

type PathPart<T> = [T] extends [undefined] ? { path?: never } : { path: T }
type QueryPart<T> = [T] extends [undefined] ? { query?: never } : { query?: T }
type BodyPart<T> = [T] extends [undefined] ? { body?: never } : { body: T }
export type Options<P extends keyof paths, M extends Method> = PathPart<Part<P, M, 'path'>> &
  QueryPart<Part<P, M, 'query'>> &
  BodyPart<BodyOf<P, M>> & { signal?: AbortSignal }
type Rest<T> = Record<string, never> extends T ? [options?: T] : Partial<T> extends T ? [options?: T] : [options: T]

/** The one error shape of the server. */
export interface Fault {
  status: number
  code: string
  message: string
  hint: string
  path: string
  errors: Record<string, unknown>[]
}

export class ApiError extends Error {
  readonly fault: Fault

  constructor(fault: Partial<Fault> & { message: string }) {
    super(fault.message)
    const { message } = fault
    this.fault = { status: 0, code: '', hint: '', path: '', errors: [], ...dropNulls(fault), message }
  }
}

function dropNulls(fault: Partial<Fault>): Partial<Fault> {
  return Object.fromEntries(Object.entries(fault).filter(([, value]) => value !== null && value !== undefined))
}

/** What the session hands to the client, and what the client tells the session. */
export const doorkeeper = { csrf: '', signedOut: () => {} }

interface Loose {
  path?: Record<string, unknown>
  query?: Record<string, unknown>
  body?: unknown
  signal?: AbortSignal
}

export function address(path: string, options: Loose = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(String(options.path?.[name] ?? '')))
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(options.query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== '') query.append(name, String(one))
    }
  }
  const text = query.toString()
  return text === '' ? filled : `${filled}?${text}`
}

/** The headers of a request: an unsafe one carries the token of the session. */
export function headersOf(method: string): Record<string, string> {
  return method === 'get' ? {} : { 'X-CSRF-Token': doorkeeper.csrf }
}

/** The error of an answer that is none of ours, too (a proxy, a cut line). */
export function faultOf(status: number, text: string): ApiError {
  try {
    const found = JSON.parse(text) as Partial<Fault>
    if (typeof found.message === 'string') return new ApiError({ ...found, message: found.message, status })
  } catch {
    // Not our JSON: the status says what is known.
  }
  return new ApiError({
    status,
    code: `http.${status}`,
    message: status === 413 ? '文件太大，服务器没有接收' : `服务器没有完成这次请求（${status}）`,
    hint: '请稍后再试；仍不行时，把这段文字和时间告诉信息科。',
  })
}

async function send(method: Method, path: string, options: Loose): Promise<Response> {
  const headers = headersOf(method)
  if (options.body !== undefined) headers['Content-Type'] = 'application/json'
  let answer: Response
  try {
    answer = await fetch(address(path, options), {
      method: method.toUpperCase(),
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      credentials: 'same-origin',
      signal: options.signal ?? null,
    })
  } catch (error) {
    if (options.signal?.aborted) throw error
    throw new ApiError({ code: 'network', message: '连不上服务器', hint: '请检查网络，或稍后再试。' })
  }
  if (answer.ok) return answer
  if (answer.status === 401 && path !== '/api/v1/session') doorkeeper.signedOut()
  throw faultOf(answer.status, await answer.text())
}

async function call(method: Method, path: string, options: Loose = {}): Promise<unknown> {
  const answer = await send(method, path, options)
  return answer.status === 204 ? undefined : answer.json()
}

/** A GET whose answer openapi.json leaves open; the caller says what it expects. */
export const getJson = <T>(path: string, options: Loose = {}): Promise<T> => call('get', path, options) as Promise<T>

type Verb<M extends Method> = <P extends PathOf<M>>(path: P, ...rest: Rest<Options<P, M>>) => Promise<Answer<P, M>>
const verb = <M extends Method>(method: M) =>
  ((path: string, options?: Loose) => call(method, path, options)) as unknown as Verb<M>

export const api = {
  get: verb('get'),
  post: verb('post'),
  put: verb('put'),
  patch: verb('patch'),
  delete: verb('delete'),
}

/** Fetches a file and hands it to the browser under the name the server gave it. */
export async function download<M extends 'get' | 'post', P extends PathOf<M>>(
  method: M,
  path: P,
  options: Options<P, M>,
  fallback: string,
): Promise<void> {
  const answer = await send(method, path, options as Loose)
  const link = document.createElement('a')
  link.href = URL.createObjectURL(await answer.blob())
  link.download = fileName(answer.headers.get('Content-Disposition')) ?? fallback
  link.click()
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

function fileName(header: string | null): string | undefined {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(header ?? '')?.[1]
  return encoded === undefined ? /filename="?([^";]+)"?/i.exec(header ?? '')?.[1] : decodeURIComponent(encoded)
}

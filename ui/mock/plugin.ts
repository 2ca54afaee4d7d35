/** A stand-in for the server in `vite dev` and `vite preview`: answers the contract with made-up rows. Never in a build. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Connect, Plugin } from 'vite'
import { answers } from './answers.ts'
import { Refusal } from './refusal.ts'

/** What the server sends with every page, so that a page that breaks it is seen here. */
const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"

export function mock(): Plugin {
  const real = process.env['TONGPIN_API']
  return {
    name: 'mock',
    config: () => (real === undefined ? {} : { server: { proxy: { '/api': real } } }),
    configureServer: (server) => {
      if (real === undefined) server.middlewares.use(respond)
    },
    configurePreviewServer: (server) => {
      server.middlewares.use((_request, response, next) => {
        response.setHeader('Content-Security-Policy', POLICY)
        next()
      })
      server.middlewares.use(respond)
    },
  }
}

const respond: Connect.NextHandleFunction = (request, response, next) => {
  const url = new URL(request.url ?? '/', 'http://mock')
  if (!url.pathname.startsWith('/api/v1/')) {
    next()
    return
  }
  if (url.pathname === '/api/v1/events') {
    events(response)
    return
  }
  void body(request).then((sent) => {
    let status = 200
    let answer: unknown
    try {
      answer = answers(`${request.method} ${url.pathname.slice('/api/v1'.length)}`, sent, request.headers.cookie ?? '', response)
      if (answer === undefined) status = 204
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      status = error.status
      answer = { ok: false, path: null, errors: [], ...error }
    }
    response.statusCode = status
    if (status === 204) {
      response.end()
      return
    }
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify(answer))
  })
}

function events(response: ServerResponse): void {
  response.setHeader('Content-Type', 'text/event-stream')
  response.write(': here\n\n')
}

async function body(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  const text = Buffer.concat(parts).toString('utf8')
  return text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {}
}

import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { Agent, request } from 'undici'

export type FrontRequest = { method: string; path: string; headers: IncomingHttpHeaders; body: Buffer }
export type FrontAnswer = {
  status: number
  headers: Record<string, string | string[]>
  body: Uint8Array | string | AsyncIterable<Uint8Array>
}

/**
 * A server that stands before another one and hands everything on unchanged, until a test says how it behaves: then it
 * lies. `'silence'` never answers.
 */
export type Front = {
  /** Where it listens, without a trailing slash. */
  base: string
  behave:
    | ((asked: FrontRequest, forward: () => Promise<FrontAnswer>) => Promise<FrontAnswer | 'silence'>)
    | undefined
  close(): Promise<void>
}

export async function createFront(upstream: string): Promise<Front> {
  const dispatcher = new Agent()
  const server = createServer((incoming, outgoing) => {
    const answer = async () => {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk as Buffer)
      const asked: FrontRequest = {
        method: incoming.method ?? 'GET',
        path: incoming.url ?? '/',
        headers: incoming.headers,
        body: Buffer.concat(chunks),
      }
      const forward = () => handOn(dispatcher, upstream, asked)
      const given = await (front.behave ? front.behave(asked, forward) : forward())
      if (given === 'silence') return
      outgoing.writeHead(given.status, given.headers)
      if (typeof given.body === 'string' || given.body instanceof Uint8Array)
        return void outgoing.end(given.body)
      await pipeline(given.body, outgoing)
    }
    answer().catch(() => outgoing.destroy())
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const front: Front = {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    behave: undefined,
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
      await dispatcher.destroy()
    },
  }
  return front
}

/** Headers of one connection only, and those that no longer fit once the body is read. */
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host', 'expect'])

async function handOn(
  dispatcher: Agent,
  upstream: string,
  { method, path, headers, body }: FrontRequest,
): Promise<FrontAnswer> {
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP.has(name)))
  const answer = await request(`${upstream}${path}`, {
    dispatcher,
    method: method as 'GET',
    headers: kept as Record<string, string>,
    ...(body.length > 0 ? { body } : {}),
  })
  const back = Object.entries(answer.headers).filter(([name, value]) => value !== undefined && !HOP.has(name))
  return {
    status: answer.statusCode,
    headers: Object.fromEntries(back) as Record<string, string>,
    body: new Uint8Array(await answer.body.arrayBuffer()),
  }
}

/** `count` bytes, in pieces, never held at once. */
export async function* muchOf(count: number): AsyncIterable<Uint8Array> {
  const piece = new Uint8Array(1024 * 1024).fill(0x20)
  for (let sent = 0; sent < count; sent += piece.length) yield piece
}

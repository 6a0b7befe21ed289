import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errorCodeOf, wayleaveError } from '../../domain/errors.ts'

/** How often new events are looked for, and a sign of life is sent, in milliseconds. */
const LOOK_EVERY = 250
const COMMENT_EVERY = 15_000
/** As long as the token that opened it lives. Whoever is cut off goes on from the last event that it has. */
const LONGEST = 5 * 60_000
/** How long a reader may leave unread what it was sent, and how much is held for it meanwhile: one page of events. */
const READ_WITHIN = 10_000
const PAGE = 100
/** Open streams of one program. */
const MOST_STREAMS = 4

/** One server-sent event; `id` is the cursor behind it. */
export type Sent = { id: number; event: string; data: unknown }

/** Events after a cursor, at most so many; undefined when the reader may not hear of them any more. */
export type ReadEvents = (cursor: number, limit: number) => Promise<Sent[] | undefined>

export type Streams = {
  /** Answers with a stream, until the reader goes. @throws WayleaveError `rate-limited` for a program that has enough */
  serve(
    request: FastifyRequest,
    reply: FastifyReply,
    clientId: string,
    from: number,
    read: ReadEvents,
  ): Promise<void>
}

/** Streams of server-sent events, which end when the server does. */
export function createStreams(app: FastifyInstance): Streams {
  const streams = new Map<string, number>()
  const closing = new AbortController()
  app.addHook('preClose', async () => closing.abort())

  return {
    async serve(request, reply, clientId, from, read) {
      const open = streams.get(clientId) ?? 0
      if (open >= MOST_STREAMS) throw wayleaveError('rate-limited', 'streams')
      streams.set(clientId, open + 1)
      const gone = new AbortController()
      request.raw.on('close', () => gone.abort())
      reply.raw.on('close', () => gone.abort())
      reply.hijack()
      reply.raw.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-request-id': request.id,
        connection: 'close',
      })
      try {
        await streamEvents(reply.raw, from, read, AbortSignal.any([closing.signal, gone.signal]))
      } catch (error) {
        request.log.debug({ error: errorCodeOf(error) }, 'a stream of events ended')
      } finally {
        streams.set(clientId, (streams.get(clientId) ?? 1) - 1)
        reply.raw.end()
      }
    },
  }
}

/**
 * Writes events after a cursor as server-sent events (WHATWG HTML §9.2) until the reader goes, or may not hear of them any
 * more. A reader that does not read is cut off, and nothing is gathered for it.
 */
async function streamEvents(
  response: ServerResponse,
  from: number,
  read: ReadEvents,
  signal: AbortSignal,
): Promise<void> {
  const until = performance.now() + LONGEST
  let cursor = from
  let spokenAt = performance.now()

  async function write(text: string): Promise<boolean> {
    spokenAt = performance.now()
    if (response.write(text)) return true
    const within = AbortSignal.any([signal, AbortSignal.timeout(READ_WITHIN)])
    return once(response, 'drain', { signal: within }).then(
      () => true,
      () => false,
    )
  }

  // So that a client's own reconnection waits a second, and a proxy sends the headers on.
  if (!(await write('retry: 1000\n\n'))) return
  while (!signal.aborted && performance.now() < until) {
    const found = await read(cursor, PAGE)
    if (found === undefined) return
    for (const { id, event, data } of found) {
      const message = `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
      if (!(await write(message))) return void response.destroy()
      cursor = id
    }
    if (found.length === PAGE) continue
    if (performance.now() - spokenAt > COMMENT_EVERY && !(await write(':\n\n')))
      return void response.destroy()
    await new Promise((done) => setTimeout(done, LOOK_EVERY))
  }
}

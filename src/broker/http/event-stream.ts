import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { ConsentEvent, EventLog, EventSide } from '../events/event-log.ts'
import { notification } from '../events/notification.ts'

/** How often new events are looked for, and a sign of life is sent, in milliseconds. */
const LOOK_EVERY = 250
const COMMENT_EVERY = 15_000
/** As long as the token that opened it lives. Whoever is cut off goes on from the last event that it has. */
const LONGEST = 5 * 60_000
/** How long a reader may leave unread what it was sent, and how much is held for it meanwhile: one page of events. */
const READ_WITHIN = 10_000
const PAGE = 100

/**
 * Writes events after a cursor as server-sent events (WHATWG HTML §9.2) until the reader goes, or may not hear of them any
 * more. A reader that does not read is cut off, and nothing is gathered for it.
 */
export async function streamEvents(args: {
  response: ServerResponse
  from: number
  events: EventLog
  /** What the reader may hear of now. */
  sides: () => Promise<EventSide[]>
  signal: AbortSignal
  now: () => number
}): Promise<void> {
  const { response, events, signal } = args
  const until = performance.now() + LONGEST
  let cursor = args.from
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
    const sides = await args.sides()
    if (sides.length === 0) return
    const found = await events.after(cursor, sides, PAGE)
    for (const event of found) {
      if (!(await write(messageOf(event, args.now())))) return void response.destroy()
      cursor = event.seq
    }
    if (found.length === PAGE) continue
    if (performance.now() - spokenAt > COMMENT_EVERY && !(await write(':\n\n')))
      return void response.destroy()
    await new Promise((done) => setTimeout(done, LOOK_EVERY))
  }
}

function messageOf(event: ConsentEvent, now: number): string {
  const data = notification({
    type: 'event-notification',
    subscription: undefined,
    sinceStart: event.seq,
    events: [event],
    at: new Date(now).toISOString(),
  })
  return `id: ${event.seq}\nevent: ${event.change}\ndata: ${JSON.stringify(data)}\n\n`
}

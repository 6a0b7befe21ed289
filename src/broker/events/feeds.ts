import type { TrailFeed } from '../audit/push/trail-feed.ts'
import type { EventFeed } from './deliver-events.ts'
import type { EventLog, EventSide } from './event-log.ts'
import { auditPart, consentPart, type Topic } from './notification.ts'

/** What there is to subscribe to, and what of it each program may hear now. */
export function createEventFeeds(
  events: EventLog,
  trail: TrailFeed,
  may: {
    sidesOf: (clientId: string) => Promise<EventSide[]>
    mayHearTrail: (clientId: string) => Promise<boolean>
  },
): Record<Topic, EventFeed> {
  return {
    consent: {
      async after(clientId, cursor, limit) {
        const sides = await may.sidesOf(clientId)
        if (sides.length === 0) return undefined
        const found = await events.after(cursor, sides, limit)
        return found.map((event) => ({ seq: event.seq, part: consentPart(event) }))
      },
      last: () => events.last(),
    },
    audit: {
      async after(clientId, cursor, limit) {
        if (!(await may.mayHearTrail(clientId))) return undefined
        const lines = await trail.after(cursor, limit, false)
        return lines.map((line) => ({ seq: line.place, part: auditPart(line) }))
      },
      last: () => trail.last(),
    },
  }
}

import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Bundle, Subscription } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { errorCodeOf, wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { PatientStore } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog } from '../audit/access-log.ts'
import type { TrailFeed } from '../audit/push/trail-feed.ts'
import { TRAIL_SCOPE } from '../clients/scopes.ts'
import { EVENT_SCOPES, type EventLog, type EventSide } from '../events/event-log.ts'
import { consentPart, notification, type Topic } from '../events/notification.ts'
import { type Subscriptions, subscriptionOf } from '../events/subscriptions.ts'
import { partyOf } from '../release/parties.ts'
import type { Streams } from './event-stream.ts'
import type { HisGrant } from './his-routes.ts'
import { sendVersion, withVersion } from './versions.ts'

const MOST_EVENTS = 500

/**
 * Changes of consents, for programs that would otherwise ask again and again: by webhook (R4 Subscription), as a stream of
 * server-sent events, and page by page. An event says that something changed; what stands now is read as ever.
 */
export function eventRoutes(
  app: FastifyInstance,
  deps: {
    base: () => string
    db: Kysely<BrokerTables>
    clock: Clock
    events: EventLog
    subscriptions: Subscriptions
    patients: PatientStore
    accessLog: AccessLog
    index: IndexQueries
    member: Hex
    sidesOf: (clientId: string) => Promise<EventSide[]>
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
    streams: Streams
    feed: Pick<TrailFeed, 'last'>
    /** Notes who listens to the trail from now on. */
    noteListening: (grant: HisGrant, how: string) => Promise<void>
    /** Tells webhooks at once what there is. */
    flush: () => void
  },
): void {
  const { clock, events, subscriptions, streams } = deps
  /** The caller, and what of its scopes opens. @throws WayleaveError `scope-insufficient` where none does */
  async function hearer(request: FastifyRequest): Promise<{ grant: HisGrant; sides: EventSide[] }> {
    const sides: EventSide[] = []
    let grant: HisGrant | undefined
    for (const [scope, side] of EVENT_SCOPES) {
      try {
        grant = await deps.authorise(request, scope)
        sides.push(side)
      } catch (error) {
        if (errorCodeOf(error) !== 'scope-insufficient') throw error
      }
    }
    if (!grant) throw wayleaveError('scope-insufficient')
    return { grant, sides }
  }

  /** The caller, and of what it may subscribe to. @throws WayleaveError `scope-insufficient` where that is nothing */
  async function subscriber(request: FastifyRequest): Promise<{ grant: HisGrant; topics: Topic[] }> {
    const trail = await deps.authorise(request, TRAIL_SCOPE).catch((error: unknown) => {
      if (errorCodeOf(error) !== 'scope-insufficient') throw error
      return undefined
    })
    if (!trail) return { grant: (await hearer(request)).grant, topics: ['consent'] }
    const both = EVENT_SCOPES.some(([scope]) => trail.scopes.includes(scope))
    return { grant: trail, topics: both ? ['consent', 'audit'] : ['audit'] }
  }

  app.post('/fhir/Subscription', async (request, reply) => {
    const { grant, topics } = await subscriber(request)
    const row = await subscriptions.register(grant.clientId, request.body, (topic) => {
      if (!topics.includes(topic)) throw wayleaveError('scope-insufficient', topic)
      return topic === 'audit' ? deps.feed.last() : events.last()
    })
    if (row.topic === 'audit') await deps.noteListening(grant, 'A program subscribed to it.')
    deps.flush()
    reply.status(201).header('location', `${deps.base()}/fhir/Subscription/${row.id}`)
    return sendVersion(request, reply, withVersion(subscriptionOf(row)))
  })

  app.get('/fhir/Subscription', async (request, reply) => {
    const { grant } = await subscriber(request)
    if (Object.keys(request.query as object).some((name) => name !== '_format'))
      throw wayleaveError('unsupported-parameter')
    const own = await subscriptions.of(grant.clientId)
    const bundle: Bundle<Subscription> = {
      resourceType: 'Bundle',
      type: 'searchset',
      total: own.length,
      entry: own.map((row) => ({
        fullUrl: `${deps.base()}/fhir/Subscription/${row.id}`,
        resource: withVersion(subscriptionOf(row)),
        search: { mode: 'match' },
      })),
    }
    return reply.type('application/fhir+json').send(bundle)
  })

  app.get<{ Params: { id: string } }>('/fhir/Subscription/:id', async (request, reply) => {
    const { grant } = await subscriber(request)
    const row = await subscriptions.find(grant.clientId, request.params.id)
    return sendVersion(request, reply, withVersion(subscriptionOf(row)))
  })

  app.delete<{ Params: { id: string } }>('/fhir/Subscription/:id', async (request, reply) => {
    const { grant } = await subscriber(request)
    await subscriptions.remove(grant.clientId, request.params.id)
    return reply.status(204).send()
  })

  /** A page after a cursor, or all that comes from there on, by what the caller accepts. */
  app.get<{ Querystring: { after?: unknown; _count?: unknown } }>('/events', async (request, reply) => {
    const { grant, sides } = await hearer(request)
    const { after = 0, _count = 100 } = request.query
    const isStream = request.headers.accept?.includes('text/event-stream') ?? false
    const from = cursorOf(isStream ? (request.headers['last-event-id'] ?? after) : after)
    if (!isStream) {
      const found = await events.after(from, sides, Math.min(Math.max(cursorOf(_count), 1), MOST_EVENTS))
      const sinceStart = found.at(-1)?.seq ?? from
      const at = new Date(clock.now()).toISOString()
      const page = notification({
        type: 'query-event',
        subscription: undefined,
        sinceStart,
        events: found.map(consentPart),
        at,
      })
      return reply.type('application/fhir+json').send(page)
    }
    await streams.serve(request, reply, grant.clientId, from, async (cursor, limit) => {
      // What the token allowed, less what its program has lost since.
      const left = (await deps.sidesOf(grant.clientId)).filter((side) => sides.includes(side))
      if (left.length === 0) return undefined
      return (await events.after(cursor, left, limit)).map((event) => ({
        id: event.seq,
        event: event.change,
        data: notification({
          ...{
            type: 'event-notification',
            subscription: undefined,
            sinceStart: event.seq,
            events: [consentPart(event)],
          },
          at: new Date(clock.now()).toISOString(),
        }),
      }))
    })
  })

  /** Whose consent it was: told to whoever asks for one event, and noted. */
  app.get<{ Params: { id: string } }>('/events/:id', async (request) => {
    const { grant, sides } = await hearer(request)
    const event = await events.byId(request.params.id)
    if (!event || !sides.includes(event.side)) throw wayleaveError('event-unknown')
    const { seq, id, change, at, consent, patient, share, custodian, identifiers } = event
    const [about] = identifiers ?? []
    const own = patient ? await deps.patients.byFhirId(deps.db, patient.replace('Patient/', '')) : undefined
    await deps.accessLog.append(
      deps.db,
      {
        kind: 'consents-read',
        outcome: '0',
        custodian: await partyOf(deps.index, deps.member),
        user: { id: grant.asker?.userId ?? grant.clientId },
        client: { id: grant.clientId },
        ...(patient ? { patient: { reference: patient } } : about ? { patient: { identifier: about } } : {}),
      },
      own ?? about,
    )
    return { id, cursor: seq, change, at, consent, patient, share, custodian, identifiers }
  })
}

/** @throws WayleaveError `request-invalid` */
export function cursorOf(given: unknown): number {
  const text = String(given)
  if (!/^\d{1,15}$/.test(text)) throw wayleaveError('request-invalid', 'after, _count or Last-Event-ID')
  return Number(text)
}

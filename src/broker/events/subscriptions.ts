import { randomUUID } from 'node:crypto'
import type { Subscription } from 'fhir/r4.js'
import type { Kysely, Selectable } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { isAtOrigin } from '../../outward/listed-origins.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { TOPICS, type Topic } from './notification.ts'

type Db = Kysely<BrokerTables>
type Row = Selectable<BrokerTables['subscriptions']>

/** As many webhooks as one program may have. */
const MOST = 10

/** Extension by which a Backport subscription asks for references only. */
const CONTENT_EXTENSION =
  'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content'

/** Webhooks of the hospital's programs, as R4 Subscriptions (Subscriptions R5 Backport). */
export function createSubscriptions(deps: { db: Db; clock: Clock; origins: readonly string[] }) {
  const { db, clock } = deps
  const now = () => new Date(clock.now()).toISOString()

  return {
    /**
     * @param cursorOf from where on it is told of a topic: what happened before is for whoever asks
     * @throws WayleaveError `subscription-invalid`, also for a program that has enough of them; what `cursorOf` throws
     */
    async register(
      clientId: string,
      body: unknown,
      cursorOf: (topic: Topic) => Promise<number>,
    ): Promise<Row> {
      const { endpoint, reason, topic } = readSubscription(body, deps.origins)
      const cursor = await cursorOf(topic)
      return db.transaction().execute(async (trx) => {
        const own = await trx
          .selectFrom('subscriptions')
          .select('id')
          .where('client_id', '=', clientId)
          .execute()
        if (own.length >= MOST) throw wayleaveError('subscription-invalid', 'as many as one may have')
        const row = { id: randomUUID(), client_id: clientId, topic, endpoint, reason, cursor, sent: 0 }
        return trx
          .insertInto('subscriptions')
          .values({ ...row, status: 'requested', attempts: 0, next_at: now(), created_at: now() })
          .returningAll()
          .executeTakeFirstOrThrow()
      })
    },

    of: (clientId: string) =>
      db
        .selectFrom('subscriptions')
        .selectAll()
        .where('client_id', '=', clientId)
        .orderBy('created_at')
        .execute(),

    /** One of the program's own. @throws WayleaveError `subscription-unknown` */
    async find(clientId: string, id: string): Promise<Row> {
      const row = await db
        .selectFrom('subscriptions')
        .selectAll()
        .where('id', '=', id)
        .where('client_id', '=', clientId)
        .executeTakeFirst()
      if (!row) throw wayleaveError('subscription-unknown')
      return row
    },

    async remove(clientId: string, id: string): Promise<void> {
      const { numDeletedRows } = await db
        .deleteFrom('subscriptions')
        .where('id', '=', id)
        .where('client_id', '=', clientId)
        .executeTakeFirst()
      if (numDeletedRows === 0n) throw wayleaveError('subscription-unknown')
    },
  }
}

export type Subscriptions = ReturnType<typeof createSubscriptions>

function readSubscription(body: unknown, origins: readonly string[]) {
  const { resourceType, criteria, reason = '', channel, end } = (body ?? {}) as Partial<Subscription>
  const invalid = (path: string) => wayleaveError('subscription-invalid', path)
  if (resourceType !== 'Subscription') throw invalid('resourceType')
  const topic = (Object.keys(TOPICS) as Topic[]).find((one) => TOPICS[one] === criteria)
  if (!topic) throw invalid('criteria')
  if (typeof reason !== 'string' || reason.length > 200) throw invalid('reason')
  if (channel?.type !== 'rest-hook') throw invalid('channel.type')
  if (channel.payload !== undefined && !/^application\/(fhir\+)?json$/.test(channel.payload))
    throw invalid('channel.payload')
  // What would not be done must not be promised.
  if (channel.header !== undefined || end !== undefined) throw invalid('channel.header or end')
  if (typeof channel.endpoint !== 'string' || !isAtOrigin(channel.endpoint, origins))
    throw invalid('channel.endpoint at no origin that is listed')
  return { endpoint: channel.endpoint, reason, topic }
}

const ABOUT = { consent: 'Changes of consents', audit: 'The audit trail' } as const

export function subscriptionOf({ id, topic, endpoint, reason, status, attempts, sent }: Row): Subscription {
  return {
    resourceType: 'Subscription',
    id,
    meta: {
      profile: ['http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription'],
    },
    status: status === 'active' && attempts > 0 ? 'error' : status,
    reason: reason === '' ? ABOUT[topic] : reason,
    criteria: TOPICS[topic],
    ...(attempts > 0 ? { error: `${attempts} tries failed; the next one goes on after event ${sent}.` } : {}),
    channel: {
      type: 'rest-hook',
      endpoint,
      payload: 'application/fhir+json',
      _payload: { extension: [{ url: CONTENT_EXTENSION, valueCode: 'id-only' }] },
    },
  }
}

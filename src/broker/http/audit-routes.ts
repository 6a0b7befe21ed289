import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AuditEvent, Bundle } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import { buildAuditEvent } from '../../domain/audit/audit-event.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Vault } from '../../store/vault.ts'
import type { AccessLog } from '../audit/access-log.ts'
import type { ExchangeBooks } from '../audit/exchange-books.ts'
import { proveEntry } from '../audit/prove-entry.ts'
import type { TrailFeed } from '../audit/push/trail-feed.ts'
import { type Found, type TrailReader, trailBundle } from '../audit/read-trail.ts'
import { TRAIL_SCOPE } from '../clients/scopes.ts'
import type { Sessions } from '../patients/sessions.ts'
import { partyOf } from '../release/parties.ts'
import { personOf } from './consent-routes.ts'
import { cursorOf } from './event-routes.ts'
import type { Streams } from './event-stream.ts'
import { type HisGrant, isForm } from './his-routes.ts'
import { credential } from './server.ts'

const FHIR = 'application/fhir+json'
const MOST_TOLD = 500

/**
 * The member's audit trail as FHIR AuditEvents, searched as IHE ITI-81 has it. Reading it is itself logged, with one line for
 * each reading, so that reading the line of a reading adds one more and no end of them.
 */
export function auditRoutes(
  app: FastifyInstance,
  deps: {
    db: Kysely<BrokerTables>
    vault: Vault
    trail: TrailReader
    sessions: Sessions
    accessLog: AccessLog
    index: IndexQueries
    books: Pick<ExchangeBooks, 'unmatched'>
    member: Hex
    chainId: number
    base: () => string
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
    feed: TrailFeed
    streams: Streams
    mayHearTrail: (clientId: string) => Promise<boolean>
  },
): { noteListening: (grant: HisGrant, how: string) => Promise<void> } {
  const { db, trail } = deps

  /** Before it is answered. Who read what of whose lines; never by which values it was looked for. */
  async function noteReading(
    { clientId, asker }: HisGrant,
    { note, about }: { note: string; about?: StoredPatient | undefined },
  ): Promise<void> {
    await deps.accessLog.append(
      db,
      {
        ...{ kind: 'log-read', outcome: '0' },
        requester: await partyOf(deps.index, deps.member),
        user: asker ? personOf(asker) : { id: clientId },
        client: { id: clientId },
        ...(asker ? { purpose: asker.purpose } : {}),
        ...(about ? { patient: { reference: `Patient/${about.secrets.fhirId}` } } : {}),
        note,
      },
      about,
    )
  }

  async function search(request: FastifyRequest, reply: FastifyReply, parameters: Record<string, unknown>) {
    const grant = await deps.authorise(request, TRAIL_SCOPE)
    const found = await trail.search(parameters)
    await noteReading(grant, { about: found.about, note: howSearched(found) })
    return reply.type(FHIR).send(trailBundle(`${deps.base()}/fhir/AuditEvent`, found))
  }

  app.get('/fhir/AuditEvent', (request, reply) =>
    search(request, reply, request.query as Record<string, unknown>),
  )
  app.post('/fhir/AuditEvent/_search', (request, reply) => {
    // FHIR R4 §3.1.1.4.1: parameters in a form, or in the address, or in both.
    if (request.body !== undefined && !isForm(request)) throw wayleaveError('content-type-unsupported')
    return search(request, reply, { ...(request.query as object), ...(request.body ?? {}) })
  })

  app.get<{ Params: { id: string } }>('/fhir/AuditEvent/:id', async (request, reply) => {
    const grant = await deps.authorise(request, TRAIL_SCOPE)
    const entry = await trail.byId(request.params.id)
    await noteReading(grant, { note: 'One line was read.' })
    return reply.type(FHIR).send(buildAuditEvent(entry))
  })

  /** The patient's own view, by their session. That they read it stands in it the next time. */
  app.get('/patient/AuditEvent', async (request, reply) => {
    const patient = await deps.sessions.patientOf(credential(request, 'Bearer'))
    const found = await trail.searchOwn(patient, request.query as Record<string, unknown>)
    await noteOwnReading(deps, patient)
    return reply.type(FHIR).send(trailBundle(`${deps.base()}/patient/AuditEvent`, found))
  })

  /** Lines after a place, in the order in which they are told: a page, or all that comes from there on. */
  app.get<{ Querystring: { after?: unknown; _count?: unknown } }>('/audit/events', async (request, reply) => {
    const grant = await deps.authorise(request, TRAIL_SCOPE)
    const { after = 0, _count = 100 } = request.query
    const isStream = request.headers.accept?.includes('text/event-stream') ?? false
    const from = cursorOf(isStream ? (request.headers['last-event-id'] ?? after) : after)
    if (isStream) {
      await noteReading(grant, { note: 'A program listens to it.' })
      return deps.streams.serve(request, reply, grant.clientId, from, async (cursor, limit) => {
        if (!(await deps.mayHearTrail(grant.clientId))) return undefined
        const lines = await deps.feed.after(cursor, limit, false)
        return lines.map(({ place, entry }) => ({
          id: place,
          event: entry.kind,
          data: buildAuditEvent(entry),
        }))
      })
    }
    const count = Math.min(Math.max(cursorOf(_count), 1), MOST_TOLD)
    const lines = await deps.feed.after(from, count, false)
    await noteReading(grant, { note: 'Lines were read in the order in which they are told.' })
    const last = lines.at(-1)
    const self = `${deps.base()}/audit/events`
    const bundle: Bundle<AuditEvent> = {
      resourceType: 'Bundle',
      type: 'collection',
      link: [{ relation: 'next', url: `${self}?after=${last?.place ?? from}&_count=${count}` }],
      entry: lines.map(({ entry }) => ({
        fullUrl: `${deps.base()}/fhir/AuditEvent/${entry.id}`,
        resource: buildAuditEvent(entry),
      })),
    }
    return reply.type(FHIR).send(bundle)
  })

  /** That an entry lies in an anchored window: with it anybody can be shown that one, and no other. */
  app.get<{ Params: { id: string } }>('/audit/proofs/:id', async (request, reply) => {
    const grant = await deps.authorise(request, TRAIL_SCOPE)
    const proof = await proveEntry(deps, request.params.id)
    await noteReading(grant, { note: 'A proof of one line was made.' })
    return reply.send(proof)
  })

  /** What this member’s books say of exchanges that the other side's word does not match; the trail has more of each. */
  app.get('/audit/unmatched', async (request, reply) => {
    const grant = await deps.authorise(request, TRAIL_SCOPE)
    const { seconds = '60', count = '100' } = request.query as Record<string, unknown>
    if (!/^\d{1,8}$/.test(String(seconds)) || !/^[1-9]\d{0,3}$/.test(String(count)))
      throw wayleaveError('request-invalid', 'seconds or count')
    const limit = Math.min(Number(count), 1_000)
    const exchanges = await deps.books.unmatched({ olderThanMs: Number(seconds) * 1_000, limit })
    await noteReading(grant, { note: 'Exchanges without a match were listed.' })
    return reply.send({ exchanges })
  })

  return { noteListening: (grant, note) => noteReading(grant, { note }) }
}

const howSearched = ({ searchedBy }: Found): string =>
  searchedBy.length === 0 ? 'All lines were listed.' : `It was searched by ${searchedBy.join(', ')}.`

/** That a patient has looked at who has seen what about them. */
export async function noteOwnReading(
  deps: { db: Kysely<BrokerTables>; accessLog: AccessLog; index: IndexQueries; member: Hex },
  patient: StoredPatient,
): Promise<void> {
  await deps.accessLog.append(
    deps.db,
    {
      ...{ kind: 'own-trail-read', outcome: '0' },
      custodian: await partyOf(deps.index, deps.member),
      patient: { reference: `Patient/${patient.secrets.fhirId}` },
    },
    patient,
  )
}

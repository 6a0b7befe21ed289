import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import { describeAuditEntry } from '../../domain/audit/describe-audit-entry.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog } from '../audit/access-log.ts'
import type { TrailReader } from '../audit/read-trail.ts'
import type { Cases } from '../patients/cases.ts'
import type { Notices } from '../patients/notices.ts'
import type { Preferences } from '../patients/preferences.ts'
import type { Sessions } from '../patients/sessions.ts'
import { noteOwnReading } from './audit-routes.ts'
import { bodyOf, credential } from './server.ts'

/** Outcomes of AuditEvents, as people say it. */
const OUTCOMES: Readonly<Partial<Record<string, string>>> = Object.assign(Object.create(null), {
  allowed: '0',
  refused: '4,8,12',
})

/** What a portal asks for beside what is signed: who looked, what is new, what looks wrong, and how to be told. */
export function portalRoutes(
  app: FastifyInstance,
  deps: {
    db: Kysely<BrokerTables>
    sessions: Sessions
    trail: TrailReader
    accessLog: AccessLog
    index: IndexQueries
    cases: Cases
    notices: Notices
    preferences: Preferences
    member: Hex
  },
): void {
  const { sessions, cases, notices, preferences } = deps
  const signedIn = (request: FastifyRequest) => sessions.patientOf(credential(request, 'Bearer'))

  app.post('/patient/session/end', async (request, reply) => {
    await sessions.holderOf(credential(request, 'Bearer'))
    // There is nothing to say of it; whoever says something means another session, or another call.
    if (Object.keys(request.body ?? {}).length > 0) throw wayleaveError('request-invalid', 'a body')
    await sessions.end(credential(request, 'Bearer'))
    return reply.status(204).send()
  })

  /** The patient's trail in sentences. Pages are as of the first one: each line once, and none that came later. */
  app.get('/patient/history', async (request) => {
    const patient = await signedIn(request)
    const { entries, next } = await deps.trail.searchOwn(
      patient,
      historyQuery(request.query as Record<string, unknown>),
    )
    await noteOwnReading(deps, patient)
    return {
      history: entries.map((entry) => ({ ...entry, sentence: describeAuditEntry(entry) })),
      ...(next === undefined ? {} : { next }),
    }
  })

  app.get('/patient/notices', async (request) => {
    const patient = await signedIn(request)
    const { before, _count: count } = request.query as Record<string, unknown>
    if (before === undefined) await notices.noticeEndings(patient)
    return notices.of(patient, { before, count })
  })

  app.post('/patient/notices/read', async (request, reply) => {
    const patient = await signedIn(request)
    await notices.markRead(patient, bodyOf(request).upTo)
    return reply.status(204).send()
  })

  app.get('/patient/preferences', async (request) => preferences.of(await signedIn(request)))

  app.post('/patient/preferences', async (request) => {
    const patient = await signedIn(request)
    return preferences.set(patient, bodyOf(request))
  })

  app.post('/patient/cases', async (request, reply) => {
    const patient = await signedIn(request)
    return reply.status(201).send(await cases.open(patient, bodyOf(request)))
  })

  app.get('/patient/cases', async (request) => ({ cases: await cases.of(await signedIn(request)) }))

  app.post<{ Params: { id: string } }>('/patient/cases/:id/withdrawal', async (request, reply) => {
    await cases.withdraw(await signedIn(request), request.params.id)
    return reply.status(204).send()
  })
}

const HISTORY = ['_count', 'before', 'from', 'to', 'organisation', 'outcome', 'kind']

/** The portal's words for the parameters of the search of AuditEvents. @throws WayleaveError `unsupported-parameter`, `request-invalid` */
function historyQuery(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (!Object.keys(given).every((name) => HISTORY.includes(name)))
    throw wayleaveError('unsupported-parameter')
  const { _count, before, from, to, organisation, outcome, kind } = given
  // A page goes on with its own filters.
  if (before !== undefined) return { _page: before }
  const text = (name: string, value: unknown) => {
    if (typeof value !== 'string') throw wayleaveError('request-invalid', name)
    return value
  }
  const date = [
    ...(from === undefined ? [] : [`ge${text('from', from)}`]),
    ...(to === undefined ? [] : [`le${text('to', to)}`]),
  ]
  const code = outcome === undefined ? undefined : OUTCOMES[text('outcome', outcome)]
  if (outcome !== undefined && code === undefined) throw wayleaveError('request-invalid', 'outcome')
  return {
    ...(_count === undefined ? {} : { _count }),
    ...(date.length > 0 ? { date } : {}),
    ...(organisation === undefined ? {} : { agent: organisation }),
    ...(code === undefined ? {} : { outcome: code }),
    ...(kind === undefined ? {} : { _tag: kind }),
  }
}

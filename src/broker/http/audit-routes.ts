import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AuditEvent, Bundle } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { parseIdentifierText } from '../../domain/identity/member-id.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { PatientStore } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Vault } from '../../store/vault.ts'
import type { AccessLog } from '../audit/access-log.ts'
import { type AuditQuery, searchAudit } from '../audit/search-audit.ts'
import { partyOf } from '../release/parties.ts'
import type { HisGrant } from './his-routes.ts'

const PARAMETERS = new Set(['date', 'patient', 'patient.identifier', '_count', '_before'])

/** The member's audit trail as FHIR AuditEvents, newest first. Reading it is itself logged. */
export function auditRoutes(
  app: FastifyInstance,
  deps: {
    db: Kysely<BrokerTables>
    vault: Vault
    patients: PatientStore
    accessLog: AccessLog
    index: IndexQueries
    member: Hex
    base: () => string
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  },
): void {
  const { db, vault } = deps
  app.get('/fhir/AuditEvent', async (request, reply) => {
    const { clientId, asker } = await deps.authorise(request, 'system/AuditEvent.rs')
    const parameters = request.query as Record<string, unknown>
    const query = await readQuery(parameters)
    const lines = query === 'nobody' ? [] : await searchAudit(db, vault, query)
    await deps.accessLog.append(db, {
      kind: 'log-read',
      outcome: '0',
      requester: await partyOf(deps.index, deps.member),
      user: { id: asker?.userId ?? clientId, ...(asker ? { role: asker.role } : {}) },
      client: { id: clientId },
    })
    const last = lines.at(-1)
    const more = query !== 'nobody' && last && lines.length === query.count
    const next = more ? nextPage(`${deps.base()}/fhir/AuditEvent`, parameters, last.seq) : undefined
    const bundle: Bundle<AuditEvent> = {
      resourceType: 'Bundle',
      type: 'searchset',
      ...(next ? { link: [{ relation: 'next', url: next }] } : {}),
      entry: lines.map(({ event }) => ({ resource: event, search: { mode: 'match' as const } })),
    }
    return reply.type('application/fhir+json').send(bundle)
  })

  async function readQuery(parameters: Record<string, unknown>): Promise<AuditQuery | 'nobody'> {
    const unknown = Object.keys(parameters).find((name) => !PARAMETERS.has(name))
    if (unknown !== undefined) throw wayleaveError('unsupported-parameter', unknown)
    const query: AuditQuery = { count: Math.min(Math.max(Number(parameters['_count'] ?? 50) || 50, 1), 500) }
    if (typeof parameters['_before'] === 'string') query.before = Number(parameters['_before'])
    const dates = [parameters['date']].flat().filter((d): d is string => typeof d === 'string')
    for (const date of dates) {
      const [, prefix, instant] = /^(ge|gt|le|lt)?(\d{4}-.*)$/.exec(date) ?? []
      if (!instant || Number.isNaN(Date.parse(instant))) throw wayleaveError('request-invalid', 'date')
      const at = new Date(instant).toISOString()
      if (prefix === 'le' || prefix === 'lt') query.to = at
      else query.from = at
    }
    const identifier = parameters['patient.identifier']
    const reference = parameters['patient']
    if (typeof identifier === 'string') {
      const [patient] = await deps.patients.byIdentifier(db, parseIdentifierText(identifier))
      if (!patient) return 'nobody'
      query.patient = deps.patients.lookupOf(patient)
    } else if (typeof reference === 'string') {
      const patient = await deps.patients.byFhirId(db, reference.replace(/^Patient\//, ''))
      if (!patient) return 'nobody'
      query.patient = deps.patients.lookupOf(patient)
    }
    return query
  }
}

/** Pages go on from a sequence number: new events never shift them. */
function nextPage(url: string, parameters: Record<string, unknown>, before: number): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) if (name !== '_before') query.append(name, String(one))
  }
  query.set('_before', String(before))
  return `${url}?${query}`
}

import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AuditEvent, Bundle } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Vault } from '../../store/vault.ts'
import { type AccessLog, lookupsOf, personLookup } from '../audit/access-log.ts'
import { type AuditParameters, readAuditQuery } from '../audit/audit-query.ts'
import type { ExchangeBooks } from '../audit/exchange-books.ts'
import { proveEntry } from '../audit/prove-entry.ts'
import { type AuditQuery, searchAudit } from '../audit/search-audit.ts'
import { partyOf } from '../release/parties.ts'
import type { HisGrant } from './his-routes.ts'

/** The member's audit trail as FHIR AuditEvents, newest first. Reading it is itself logged. */
export function auditRoutes(
  app: FastifyInstance,
  deps: {
    db: Kysely<BrokerTables>
    vault: Vault
    patients: PatientStore
    accessLog: AccessLog
    index: IndexQueries
    books: Pick<ExchangeBooks, 'unmatched'>
    member: Hex
    chainId: number
    base: () => string
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  },
): void {
  const { db, vault } = deps

  async function noteReading(clientId: string, asker: HisGrant['asker']): Promise<void> {
    await deps.accessLog.append(db, {
      kind: 'log-read',
      outcome: '0',
      requester: await partyOf(deps.index, deps.member),
      user: { id: asker?.userId ?? clientId, ...(asker ? { role: asker.role } : {}) },
      client: { id: clientId },
    })
  }

  app.get('/fhir/AuditEvent', async (request, reply) => {
    const { clientId, asker } = await deps.authorise(request, 'system/AuditEvent.rs')
    const parameters = request.query as Record<string, unknown>
    const query = await lookUp(readAuditQuery(parameters))
    const lines = query ? await searchAudit(db, vault, query) : []
    await noteReading(clientId, asker)
    const last = lines.at(-1)
    const next =
      last && lines.length === query?.count
        ? nextPage(`${deps.base()}/fhir/AuditEvent`, parameters, last.seq)
        : undefined
    const bundle: Bundle<AuditEvent> = {
      resourceType: 'Bundle',
      type: 'searchset',
      ...(next ? { link: [{ relation: 'next', url: next }] } : {}),
      entry: lines.map(({ event }) => ({
        fullUrl: `${deps.base()}/fhir/AuditEvent/${event.id}`,
        resource: event,
        search: { mode: 'match' as const },
      })),
    }
    return reply.type('application/fhir+json').send(bundle)
  })

  /** That an entry lies in an anchored window: with it anybody can be shown that one, and no other. */
  app.get<{ Params: { id: string } }>('/audit/proofs/:id', async (request, reply) => {
    const { clientId, asker } = await deps.authorise(request, 'system/AuditEvent.rs')
    const proof = await proveEntry(deps, request.params.id)
    await noteReading(clientId, asker)
    return reply.send(proof)
  })

  /** What this member’s books say of exchanges that the other side's word does not match; the trail has more of each. */
  app.get('/audit/unmatched', async (request, reply) => {
    const { clientId, asker } = await deps.authorise(request, 'system/AuditEvent.rs')
    const { seconds = '60', count = '100' } = request.query as Record<string, unknown>
    if (!/^\d{1,8}$/.test(String(seconds)) || !/^[1-9]\d{0,3}$/.test(String(count)))
      throw wayleaveError('request-invalid', 'seconds or count')
    const limit = Math.min(Number(count), 1_000)
    const exchanges = await deps.books.unmatched({ olderThanMs: Number(seconds) * 1_000, limit })
    await noteReading(clientId, asker)
    return reply.send({ exchanges })
  })

  /** Undefined where the hospital has no such patient: then the trail has nothing about one. */
  async function lookUp({
    identifier,
    patientId,
    ...query
  }: AuditParameters): Promise<AuditQuery | undefined> {
    if (identifier === undefined && patientId === undefined) return query
    const found: StoredPatient[] = identifier ? await deps.patients.byIdentifier(db, identifier) : []
    const named = patientId === undefined ? undefined : await deps.patients.byFhirId(db, patientId)
    if (patientId !== undefined && !named) return undefined
    // Both given: the one patient who is both.
    if (identifier && named && !found.some(({ id }) => id === named.id)) return undefined
    const own = named ? [named] : found
    return {
      ...query,
      patients: [
        ...own.flatMap((p) => lookupsOf(vault, p)),
        // An auditor reads on through handles that were closed; a patient does not.
        ...own.flatMap(({ secrets }) => (secrets.formerly ?? []).map((id) => vault.lookup('patient', id))),
        ...(identifier ? [personLookup(vault, identifier)] : []),
      ],
    }
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

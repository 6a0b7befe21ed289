import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { JSONWebKeySet, JWK } from 'jose'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { memberId, parseIdentifierText } from '../../domain/identity/member-id.ts'
import { openEvidenceRequest, periodIn, requestDigest, sealEvidence } from '../../exchange/evidence.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Vault } from '../../store/vault.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'
import type { AuditComparison, AuditReconciler } from '../audit/reconcile/audit-reconciler.ts'
import { showEvidence } from '../audit/reconcile/show-evidence.ts'
import { partyOf } from '../release/parties.ts'
import type { HisGrant } from './his-routes.ts'

/** Windows of the last minutes, and the receipts for what they hold, may still be under way. Milliseconds. */
const SETTLED = 1_200_000

/** Comparing log, chain and other members; evidence of exchanges for an auditor, and for the other member's broker. */
export function auditReconcileRoutes(
  app: FastifyInstance,
  deps: {
    db: Kysely<BrokerTables>
    vault: Vault
    clock: Clock
    accessLog: AccessLog
    index: IndexQueries
    member: Hex
    signing: { key: CryptoKey; kid: string }
    sealing: CryptoKey
    keysOf: (member: Hex) => Promise<JSONWebKeySet | undefined>
    auditReconciler: AuditReconciler
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  },
): void {
  const { db, clock, member, index } = deps

  async function auditor(request: FastifyRequest, note: string): Promise<void> {
    const { clientId, asker } = await deps.authorise(request, 'system/AuditEvent.rs')
    await deps.accessLog.append(db, {
      ...{ kind: 'log-read', outcome: '0', note, client: { id: clientId } },
      requester: await partyOf(index, member),
      user: { id: asker?.userId ?? clientId, ...(asker ? { role: asker.role } : {}) },
    })
  }

  app.post('/audit/reconciliations', async (request, reply) => {
    await auditor(request, 'Log, trail and chain were compared.')
    return reply.status(202).send(deps.auditReconciler.start(comparisonIn(request.body, clock.now())))
  })

  app.get<{ Params: { id: string } }>('/audit/reconciliations/:id', async (request) => {
    await deps.authorise(request, 'system/AuditEvent.rs')
    const found = deps.auditReconciler.find(request.params.id)
    if (!found) throw wayleaveError('not-found')
    return found
  })

  /** A page of evidence for whoever is to check it without a broker: sealed to the key given, or to the other member. */
  app.post('/audit/evidence', async (request) => {
    await auditor(request, 'Evidence of exchanges with one member was exported.')
    const { with: other, recipient, ...rest } = (request.body ?? {}) as Record<string, unknown>
    const peer = memberIn(other)
    const period = periodOf(rest, clock.now())
    const keys = recipient === undefined ? await deps.keysOf(peer) : undefined
    const to = recipient === undefined ? keys?.keys.find(({ use }) => use === 'enc') : sealingKeyIn(recipient)
    if (!to) throw wayleaveError('member-unknown')
    const page = await showEvidence(deps, peer, period)
    const evidence = { ...period, ...page, member, peer, at: Math.floor(clock.now() / 1000) }
    const jwe = await sealEvidence(evidence, deps.signing, to as JWK)
    return { jwe, ...(page.next ? { next: page.next } : {}) }
  })

  app.post('/exchange/evidence', async (request, reply) => {
    if (typeof request.body !== 'string') throw wayleaveError('content-type-unsupported')
    const own = { member, key: deps.sealing, now: clock.now() }
    const { from, since, until, after } = await openEvidenceRequest(request.body, own, deps.keysOf)
    const keys = await deps.keysOf(from)
    const to = keys?.keys.find(({ use }) => use === 'enc')
    if (!to) throw wayleaveError('not-ready', 'a member without a key to seal to')
    const period = { since, until, ...(after ? { after } : {}) }
    const page = await showEvidence(deps, from, period)
    const shown: LogEntry = {
      ...{ kind: 'log-read', outcome: '0', note: 'Lines about its own exchanges.', recordedBy: 'custodian' },
      custodian: await partyOf(index, member),
      requester: await partyOf(index, from),
    }
    // Once for each comparison, not for each page.
    if (!after) await deps.accessLog.append(db, shown)
    const at = Math.floor(clock.now() / 1000)
    const evidence = { ...period, ...page, member, peer: from, at, answers: requestDigest(request.body) }
    return reply.type('application/jose').send(await sealEvidence(evidence, deps.signing, to as JWK))
  })
}

/** A part of the trail: instants, and by themselves all of it up to what is settled. */
function periodOf({ since, until, after }: Record<string, unknown>, now: number) {
  try {
    const start = since === undefined ? 0 : instantIn(since)
    const end = until === undefined ? now - SETTLED : instantIn(until)
    return periodIn({ since: start, until: end, after })
  } catch (cause) {
    throw wayleaveError('request-invalid', 'since, until or after', cause)
  }
}

function instantIn(text: unknown): number {
  const at = typeof text === 'string' && /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) throw new Error('no instant')
  return at
}

function comparisonIn(body: unknown, now: number): AuditComparison {
  const { members = 'all', ...rest } = (body ?? {}) as Record<string, unknown>
  const { since, until } = periodOf(rest, now)
  return { since, until, members: members === 'all' || members === 'none' ? members : memberIn(members) }
}

function memberIn(text: unknown): Hex {
  try {
    return memberId(parseIdentifierText(String(text)))
  } catch (cause) {
    throw wayleaveError('request-invalid', 'the organisation', cause)
  }
}

/** A public key for ECDH-ES on P-256, and nothing else of it. */
function sealingKeyIn(given: unknown): JWK {
  const { kty, crv, x, y, kid } = (given ?? {}) as Record<string, unknown>
  const isCoordinate = (one: unknown): one is string => typeof one === 'string' && /^[\w-]{43}$/.test(one)
  if (kty !== 'EC' || crv !== 'P-256' || !isCoordinate(x) || !isCoordinate(y))
    throw wayleaveError('request-invalid', 'recipient')
  return { kty, crv, x, y, ...(typeof kid === 'string' && kid.length <= 100 ? { kid } : {}) }
}

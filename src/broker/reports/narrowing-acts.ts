import { type Kysely, sql } from 'kysely'
import type { AuditEntry, AuditKind } from '../../domain/audit/audit-entry.ts'
import type { SignedAct } from '../../domain/consent/read-signed-act.ts'
import type { SaltedScope } from '../../domain/consent/scope.ts'
import type { Hex } from '../../domain/hex.ts'
import { memberId } from '../../domain/identity/member-id.ts'
import type { Period } from '../../domain/reports/period.ts'
import type { PatientStore } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, type Vault } from '../../store/vault.ts'
import { consentIdOf } from '../consent/proposals.ts'
import { scopesOf } from '../consent/scopes.ts'
import { stretchOf } from './about.ts'
import type { TrailPages } from './trail-pages.ts'

/** The acts that take access away, and what each becomes on the chain. */
const NARROWING = {
  Revocation: 'consent-revoked',
  Objection: 'consent-objected',
  Lock: 'locked',
} as const satisfies Record<string, AuditKind>

export type NarrowingAct = {
  act: keyof typeof NARROWING
  /** Digest of what was signed, as the patient's receipt has it; none where it came by the chain alone. */
  digest: string | null
  lookup: string
  /** When it was signed, by the clock of the patient's device, where that says so and is not ahead. */
  signed: string | null
  /** When this custodian had it; by the block's time where it came by the chain alone. */
  known: string
  /** When the block was made that holds it. Whole seconds. */
  mined: string | null
  /** Reference of the Consent that it ends; none for a lock. */
  policy: string | null
  /** Who was named, where it was one organisation. */
  grantee: string | null
}

type Sides = { db: Kysely<BrokerTables>; vault: Vault; patients: PatientStore; trail: TrailPages }

/** Every act of the period that took access away, oldest first: those that came here, and those found on the chain alone. */
export async function narrowingActs(sides: Sides, period: Period): Promise<NarrowingAct[]> {
  const { db, vault, trail } = sides
  const came = await received(db, period)
  const told = await openActs(sides, came)
  const byTransaction = new Map<string, NarrowingAct>()
  /** Whose transaction is not known here. */
  const waiting: NarrowingAct[] = []
  const acts = came.map((row): NarrowingAct => {
    const act: NarrowingAct = {
      act: row.act as NarrowingAct['act'],
      digest: row.digest,
      lookup: vault.lookup('patient', row.patient_id),
      signed: told.get(row.digest)?.signed ?? null,
      known: row.received_at,
      mined: null,
      policy: row.scope_hash ? policyOf(row.scope_hash) : null,
      grantee: told.get(row.digest)?.grantee ?? null,
    }
    if (row.tx_hash) byTransaction.set(`${row.tx_hash}/${act.act}/${act.policy}`, act)
    else waiting.push(act)
    return act
  })
  // Blocks have whole seconds, and may be a second before what they hold was received.
  const { from } = period
  const since = from === undefined ? {} : { from: new Date(Date.parse(from) - 1_000).toISOString() }
  for await (const { entry, lookup } of trail.entries({ ...since, kinds: Object.values(NARROWING) })) {
    if (lookup === null) continue
    const act = actOf(entry)
    const mine = byTransaction.get(`${entry.chain?.transaction}/${act}/${entry.policy ?? null}`)
    const found = mine ?? waiting.find((one) => matches(one, entry, lookup))
    if (found) found.mined ??= entry.recorded
    else if ((from === undefined || entry.recorded >= from) && entry.recorded < period.to)
      acts.push({
        ...{ act, digest: null, lookup, signed: null, known: entry.recorded, mined: entry.recorded },
        ...{ policy: entry.policy ?? null, grantee: entry.requester?.id ?? null },
      })
  }
  return acts.sort((a, b) => (a.known < b.known ? -1 : a.known > b.known ? 1 : order(a, b)))
}

const order = (a: NarrowingAct, b: NarrowingAct) => ((a.digest ?? '') < (b.digest ?? '') ? -1 : 1)

const policyOf = (scope: string) => `Consent/${consentIdOf(scope as Hex)}`

const actOf = ({ kind }: AuditEntry): NarrowingAct['act'] =>
  kind === 'consent-revoked' ? 'Revocation' : kind === 'consent-objected' ? 'Objection' : 'Lock'

/** Somebody else brought it to the chain, a relayer or the patient: the first event of its slot after it was known. */
const matches = (act: NarrowingAct, entry: AuditEntry, lookup: string) =>
  act.mined === null &&
  act.lookup === lookup &&
  act.act === actOf(entry) &&
  act.policy === (entry.policy ?? null) &&
  Date.parse(entry.recorded) >= Math.floor(Date.parse(act.known) / 1_000) * 1_000

async function received(db: Kysely<BrokerTables>, period: Period) {
  let rows = db
    .selectFrom('acts')
    .leftJoin('chain_outbox', (join) =>
      join.on('chain_outbox.dedupe_key', '=', sql<string>`'act/' || digest`),
    )
    .select(['digest', 'patient_id', 'act', 'scope_hash', 'received_at', 'tx_hash', 'acts.sealed'])
    .where('act', 'in', Object.keys(NARROWING))
  const { from, to } = stretchOf(period)
  if (from !== undefined) rows = rows.where('received_at', '>=', from)
  return rows.where('received_at', '<', to).orderBy('received_at').orderBy('digest').execute()
}

/** By digest, what only the patient's key opens: whom the act's scope names, and when it was signed. */
async function openActs({ db, patients }: Sides, rows: Awaited<ReturnType<typeof received>>) {
  const found = new Map<string, Pick<NarrowingAct, 'grantee' | 'signed'>>()
  for (const [patientId, acts] of Map.groupBy(rows, ({ patient_id }) => patient_id)) {
    const patient = await patients.byId(db, patientId)
    if (!patient) continue
    const scopes = await scopesOf(db, patient)
    for (const { digest, scope_hash, sealed, received_at } of acts) {
      const { signedAt = null } = openJson<SignedAct>(patient.key, sealed)
      found.set(digest, {
        grantee: granteeIn(scopes.get((scope_hash ?? '0x') as Hex)) ?? null,
        // A device whose clock is ahead says nothing of how long it took.
        signed: signedAt !== null && signedAt <= received_at ? signedAt : null,
      })
    }
  }
  return found
}

const granteeIn = (scope: SaltedScope | undefined) =>
  scope?.granteeType === 'Organization' ? memberId(scope.grantee) : undefined

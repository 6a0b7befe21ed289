import type { Kysely } from 'kysely'
import type { SignerReader } from '../../chain/signer-reader.ts'
import type { Clock } from '../../domain/clock.ts'
import { SIGNED_FLAGS } from '../../domain/consent/consent-word.ts'
import type { OwnDelegate, OwnHelping } from '../../domain/consent/own-delegates.ts'
import type { HelperNote, SignedAct } from '../../domain/consent/read-signed-act.ts'
import { DELEGATE_ACTS, type Rights } from '../../domain/consent/rights.ts'
import type { SaltedScope, Scope } from '../../domain/consent/scope.ts'
import { scopeProof } from '../../domain/consent/scope-tree.ts'
import { scopeHash } from '../../domain/consent/typed-data.ts'
import { dateOfDay, dayOf } from '../../domain/days.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson } from '../../store/vault.ts'
import { endedUpTo, heldRights } from './held-rights.ts'

type Db = Kysely<BrokerTables>

/** The deadline of an appointment, and time for a block. Milliseconds. */
const LANDS_WITHIN = 20 * 60_000

export type Delegates = {
  /**
   * Keeps what came along with a delegation, in the transaction that keeps its act.
   * @throws WayleaveError `key-taken` for a key that signs for somebody at this hospital already
   */
  keep(trx: Db, patient: StoredPatient, signed: SignedAct<'Delegation'>): Promise<void>
  /** Proof that a delegate may use a scope; none where it is bound to no scopes, or to others. */
  proofFor(patient: StoredPatient, delegate: Hex, scope: SaltedScope): Promise<Hex[]>
  /** The scopes that a delegate is told: those that it was appointed for, or all. */
  scopesFor(patient: StoredPatient, delegate: Hex, rights: Rights): Promise<ReadonlySet<Hex> | undefined>
  /** Everybody who was appointed here, oldest first. */
  of(patient: StoredPatient): Promise<OwnDelegate[]>
  /** What a helper is told of its own delegation. @throws WayleaveError `session-expired` where it may nothing any more */
  helping(patient: StoredPatient, delegate: Hex): Promise<OwnHelping>
  /** Whoever was appointed by this key, and what the patient calls them; undefined for every other key. */
  helperBy(patient: StoredPatient, signerHash: Hex): Promise<{ id: Hex; name?: string } | undefined>
}

/** Helpers of this hospital's patients: what they were appointed for, and what of it stands (design §3). */
export function createDelegates(deps: {
  db: Db
  patients: PatientStore
  signers: SignerReader
  clock: Clock
}): Delegates {
  const { db, signers, clock } = deps

  /** What came along with the delegation of this version; of the newest one unless a version is named. */
  async function noteOf(patient: StoredPatient, delegate: Hex, version?: number) {
    let query = db
      .selectFrom('delegations')
      .selectAll()
      .where('patient_id', '=', patient.id)
      .where('delegate', '=', delegate)
    if (version !== undefined) query = query.where('version', '=', version)
    const row = await query.orderBy('version', 'desc').limit(1).executeTakeFirst()
    return row && { ...row, createdAt: row.created_at, ...openJson<Kept>(patient.key, row.sealed) }
  }

  async function scopesOf(patient: StoredPatient, delegate: Hex, version: number): Promise<SaltedScope[]> {
    return (await noteOf(patient, delegate, version))?.helper.scopes ?? []
  }

  const bare = ({ granteeType, grantee, purpose }: SaltedScope): Scope => ({ granteeType, grantee, purpose })

  async function told(patient: StoredPatient, delegate: Hex): Promise<OwnDelegate | undefined> {
    const held = await signers.rightsOf(patient.secrets.handle, delegate)
    const last = await signers.lastRightsOf(patient.secrets.handle, delegate)
    const note = await noteOf(patient, delegate)
    const signedUpTo = await endedUpTo(db, patient, delegate)
    const { version } = last
    // What has not landed by its deadline never will.
    const isUnderWay = note !== undefined && clock.now() - Date.parse(note.createdAt) < LANDS_WITHIN
    const isWaiting = isUnderWay && note.version > version && signedUpTo < note.version
    const isHeld = held.rights.kind === 'delegate' && signedUpTo < version
    const hasLanded = version > 0
    if (!isWaiting && !isHeld && !hasLanded) return undefined
    const isOver = held.rights.untilDay < dayOf(clock.now())
    const scopes = note?.helper.scopes ?? []
    return {
      ...{ delegate, version, signedUpTo },
      ...(note?.helper.name === undefined ? {} : { name: note.helper.name }),
      bounds: isHeld || !note ? boundsOf(held.rights) : note.bounds,
      ...(scopes.length > 0 ? { scopes: scopes.map(bare) } : {}),
      state: isWaiting ? 'waiting' : !isHeld ? 'ended' : isOver ? 'over' : 'in-force',
    }
  }

  return {
    async keep(trx, patient, { typedData, helper = { scopes: [] } }) {
      const { delegate: given, version, bounds } = typedData.message
      const delegate = given.toLowerCase() as Hex
      const own = await deps.patients.bySignerHash(trx, delegate)
      const elsewhere = await trx
        .selectFrom('patient_signers')
        .select(['patient_id', 'kind'])
        .where('signer_hash', '=', delegate)
        .execute()
      const appointed = await trx
        .selectFrom('delegations')
        .select('patient_id')
        .where('delegate', '=', delegate)
        .where('patient_id', '!=', patient.id)
        .executeTakeFirst()
      const isOther = elsewhere.some(
        ({ patient_id, kind }) => patient_id !== patient.id || kind !== 'delegate',
      )
      if (own || appointed || isOther)
        throw wayleaveError('key-taken', 'a helper’s key that signs here already')
      const { scopes: _root, ...kept } = bounds
      await trx
        .insertInto('delegations')
        .values({
          ...{ patient_id: patient.id, delegate, version },
          sealed: sealJson(patient.key, { helper, bounds: kept } satisfies Kept),
          created_at: new Date(clock.now()).toISOString(),
        })
        .onConflict((oc) => oc.columns(['patient_id', 'delegate', 'version']).doNothing())
        .execute()
    },

    async proofFor(patient, delegate, scope) {
      const { rights } = await signers.rightsOf(patient.secrets.handle, delegate)
      if (!rights.scoped) return []
      const hashes = (await scopesOf(patient, delegate, rights.version)).map(scopeHash)
      return hashes.includes(scopeHash(scope)) ? scopeProof(hashes, scopeHash(scope)) : []
    },

    async scopesFor(patient, delegate, rights) {
      if (!rights.scoped) return undefined
      return new Set((await scopesOf(patient, delegate, rights.version)).map(scopeHash))
    },

    async of(patient) {
      const rows = await db
        .selectFrom('delegations')
        .select((eb) => ['delegate', eb.fn.min('created_at').as('since')])
        .where('patient_id', '=', patient.id)
        .groupBy('delegate')
        .orderBy('since')
        .execute()
      const others = await db
        .selectFrom('patient_signers')
        .select('signer_hash')
        .where('patient_id', '=', patient.id)
        .where('kind', '=', 'delegate')
        .execute()
      const all = new Set([...rows.map(({ delegate }) => delegate), ...others.map((o) => o.signer_hash)])
      const found = await Promise.all([...all].map((one) => told(patient, one as Hex)))
      return found.filter((one) => one !== undefined)
    },

    async helping(patient, delegate) {
      const rights = await heldRights(db, signers, patient, delegate)
      if (rights.kind !== 'delegate' || rights.untilDay < dayOf(clock.now()))
        throw wayleaveError('session-expired', 'no helper any more')
      const scopes = await scopesOf(patient, delegate, rights.version)
      return {
        ...{ handle: patient.secrets.handle, version: rights.version, bounds: boundsOf(rights) },
        ...(rights.scoped ? { scopes: scopes.map(bare) } : {}),
      }
    },

    async helperBy(patient, signerHash) {
      const note = await noteOf(patient, signerHash)
      if (!note) return undefined
      return { id: signerHash, ...(note.helper.name === undefined ? {} : { name: note.helper.name }) }
    },
  }
}

type Kept = { helper: HelperNote; bounds: OwnDelegate['bounds'] }

/** Rights as the chain packs them, as bounds in words. */
function boundsOf(rights: Rights): OwnDelegate['bounds'] {
  const flags = SIGNED_FLAGS.map((flag, i) => [flag, (rights.flags & (1 << i)) !== 0])
  const acts = DELEGATE_ACTS.map((act) => [act, rights.may[act]])
  return {
    ...(Object.fromEntries([...acts, ...flags]) as OwnDelegate['bounds']),
    ...{ longestDays: rights.longestDays, until: dateOfDay(rights.untilDay) },
  }
}

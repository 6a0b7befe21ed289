import canonicalize from 'canonicalize'
import type { JsonRpcProvider } from 'ethers'
import { CompactSign } from 'jose'
import type { Kysely } from 'kysely'
import { actCall, signerOf } from '../../chain/act-calls.ts'
import { ConsentRegistry__factory, type Contracts } from '../../chain/contracts.ts'
import { enqueueCall } from '../../chain/sender.ts'
import type { SignerReader } from '../../chain/signer-reader.ts'
import type { Clock } from '../../domain/clock.ts'
import { type ConsentBody, MAX_BODY_LENGTH } from '../../domain/consent/body-hash.ts'
import { readConsentWord, termsKey } from '../../domain/consent/consent-word.ts'
import { isDataClass } from '../../domain/consent/data-classes.ts'
import { enforceability } from '../../domain/consent/fhir/enforceability.ts'
import { isPurpose } from '../../domain/consent/purposes.ts'
import type { SignedAct } from '../../domain/consent/read-signed-act.ts'
import { mayAct } from '../../domain/consent/rights.ts'
import { type SaltedScope, saltedScope } from '../../domain/consent/scope.ts'
import { isGrantableKind } from '../../domain/consent/sensitivities.ts'
import { signerHashOf } from '../../domain/consent/signers.ts'
import {
  type ActMessages,
  type ActName,
  AT_THE_DESK,
  digestOfHashed,
  hashedMessage,
  NARROWING,
  scopeHash,
  termsHash,
} from '../../domain/consent/typed-data.ts'
import { dayOf } from '../../domain/days.ts'
import { type ErrorCode, problemsError, wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { memberId } from '../../domain/identity/member-id.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { sealJson } from '../../store/vault.ts'
import { assertNotFrozen } from '../identity/freezes.ts'
import type { Delegates } from '../patients/delegates.ts'
import { heldRights } from '../patients/held-rights.ts'
import { hasEnded } from '../patients/sessions.ts'
import { partyOf } from '../release/parties.ts'
import type { Approvals } from '../requests/approvals.ts'
import type { ReceivedRequests } from '../requests/received-requests.ts'
import type { Proposals } from './proposals.ts'
import { rehearse } from './rehearse.ts'
import { keepScope, keepTerms } from './scopes.ts'

/** What the custodian hands back for an act: signed, so that the patient can show that it was received, and when. */
export type Receipt = {
  digest: Hex
  act: ActName
  handle: Hex
  receivedAt: string
  /**
   * `now`: it already narrows what this custodian releases (I5). `when mined`: it counts once the chain shows it.
   * `when approved`: it goes to the chain together with this custodian's approval, by the grant's deadline.
   * `no longer`: a later, wider act stands, which this one does not reach; sign anew to end that (I9).
   */
  counts: 'now' | 'when mined' | 'when approved' | 'no longer'
}

export type Acts = {
  /**
   * Takes a patient's signed act at the custodian: checks the signature against the bound signer, stores act and bodies,
   * queues the transaction, all in one database transaction, and only then acknowledges (I5). Taken twice it is one act.
   * @throws WayleaveError `handle-unknown`, `signer-unknown`, `signature-invalid`, `typed-data-invalid`, `deadline-passed`,
   * `epoch-wrong`, `version-wrong`, `purpose-unknown`, `consent-unenforceable`; for what widens `identity-frozen`,
   * `handle-closed`; for a grant to who has left the network `member-not-live`.
   */
  accept(signed: SignedAct): Promise<{ receipt: Receipt; jws: string }>
}

const isGrant = (signed: SignedAct): signed is SignedAct<'Grant'> => signed.typedData.primaryType === 'Grant'

const isDelegation = (signed: SignedAct): signed is SignedAct<'Delegation'> =>
  signed.typedData.primaryType === 'Delegation'

const isAwaitingApproval = (signed: SignedAct): signed is SignedAct<'Grant'> =>
  isGrant(signed) && signed.typedData.message.needsApproval

export function createActs(deps: {
  db: Kysely<BrokerTables>
  patients: PatientStore
  provider: JsonRpcProvider
  signers: SignerReader
  delegates: Pick<Delegates, 'keep' | 'proofFor'>
  contracts: Contracts
  index: IndexQueries
  clock: Clock
  approvals: Pick<Approvals, 'check' | 'file'>
  requests: Pick<ReceivedRequests, 'answered'>
  proposals: Pick<Proposals, 'answered'>
  signing: { key: CryptoKey; kid: string }
  afterAccept: () => void
}): Acts {
  const { db, clock, contracts } = deps

  async function signedBy(signed: SignedAct): Promise<{ patient: StoredPatient; digest: Hex; proof: Hex[] }> {
    const { typedData, signer, signature } = signed
    const hashed = hashedMessage(typedData.primaryType, typedData.message)
    if (signerOf(typedData.primaryType, typedData.domain, hashed, signature) !== signer) {
      throw wayleaveError('signature-invalid', 'the signature is not by the signer')
    }
    const patient = await deps.patients.byHandle(db, typedData.message.handle)
    if (!patient) throw wayleaveError('handle-unknown')
    const digest = digestOfHashed(typedData.primaryType, typedData.domain, hashed)
    const by = signerHashOf(signer)
    if (patient.signerHash !== by) return { patient, digest, proof: await proofOfMay(signed, patient, by) }
    if (hasEnded(patient, clock.now()))
      throw wayleaveError('signer-unknown', 'the guardian’s last day is over')
    return { patient, digest, proof: [] }
  }

  /**
   * What is not the bound key's is a helper's, or the new key's of a recovery: the chain says what it may. Hands back the proof that
   * the contract wants of a helper that may use some scopes only.
   */
  async function proofOfMay({ typedData }: SignedAct, patient: StoredPatient, by: Hex): Promise<Hex[]> {
    const { primaryType: act, message } = typedData
    const rights = await heldRights(db, deps.signers, patient, by)
    if (rights.kind === 'none') throw wayleaveError('signer-unknown', 'not the bound signer')
    const ownEnd =
      act === 'DelegationEnd' && lowered((message as ActMessages['DelegationEnd']).delegate) === by
    if (!mayAct(rights, act, dayOf(clock.now()), ownEnd))
      throw wayleaveError(rights.kind === 'delegate' ? 'not-within-bounds' : 'signer-unknown', rights.kind)
    if (!rights.scoped || (act !== 'Grant' && act !== 'Renewal')) return []
    return deps.delegates.proofFor(patient, by, (message as ActMessages['Grant']).scope)
  }

  /** A relayer may have brought a grant or a renewal to the chain before its bodies came here: they are kept all the same. */
  async function isMined(signed: SignedAct): Promise<boolean> {
    if (!isGrant(signed) && signed.typedData.primaryType !== 'Renewal') return false
    const { handle, scope, terms, version } = signed.typedData.message as ActMessages['Renewal']
    const registry = ConsentRegistry__factory.connect(contracts.consentRegistry, deps.provider)
    const word = readConsentWord(await registry.wordOf(handle, scopeHash(scope)))
    return word.state === 'permit' && word.version === version && word.terms === termsKey(termsHash(terms))
  }

  async function sign(receipt: Receipt): Promise<string> {
    const payload = new TextEncoder().encode(canonicalize(receipt))
    return new CompactSign(payload)
      .setProtectedHeader({ alg: 'ES256', kid: deps.signing.kid, typ: 'wayleave-receipt+jws' })
      .sign(deps.signing.key)
  }

  return {
    async accept(signed) {
      const { typedData, signer, signature } = signed
      const act = typedData.primaryType
      if (AT_THE_DESK.has(act)) throw wayleaveError('typed-data-invalid', 'binding goes through enrolment')
      const { patient, digest, proof } = await signedBy(signed)
      if (act === 'Grant' || act === 'Renewal')
        await assertTakesPart(deps.index, (typedData.message as ActMessages['Grant']).scope)
      const call = actCall(act, contracts, hashedMessage(act, typedData.message), signer, signature, proof)
      const known = await db
        .selectFrom('acts')
        .select('received_at')
        .where('digest', '=', digest)
        .executeTakeFirst()
      if (!known) assertEnforceable(signed, patient)
      const widens = !NARROWING.has(act) && act !== 'RecoveryVeto'
      if (!known && widens) await assertNotFrozen(db, patient)
      const awaiting = isAwaitingApproval(signed)
      let mined = false
      if (!known && awaiting) await deps.approvals.check(signed)
      else if (!known && !NARROWING.has(act)) {
        await rehearse(deps.provider, call).catch(async (error: unknown) => {
          mined = await isMined(signed)
          if (!mined) throw error
        })
      }
      // Looked up here: the index must not be asked within a transaction of the same connection.
      const grantee = isGrant(signed)
        ? await granteeOf(deps.index, signed.typedData.message.scope)
        : undefined
      const receivedAt = known?.received_at ?? new Date(clock.now()).toISOString()
      if (!known) {
        await db.transaction().execute(async (trx) => {
          if (widens) await assertNotFrozen(trx, patient)
          if (isDelegation(signed)) await deps.delegates.keep(trx, patient, signed)
          await keep(trx, deps.proposals, patient, signed, digest, receivedAt)
          const request =
            isGrant(signed) && grantee
              ? await deps.requests.answered(trx, patient, signed.typedData.message, digest, grantee)
              : undefined
          if (awaiting) await deps.approvals.file(trx, patient, signed, digest, request?.decision)
          else if (!mined) await enqueueCall(trx, clock, { ...call, dedupeKey: `act/${digest}` })
        })
        deps.afterAccept()
      } else if (signed.body) {
        // An objection that was taken without its body counts in whole until that comes.
        assertBodyEnforceable(signed.body)
        await keepBody(db, patient, signed)
        deps.afterAccept()
      }
      const beaten = await isBeaten(deps.index, act, typedData.message)
      if (beaten && !NARROWING.has(act)) throw wayleaveError(beaten, 'sent again after something later')
      const later = awaiting ? 'when approved' : 'when mined'
      const counts = beaten ? 'no longer' : NARROWING.has(act) ? 'now' : later
      const receipt: Receipt = { digest, act, handle: typedData.message.handle, receivedAt, counts }
      return { receipt, jws: await sign(receipt) }
    },
  }
}

/**
 * Whether something later stands in the way of an act, as far as the index has seen: said in receipts, so that nobody
 * takes an act sent again for one that counts. What is released is decided on the chain's word alone.
 */
async function isBeaten(
  index: IndexQueries,
  act: ActName,
  message: ActMessages[ActName],
): Promise<ErrorCode | undefined> {
  if (act === 'RevocationList') {
    const { handle, items } = message as ActMessages['RevocationList']
    const found = await Promise.all(items.map((item) => isBeaten(index, 'Revocation', { handle, ...item })))
    return found.find((code) => code !== undefined)
  }
  const {
    handle,
    scope,
    version = 0,
    upToVersion = 0,
  } = message as Partial<ActMessages['Grant'] & ActMessages['Revocation']>
  if (scope) {
    const found = await index.slotWord(lowered(handle), scopeHash(scope))
    const word = readConsentWord(found ?? 0n)
    const wish = act === 'Objection' ? word.state === 'objection' : word.state !== 'permit'
    const beaten = NARROWING.has(act) ? word.version > upToVersion && !wish : word.version > version
    return beaten ? 'version-wrong' : undefined
  }
  // What is about helpers, emergency access and recoveries the chain tells where it is asked.
  if (act !== 'Lock' && act !== 'Unlock') return undefined
  const { epoch = 0, upToEpoch = 0 } = message as Partial<ActMessages['Unlock'] & ActMessages['Lock']>
  const now = await index.lockOf(lowered(handle))
  const beaten = act === 'Lock' ? now.epoch > upToEpoch && !now.locked : now.epoch > epoch
  return beaten ? 'epoch-wrong' : undefined
}

/** What is granted to one who has left would be silent; the patient hears so instead. */
async function assertTakesPart(index: IndexQueries, { granteeType, grantee }: SaltedScope): Promise<void> {
  if (granteeType === 'Organization' && (await index.standing(memberId(grantee))) === 'left')
    throw wayleaveError('member-not-live')
}

/** A request is answered to an organisation alone. */
const granteeOf = async (index: IndexQueries, { granteeType, grantee }: SaltedScope) =>
  granteeType === 'Organization' ? partyOf(index, memberId(grantee)) : undefined

const lowered = (handle: Hex | undefined) => (handle ?? '0x').toLowerCase() as Hex

/** What cannot be enforced is refused when it is signed, never silently ignored later (I3). */
function assertEnforceable({ typedData, body, helper }: SignedAct, patient: StoredPatient): void {
  const { primaryType: act, message } = typedData
  if (body) assertBodyEnforceable(body)
  if (act === 'Delegation' && (message as ActMessages['Delegation']).bounds.snapshotOnly)
    throw wayleaveError('terms-unenforceable', 'a flag that no broker acts on yet')
  if (act === 'Delegation') for (const scope of helper?.scopes ?? []) assertOwnScope(scope, patient)
  if (act === 'Objection') assertNamesSomebody((message as ActMessages['Objection']).scope)
  if (act !== 'Grant' && act !== 'Renewal') return
  const { scope, terms, snapshotOnly } = message as ActMessages['Grant']
  if (snapshotOnly) throw wayleaveError('terms-unenforceable', 'a flag that no broker acts on yet')
  assertOwnScope(scope, patient)
  const known =
    terms.dataClasses.every((c) => isDataClass(c)) && terms.sensitivities.every((k) => isGrantableKind(k))
  if (!known) throw wayleaveError('typed-data-invalid', 'terms name what cannot be granted')
}

function assertOwnScope(scope: SaltedScope, patient: StoredPatient): void {
  const secret = Buffer.from(patient.secrets.scopeSecret, 'base64url')
  if (saltedScope(secret, scope).salt !== scope.salt.toLowerCase())
    throw wayleaveError('typed-data-invalid', 'scope.salt is not the one for this party and purpose')
  assertNamesSomebody(scope)
}

function assertBodyEnforceable(body: ConsentBody): void {
  if ((canonicalize(body) ?? '').length > MAX_BODY_LENGTH)
    throw wayleaveError('consent-unenforceable', 'a body longer than is taken')
  const problems = body.status === 'active' ? enforceability(body) : [NOT_ACTIVE]
  if (problems.length > 0) throw problemsError('consent-unenforceable', problems)
}

const NOT_ACTIVE = { path: 'status', reason: 'a body that is signed is active' }

function assertNamesSomebody({ granteeType, grantee, purpose }: SaltedScope): void {
  if (!isPurpose(purpose)) throw wayleaveError('purpose-unknown')
  if ((granteeType === 'Everyone') !== (grantee === ''))
    throw wayleaveError('typed-data-invalid', 'scope.grantee')
}

async function keepBody(db: Kysely<BrokerTables>, patient: StoredPatient, { typedData, body }: SignedAct) {
  const { terms } = typedData.message as Partial<ActMessages['Objection']>
  if (terms && body) await keepTerms(db, patient, { ...terms, consent: body })
}

async function keep(
  db: Kysely<BrokerTables>,
  proposals: Pick<Proposals, 'answered'>,
  patient: StoredPatient,
  signed: SignedAct,
  digest: Hex,
  received_at: string,
): Promise<void> {
  const { primaryType, message } = signed.typedData
  const m = message as Partial<
    ActMessages['Grant'] & ActMessages['Objection'] & ActMessages['Lock'] & ActMessages['DelegationEnd']
  >
  const { items = [] } = message as Partial<ActMessages['RevocationList']>
  const common = { patient_id: patient.id, sealed: sealJson(patient.key, signed), received_at }
  for (const { scope } of items) await keepScope(db, patient, scope)
  for (const scope of signed.helper?.scopes ?? []) await keepScope(db, patient, scope)
  if (m.scope) await keepScope(db, patient, m.scope)
  if (m.scope) await proposals.answered(db, scopeHash(m.scope))
  if (m.terms) await keepTerms(db, patient, { ...m.terms, ...(signed.body ? { consent: signed.body } : {}) })
  await db
    .insertInto('acts')
    .values([
      {
        ...{ ...common, digest, act: primaryType },
        // What a restriction is of: a slot of the patient's, or a helper.
        scope_hash: m.scope ? scopeHash(m.scope) : (m.delegate?.toLowerCase() ?? null),
        up_to: m.upToVersion ?? m.upToEpoch ?? null,
        terms_key: m.terms ? termsKey(termsHash(m.terms)) : null,
      },
      // Each slot of a list restricts as a revocation of its own does (I5).
      ...items.map(({ scope, upToVersion }, i) => ({
        ...{ ...common, digest: `${digest}/${i}`, act: 'Revocation' },
        ...{ scope_hash: scopeHash(scope), up_to: upToVersion, terms_key: null },
      })),
    ])
    .onConflict((oc) => oc.doNothing())
    .execute()
}

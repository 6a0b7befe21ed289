import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { ReasonCode } from '../../domain/audit/reasons.ts'
import type { Clock } from '../../domain/clock.ts'
import { decide } from '../../domain/consent/decide.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { compartmentOf } from '../../domain/records/compartments.ts'
import type { Asker } from '../../exchange/b2b.ts'
import { type ListedRecord, writeRecordList } from '../../exchange/record-list.ts'
import { signList } from '../../exchange/record-signature.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson } from '../../store/vault.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'
import type { ConsentState } from '../consent/consent-state.ts'
import { consentIdOf } from '../consent/proposals.ts'
import type { StoredRecord } from '../register/entries.ts'
import { type Judge, judgedRecord } from './judge.ts'
import { partyOf } from './parties.ts'

/** Whose records: those of the patient behind a share that this hospital sent to the requester. */
export type ListAsk = { reference: string; requester: Hex; asker: Asker }

export type RecordListing = { bytes: Uint8Array; jws: string; at: number }

export type Listings = {
  /**
   * For a token: that this hospital sent the requester such a share. Consent is decided on when the token is used, each time.
   * @throws WayleaveError as `list` does, where it sent none
   */
  assertSent(ask: ListAsk): Promise<void>
  /** For a search: whose records they are. @throws WayleaveError as `list` does. */
  mayAsk(ask: ListAsk): Promise<{ patient: StoredPatient }>
  /**
   * What the requester may have of a patient's records where it holds no key: each is decided on as if it were asked for.
   * Logged before the first byte leaves (I4).
   * @throws WayleaveError `not-available` where that is nothing, whatever the cause (I11); `not-ready`
   */
  list(ask: ListAsk & { fetch: string }): Promise<RecordListing>
}

type Found = {
  patient?: StoredPatient | undefined
  records: ListedRecord[]
  reason: ReasonCode
  policies: string[]
}

export function createListings(deps: {
  db: Kysely<BrokerTables>
  judge: Judge
  patients: PatientStore
  accessLog: AccessLog
  index: IndexQueries
  clock: Clock
  custodian: Hex
  signing: { key: CryptoKey; kid: string }
}): Listings {
  const { db, clock } = deps

  async function patientOf({ reference, requester }: ListAsk): Promise<StoredPatient | undefined> {
    const row = await db
      .selectFrom('shares_sent')
      .select('patient_id')
      .where('reference', '=', reference)
      .where('grantee', '=', requester)
      .executeTakeFirst()
    return row && deps.patients.byId(db, row.patient_id)
  }

  async function find(ask: ListAsk): Promise<Found> {
    const nothing = { records: [], policies: [] }
    const patient = await patientOf(ask)
    if (!patient) return { ...nothing, reason: 'no-consent' }
    const { purpose, role } = ask.asker
    const read = await deps.judge.consentsNow({ patient, requester: ask.requester, purpose, role })
    if ('reason' in read) return { ...nothing, patient, reason: read.reason }
    return { patient, ...(await permitted(patient, read.state)) }
  }

  /** Every version of each record that stands, with every kind that a later version of it bears. */
  async function permitted(patient: StoredPatient, state: ConsentState): Promise<Omit<Found, 'patient'>> {
    const rows = await db
      .selectFrom('records')
      .select(['tag', 'kind', 'commitment', 'compartment', 'record_lookup', 'sealed'])
      .where('patient_id', '=', patient.id)
      .where('record_lookup', 'is not', null)
      .orderBy('seq')
      .execute()
    const versions = Map.groupBy(rows, (row) => row.record_lookup)
    const records: ListedRecord[] = []
    const policies = new Set<string>()
    let reason: ReasonCode = 'no-consent'
    for (const all of versions.values()) {
      const newest = all.at(-1)
      if (newest?.kind !== 'snapshot') continue
      const standing = compartmentOf(newest.compartment).kinds
      for (const row of all.filter(({ kind }) => kind === 'snapshot')) {
        const record = openJson<StoredRecord>(patient.key, row.sealed)
        const kinds = [...new Set([...record.kinds, ...standing])].sort()
        const decision = decide({ ...state, record: judgedRecord({ ...record, kinds }) })
        if (decision.decision === 'refuse') {
          reason = decision.reason
          continue
        }
        policies.add(`Consent/${consentIdOf(decision.rule.scopeHash)}`)
        const { resourceType, id, versionId, salt, dataClass } = record
        records.push({
          ...{ tag: row.tag, commitment: row.commitment, salt },
          ...{ resourceType, id, versionId, dataClass, kinds },
          current: row === newest,
        })
      }
    }
    return { records, reason, policies: [...policies] }
  }

  async function entryOf(
    { requester, asker }: ListAsk,
    patient: StoredPatient | undefined,
  ): Promise<LogEntry> {
    return {
      kind: 'list',
      outcome: '0',
      custodian: await partyOf(deps.index, deps.custodian),
      requester: await partyOf(deps.index, requester),
      user: { id: asker.userId, role: asker.role, ...(asker.userName ? { name: asker.userName } : {}) },
      purpose: asker.purpose,
      ...(patient ? { patient: { reference: `Patient/${patient.secrets.fhirId}` } } : {}),
    }
  }

  /** Without a durable audit store nothing goes out (I3), and nobody is told more than that. */
  async function logged<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      throw wayleaveError('not-ready', `the audit store failed: ${String(cause)}`, cause)
    }
  }

  async function findOrRefuse(ask: ListAsk): Promise<Found> {
    const found = await logged(() => find(ask))
    if (found.records.length > 0) return found
    throw await refuse(ask, found)
  }

  async function refuse(ask: ListAsk, { patient, reason }: Pick<Found, 'patient' | 'reason'>) {
    const entry = { ...(await entryOf(ask, patient)), kind: 'refusal', outcome: '8', reason } as const
    await logged(() => deps.accessLog.append(db, entry, patient))
    return wayleaveError('not-available', reason)
  }

  return {
    async assertSent(ask) {
      if (!(await logged(() => patientOf(ask)))) throw await refuse(ask, { reason: 'no-consent' })
    },

    async mayAsk(ask) {
      const { patient } = await findOrRefuse(ask)
      if (!patient) throw wayleaveError('not-available', 'no patient')
      return { patient }
    },

    async list(ask) {
      const { patient, records, policies } = await findOrRefuse(ask)
      const [policy] = policies
      const entry = { ...(await entryOf(ask, patient)), ...(policy ? { policy } : {}) }
      await logged(() => deps.accessLog.append(db, entry, patient))
      const bytes = writeRecordList(records)
      const at = Math.floor(clock.now() / 1000)
      const hash: Hex = `0x${createHash('sha256').update(bytes).digest('hex')}`
      const statement = { fetch: ask.fetch, reference: ask.reference, bytes: hash, at }
      return { bytes, jws: await signList(deps.signing.key, deps.signing.kid, statement), at }
    },
  }
}

import type { Kysely } from 'kysely'
import type { ReasonCode } from '../../domain/audit/reasons.ts'
import type { Clock } from '../../domain/clock.ts'
import { type Decision, decide, type JudgedRecord } from '../../domain/consent/decide.ts'
import { featuresOfTraits, type Traits } from '../../domain/consent/fhir/features.ts'
import { raisedFeatures } from '../../domain/consent/fhir/raised-features.ts'
import { isSensitiveKind } from '../../domain/consent/sensitivities.ts'
import { WayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { compartmentOf } from '../../domain/records/compartments.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import { prepared } from '../../store/prepared.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson } from '../../store/vault.ts'
import { isOverdue, oldestUnanchored, type Windows } from '../audit/windows.ts'
import type { ConsentState, ConsentStates } from '../consent/consent-state.ts'
import { consentColumns, consentsIn } from '../consent/scopes.ts'
import type { StoredRecord } from '../register/entries.ts'

/** The custodian's own entry behind a tag. */
export type FoundRecord = {
  patient: StoredPatient
  /** With every kind that a later version of it bears: what was found to be sensitive was so before. */
  record: StoredRecord
  commitment: Hex
  /** Deleted since, or found to be another patient's: its earlier versions are not handed out either. */
  gone: boolean
}

export type Judgement =
  | {
      permit: true
      found: FoundRecord
      decision: Extract<Decision, { decision: 'permit' }>
      state: ConsentState
    }
  | { permit: false; reason: ReasonCode; found?: FoundRecord; decision?: Decision }

export type Judge = {
  /** Never throws for a refusal: doubt is a reason, too (I3). */
  judge(query: {
    tag: Hex
    requester: Hex
    purpose: string
    role?: string
    /** Reference of the share behind which the record must be: one that this hospital sent to the requester. */
    share?: string
  }): Promise<Judgement>
  /** What the consents of a patient say of a requester now; or why that cannot be told. */
  consentsNow(query: {
    patient: StoredPatient
    requester: Hex
    purpose: string
    role?: string
  }): Promise<{ state: ConsentState } | { reason: ReasonCode }>
}

/**
 * Whether this hospital may release the record behind a tag to this member for this purpose, now: from its own books and
 * one reading of the chain, and from nothing that the requester says about consent (I1).
 */
export function createJudge(deps: {
  db: Kysely<BrokerTables>
  patients: PatientStore
  states: ConsentStates
  windows: Windows
  clock: Clock
  /** Whether most other members hold another chain: then what the node says of consents is not believed. */
  contradicted: () => boolean
}): Judge {
  const { db } = deps

  async function read(query: Parameters<ConsentStates['read']>[1]) {
    if (deps.contradicted()) return { reason: 'view-contradicted' as const }
    try {
      return { state: await deps.states.read(db, query) }
    } catch (error) {
      if (error instanceof WayleaveError && error.code === 'head-stale')
        return { reason: 'head-stale' as const }
      throw error
    }
  }

  return {
    async consentsNow(query) {
      return (await deps.windows.overdue()) ? { reason: 'anchor-overdue' } : read(query)
    },

    async judge({ tag, requester, purpose, role, share }) {
      const looked = await findRecord(db, deps.patients, tag, { requester, share })
      const overdue = looked ? isOverdue(looked.anchors, deps.clock) : await deps.windows.overdue()
      if (overdue) return { permit: false, reason: 'anchor-overdue' }
      if (!looked) return { permit: false, reason: 'record-unknown' }
      const { found, known } = looked
      // Known to the trail alone: whoever asks hears what everybody hears of a record that there is not (I11).
      if (share !== undefined && !looked.isBehind) return { permit: false, reason: 'token-mismatch' }
      const now = await read({ patient: found.patient, requester, purpose, role, known })
      if ('reason' in now) return { permit: false, reason: now.reason, found }
      const { state } = now
      const decision = decide({ ...state, record: judgedRecord(found.record) })
      if (decision.decision === 'permit' && found.gone) return { permit: false, reason: 'record-gone', found }
      if (decision.decision === 'permit') return { permit: true, found, decision, state }
      return { permit: false, reason: decision.reason, found, decision }
    },
  }
}

/** What a decision is told of a record of this hospital. */
export function judgedRecord({
  dataClass,
  kinds,
  traits,
  contained = [],
}: Pick<StoredRecord, 'dataClass' | 'kinds' | 'traits' | 'contained'>): JudgedRecord {
  const raised = (of: Traits) => raisedFeatures(featuresOfTraits(of), kinds.filter(isSensitiveKind))
  return {
    ...{ dataClass, kinds, contained: contained.map(raised) },
    ...(traits ? { content: raised(traits) } : {}),
  }
}

/**
 * The record and what it takes to judge it, with the patient's consents and the oldest entries that are not anchored: one
 * query, since every release waits.
 */
const recordToJudge = prepared(
  ['tag', 'share', 'requester'],
  (db: Kysely<BrokerTables>, { tag, share, requester }: { tag: Hex; share: string; requester: Hex }) =>
    db
      .selectFrom('records')
      .innerJoin('patients', 'patients.id', 'records.patient_id')
      .leftJoinLateral(
        (eb) =>
          eb
            .selectFrom('records as newest')
            .select(['newest.kind as newestKind', 'newest.compartment as newestCompartment'])
            .whereRef('newest.record_lookup', '=', 'records.record_lookup')
            .whereRef('newest.patient_id', '=', 'records.patient_id')
            .orderBy('newest.seq', 'desc')
            .limit(1)
            .as('standing'),
        (join) => join.onTrue(),
      )
      .selectAll('patients')
      .select(['records.commitment', 'records.sealed as entry', 'newestKind', 'newestCompartment'])
      .select(oldestUnanchored())
      .select(consentColumns())
      .select((eb) =>
        eb
          .exists(
            eb
              .selectFrom('shares_sent')
              .select('reference')
              .whereRef('shares_sent.patient_id', '=', 'patients.id')
              .where('reference', '=', share)
              .where('grantee', '=', requester),
          )
          .as('isBehind'),
      )
      .where('records.tag', '=', tag)
      // Of what went to a new handle the reason is told; nothing of it is released under its old name.
      .where('records.kind', 'in', ['snapshot', 'moved']),
)

async function findRecord(
  db: Kysely<BrokerTables>,
  patients: PatientStore,
  tag: Hex,
  { requester, share = '' }: { requester: Hex; share: string | undefined },
) {
  const [row] = await recordToJudge(db, { tag, share, requester })
  if (!row) return undefined
  const patient = patients.fromRow(row)
  const record = openJson<StoredRecord>(patient.key, row.entry)
  const standing = row.newestKind === 'snapshot' ? (row.newestCompartment ?? undefined) : undefined
  const kinds = [...new Set([...record.kinds, ...compartmentOf(standing ?? '').kinds])]
  const found: FoundRecord = {
    patient,
    record: { ...record, kinds },
    commitment: row.commitment as Hex,
    gone: standing === undefined,
  }
  return { found, known: consentsIn(patient, row), anchors: row, isBehind: row.isBehind === true }
}

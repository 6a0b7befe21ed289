import type { Kysely } from 'kysely'
import { describeReason } from '../../domain/audit/reasons.ts'
import { isDataClass } from '../../domain/consent/data-classes.ts'
import { type Decision, decide, type Rule } from '../../domain/consent/decide.ts'
import type { ExplainedRule, Explanation, Preview, PreviewedRecord } from '../../domain/consent/explained.ts'
import { purposeDisplay } from '../../domain/consent/purposes.ts'
import { isGrantableKind } from '../../domain/consent/sensitivities.ts'
import { normalTerms, termsCover } from '../../domain/consent/terms.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { compartmentOf } from '../../domain/records/compartments.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson } from '../../store/vault.ts'
import type { StoredRecord } from '../register/entries.ts'
import type { ConsentStates } from './consent-state.ts'
import { consentIdOf } from './proposals.ts'

type Db = Kysely<BrokerTables>

/**
 * Would this be allowed, and why not: asked of the engine that decides releases, at the newest block, releasing nothing.
 * For the patient and this hospital only: whoever asks for records learns no reason (I11).
 */
export function createExplainer({ db, states }: { db: Db; states: ConsentStates }) {
  return {
    /** @throws WayleaveError `head-stale`; `request-invalid` for a class or kind that is none */
    async explain(
      patient: StoredPatient,
      ask: { requester: Hex; purpose: string; dataClass: string; kinds: readonly string[] },
    ): Promise<Explanation> {
      const { requester, purpose, dataClass, kinds } = ask
      if (!isDataClass(dataClass) || !kinds.every(isGrantableKind))
        throw wayleaveError('request-invalid', 'class or kind')
      const state = await states.read(db, { patient, requester, purpose })
      return explanationOf(decide({ ...state, record: { dataClass, kinds } }))
    },

    /** What a consent with these terms would open of the patient's records as they stand now, whoever it were for. */
    async preview(
      patient: StoredPatient,
      terms: { dataClasses: readonly string[]; sensitivities: readonly string[] },
    ): Promise<Preview> {
      if (!terms.dataClasses.every(isDataClass) || !terms.sensitivities.every(isGrantableKind))
        throw wayleaveError('request-invalid', 'class or kind')
      const asked = normalTerms(terms)
      const preview: Preview = { opened: [], withheld: [] }
      for (const record of await recordsOf(db, patient)) {
        const coverage = termsCover(asked, record.dataClass, record.kinds)
        if (coverage === 'covered') preview.opened.push(record)
        else preview.withheld.push({ ...record, reason: WITHHELD[coverage] })
      }
      return preview
    },
  }
}

export type Explainer = ReturnType<typeof createExplainer>

const WITHHELD = { class: 'class-not-covered', kind: 'sensitivity-not-covered' } as const

function explanationOf(decision: Decision): Explanation {
  const beaten = decision.beaten.map(explained)
  if (decision.decision === 'permit') {
    return { decision: 'permit', sentence: 'This would be allowed.', rule: explained(decision.rule), beaten }
  }
  const { reason, rule } = decision
  const sentence = `This would be refused. ${describeReason(reason)}`
  return { decision: 'refuse', reason, sentence, rule: rule ? explained(rule) : null, beaten }
}

const PARTIES = { Organization: 'named organisation', Group: 'group', Everyone: 'everyone' } as const

function explained({ scopeHash, scope, verdict, reason }: Rule): ExplainedRule {
  return {
    consent: `Consent/${consentIdOf(scopeHash)}`,
    specificity: [PARTIES[scope.granteeType], purposeDisplay(scope.purpose)],
    decision: verdict,
    ...(reason ? { reason } : {}),
  }
}

/** The patient's records as they stand: what was deleted since, or went to another patient, is none. */
async function recordsOf(db: Db, patient: StoredPatient): Promise<PreviewedRecord[]> {
  const rows = await db
    .selectFrom('records')
    .select(['record_lookup', 'kind', 'compartment', 'sealed'])
    .where('patient_id', '=', patient.id)
    .where('record_lookup', 'is not', null)
    .orderBy('seq')
    .execute()
  const newest = new Map(rows.map((row) => [row.record_lookup, row]))
  return [...newest.values()]
    .filter(({ kind }) => kind === 'snapshot')
    .map(({ compartment, sealed }) => {
      const { resourceType, id } = openJson<StoredRecord>(patient.key, sealed)
      const { dataClass, kinds } = compartmentOf(compartment)
      return { record: `${resourceType}/${id}`, dataClass, kinds: [...kinds] }
    })
    .sort((x, y) => (x.record < y.record ? -1 : 1))
}

import type { Kysely } from 'kysely'
import { describeReason, type ReasonCode } from '../../domain/audit/reasons.ts'
import type { Clock } from '../../domain/clock.ts'
import { compileBody, judgeBody, recipientOf } from '../../domain/consent/consent-body.ts'
import { isDataClass } from '../../domain/consent/data-classes.ts'
import { type Decision, decide, type Rule } from '../../domain/consent/decide.ts'
import type { ExplainedRule, Explanation, Preview } from '../../domain/consent/explained.ts'
import type { ConsentWish } from '../../domain/consent/fhir/consent-wish.ts'
import type { Recipient } from '../../domain/consent/fhir/recipient.ts'
import { ANY_PURPOSE, purposeDisplay } from '../../domain/consent/purposes.ts'
import { isGrantableKind } from '../../domain/consent/sensitivities.ts'
import { normalTerms, termsCover } from '../../domain/consent/terms.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { parseIdentifierText } from '../../domain/identity/member-id.ts'
import { compartmentOf } from '../../domain/records/compartments.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson } from '../../store/vault.ts'
import type { StoredRecord } from '../register/entries.ts'
import { judgedRecord } from '../release/judge.ts'
import type { ConsentStates } from './consent-state.ts'
import { consentIdOf } from './proposals.ts'

type Db = Kysely<BrokerTables>

/**
 * Would this be allowed, and why not: asked of the engine that decides releases, at the newest block, releasing nothing.
 * For the patient and this hospital only: whoever asks for records learns no reason (I11).
 */
export function createExplainer({ db, states, clock }: { db: Db; states: ConsentStates; clock: Clock }) {
  return {
    /** @throws WayleaveError `head-stale`; `request-invalid` for a class, kind or record that is none */
    async explain(patient: StoredPatient, ask: ExplainAsk): Promise<Explanation> {
      const { requester, purpose } = ask
      const record = 'record' in ask ? await recordNamed(patient, ask.record) : classOf(ask)
      const state = await states.read(db, { patient, requester, purpose })
      return explanationOf(decide({ ...state, record }))
    },

    /** What a consent like this would open of the patient's records as they stand now, to one whom it is for. */
    async preview(patient: StoredPatient, wish: PreviewWish): Promise<Preview> {
      if (!wish.dataClasses.every(isDataClass) || !wish.sensitivities.every(isGrantableKind))
        throw wayleaveError('request-invalid', 'class or kind')
      const preview: Preview = { opened: [], withheld: [] }
      const obstacle = obstacleOf(wish, clock.now())
      for (const stored of await recordsOf(db, patient)) {
        const { dataClass, kinds } = stored
        const record = { record: nameOf(stored), dataClass, kinds }
        const reason = obstacle(stored)
        if (reason) preview.withheld.push({ ...record, reason })
        else preview.opened.push(record)
      }
      return preview
    },
  }

  async function recordNamed(patient: StoredPatient, name: string) {
    const found = (await recordsOf(db, patient)).find((one) => nameOf(one) === name)
    if (!found) throw wayleaveError('request-invalid', 'record')
    return judgedRecord(found)
  }
}

type Ask = { requester: Hex; purpose: string }
/** Of one record of the patient's, by its type and id here; or of any of a class and kinds. */
type ExplainAsk = Ask & ({ record: string } | { dataClass: string; kinds: readonly string[] })

/** Classes and kinds, and what narrows them for a party and purpose. */
type PreviewWish = Pick<ConsentWish, 'body'> & {
  dataClasses: readonly string[]
  sensitivities: readonly string[]
  to?: ConsentWish['to']
  purpose?: string
}

function classOf({ dataClass, kinds }: { dataClass: string; kinds: readonly string[] }) {
  if (!isDataClass(dataClass) || !kinds.every(isGrantableKind))
    throw wayleaveError('request-invalid', 'class or kind')
  return { dataClass, kinds }
}

/** Why a consent would not open a record; undefined where it would. */
function obstacleOf(wish: PreviewWish, at: number): (record: StoredRecord) => ReasonCode | undefined {
  const { dataClasses, sensitivities } = wish
  const terms = normalTerms({ dataClasses, sensitivities })
  const body = wish.body && compileBody(wish.body)
  const ask = { at, purpose: wish.purpose ?? ANY_PURPOSE, recipient: anyOf(wish.to) }
  return (record) => {
    const { dataClass, kinds, content, contained = [] } = judgedRecord(record)
    const whole = body && [content, ...contained].map((part) => judgeBody(body, ask, part))
    const said = whole?.find(({ says }) => says === 'deny' || says === 'unenforceable') ?? whole?.[0]
    if (said && said.says !== 'permit' && said.says !== 'silent') return KEPT_BACK[said.says]
    const coverage = termsCover(terms, dataClass, kinds)
    if (coverage !== 'covered') return WITHHELD[coverage]
    return said?.says === 'silent' ? 'provision-silent' : undefined
  }
}

/** Somebody whom a consent for this party reaches, of whom nothing else is known. */
function anyOf(to: ConsentWish['to'] | undefined): Recipient {
  const identifier = to?.granteeType === 'Organization' ? parseIdentifierText(to.grantee) : undefined
  return recipientOf(identifier, to?.granteeType === 'Group' ? [to.grantee] : [])
}

const KEPT_BACK = {
  deny: 'provision-denies',
  unknown: 'content-unknown',
  unenforceable: 'terms-unenforceable',
} as const

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
async function recordsOf(db: Db, patient: StoredPatient): Promise<StoredRecord[]> {
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
      const { dataClass, kinds } = compartmentOf(compartment)
      return { ...openJson<StoredRecord>(patient.key, sealed), dataClass, kinds: [...kinds] }
    })
    .sort((x, y) => (nameOf(x) < nameOf(y) ? -1 : 1))
}

const nameOf = ({ resourceType, id }: StoredRecord) => `${resourceType}/${id}`

import type { Coding } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import { DATA_CLASSES, isDataClass } from '../../domain/consent/data-classes.ts'
import { type Decision, decide } from '../../domain/consent/decide.ts'
import { SENSITIVE_KINDS, type SensitiveKind } from '../../domain/consent/sensitivities.ts'
import type { Hex } from '../../domain/hex.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { ConsentState, ConsentStates } from './consent-state.ts'
import { consentIdOf } from './proposals.ts'

/** What a consult answers: see `consultConsent`. */
export type Consulted = {
  decision: 'permit' | 'deny' | 'no-consent'
  /** `Consent/id` of those that decided. */
  basedOn: string[]
  /** Labels that have to be taken out of what is permitted. */
  redact: Coding[]
}

const ALL_CLASSES = Object.keys(DATA_CLASSES).filter(isDataClass)
const ALL_KINDS = Object.keys(SENSITIVE_KINDS) as SensitiveKind[]

/**
 * May this member have anything of these classes for these purposes, all of them, and what must be kept back? Asked of
 * the engine that decides releases, class by class and kind by kind.
 * @throws WayleaveError `head-stale`
 */
export async function consultConsent(
  { db, states }: { db: Kysely<BrokerTables>; states: ConsentStates },
  patient: StoredPatient,
  ask: { requester: Hex; purposes: readonly string[]; dataClasses?: readonly string[] },
): Promise<Consulted> {
  const { requester, purposes, dataClasses = ALL_CLASSES } = ask
  const each: ConsentState[] = []
  for (const purpose of purposes) each.push(await states.read(db, { patient, requester, purpose }))
  const judged = (dataClass: string, kinds: readonly string[]) =>
    each.map((state) => decide({ ...state, record: { dataClass, kinds } }))
  const ordinary = dataClasses.map((dataClass) => ({ dataClass, decisions: judged(dataClass, []) }))
  const open = ordinary.filter(({ decisions }) => decisions.every(isPermit)).map(({ dataClass }) => dataClass)
  const decisions = ordinary.flatMap((one) => one.decisions)
  if (open.length === 0) {
    const refusing = decisions.filter((one) => one.decision === 'refuse')
    const spoken = refusing.some((one) => one.rule !== undefined || !SILENT.has(one.reason))
    return { decision: spoken ? 'deny' : 'no-consent', basedOn: namedBy(refusing), redact: [] }
  }
  const closed = ALL_KINDS.filter(
    (kind) => !open.every((dataClass) => judged(dataClass, [kind]).every(isPermit)),
  )
  return {
    decision: 'permit',
    basedOn: namedBy(decisions.filter(isPermit)),
    redact: closed.map((code) => ({ system: SENSITIVE_KINDS[code].system, code })),
  }
}

const isPermit = ({ decision }: Decision): boolean => decision === 'permit'

/** Reasons that say no more than that no consent concerns the request. */
const SILENT: ReadonlySet<string> = new Set([
  'no-consent',
  'wrong-purpose',
  'group-joined-later',
  'class-not-covered',
])

const namedBy = (decisions: readonly Decision[]): string[] => [
  ...new Set(decisions.flatMap(({ rule }) => (rule ? [`Consent/${consentIdOf(rule.scopeHash)}`] : []))),
]

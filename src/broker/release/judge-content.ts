import type { Resource } from 'fhir/r4.js'
import type { ReasonCode } from '../../domain/audit/reasons.ts'
import { type DataClass, dataClassOf } from '../../domain/consent/data-classes.ts'
import { decide } from '../../domain/consent/decide.ts'
import { containedTraitsOf, traitsOf } from '../../domain/consent/fhir/features.ts'
import type { JsonObject } from '../../domain/consent/fhir/read.ts'
import { filterResource } from '../../domain/consent/filtering/filter-answer.ts'
import type { Verdict } from '../../domain/consent/filtering/judge-resource.ts'
import type { Labeller } from '../../fhir/labeller.ts'
import type { ConsentState } from '../consent/consent-state.ts'
import { type FoundRecord, judgedRecord } from './judge.ts'

/** Why a record is not handed out after all, now that its bytes are at hand; undefined where it is. */
export type ContentJudge = (
  resource: JsonObject & { resourceType: string },
  found: FoundRecord,
  state: ConsentState,
) => ReasonCode | undefined

/**
 * Judges what a record holds: labelled by the rules of today, since those may have learnt (a label is raised, never
 * lowered), decided on once more, and looked through for other patients. What is contained in it goes with it or not at
 * all: its class is the record's, and whatever objects to a part of it objects to the whole.
 */
export function createContentJudge(deps: { labeller: Labeller; base: string }): ContentJudge {
  return (resource, { patient, record }, state) => {
    const dataClass = dataClassOf(resource)
    const isHost = ({ resourceType, id }: JsonObject) =>
      resourceType === resource.resourceType && id === resource.id
    const verdict = verdictOf({ state, dataClass, isHost, kindsOf: () => record.kinds })
    const whole = filterResource(resource, {
      label: (part) => deps.labeller.label(part as Resource),
      verdict,
      base: deps.base,
      patient: {
        reference: `Patient/${patient.secrets.fhirId}`,
        identifiers: patient.secrets.identifiers,
      },
    })
    // Whose it is was told when it was registered; that nothing tells it again is no reason now.
    if (whole.released || whole.reason === 'not-placed') return undefined
    return whole.reason === 'denied' ? 'labels-raised' : 'about-another'
  }
}

/**
 * What a state of consent says of a resource, and of the parts that it contains: these go with it or not at all, so that
 * nothing need permit them, but whatever objects to one objects to the whole.
 * @param kindsOf sensitive kinds that a host bears by what was registered of it
 */
export function verdictOf(args: {
  state: ConsentState
  dataClass: DataClass
  isHost: (part: JsonObject) => boolean
  kindsOf: (part: JsonObject) => readonly string[]
}): (part: JsonObject, label: { kinds: readonly string[] }) => Verdict {
  const { state, dataClass, isHost, kindsOf } = args
  return (part, { kinds }) => {
    const [traits, contained] = [traitsOf(part), containedTraitsOf(part)]
    const all = [...new Set([...kindsOf(part), ...kinds])]
    const decision = decide({ ...state, record: judgedRecord({ dataClass, kinds: all, traits, contained }) })
    if (decision.decision === 'permit') return { decision: 'permit' }
    const speaks = decision.rule !== undefined
    return isHost(part) || speaks ? { decision: 'deny', why: decision.reason } : { decision: 'permit' }
  }
}

import type { Resource } from 'fhir/r4.js'
import type { ReasonCode } from '../../domain/audit/reasons.ts'
import { dataClassOf } from '../../domain/consent/data-classes.ts'
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
    const verdict = (part: JsonObject, { kinds }: { kinds: readonly string[] }): Verdict => {
      const [traits, contained] = [traitsOf(part), containedTraitsOf(part)]
      const all = [...new Set([...record.kinds, ...kinds])]
      const decision = decide({
        ...state,
        record: judgedRecord({ dataClass, kinds: all, traits, contained }),
      })
      if (decision.decision === 'permit') return { decision: 'permit' }
      const speaks = decision.rule !== undefined
      return isHost(part) || speaks ? { decision: 'deny', why: decision.reason } : { decision: 'permit' }
    }
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

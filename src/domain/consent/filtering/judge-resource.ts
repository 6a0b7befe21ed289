/**
 * Judges one whole resource: it is released as it is or not at all, since what is committed to and signed is the whole
 * (docs/decisions/0018). Contained resources are judged with it; what is sensitive in any part of it is sensitive in all of it.
 */
import type { Coding } from 'fhir/r4.js'
import type { Label } from '../../records/labels/label-resource.ts'
import { isObject, type JsonObject, textOf } from '../fhir/read.ts'
import { aliasOf, identifierOfQuery, readIdentifier } from './identifiers.ts'
import type { KnownPatient } from './patient.ts'
import { type Placed, placeContained, placeResource, type WithheldReason } from './placement.ts'
import { type Survey, surveyResource } from './survey.ts'
import { keyOfTarget, type Place, readTarget } from './targets.ts'
import { withInherited, withLabelsOfAll } from './whole-labels.ts'

export type Verdict =
  | { readonly decision: 'permit' }
  /** `silent`: no consent speaks of it, so that nothing objects to it either. */
  | { readonly decision: 'deny'; readonly why: string; readonly silent?: boolean }

/** How resources are labelled, and what the consents say of one. Any engine will do. */
export type Judges = {
  readonly label: (resource: { readonly resourceType: string }) => Label
  /** `resource` bears in `meta.security` every label of it and of what it contains; `label` is what these and rules say. */
  readonly verdict: (resource: JsonObject, label: Label) => Verdict
}

export type Whole =
  | {
      readonly released: true
      readonly as: Exclude<Placed['as'], 'withheld'>
      /** Of a dependent resource: keys of what it depends on. */
      readonly on: readonly string[]
      readonly label: Label
      /** Keys of everything it points at. */
      readonly links: readonly string[]
    }
  | {
      readonly released: false
      readonly reason: WithheldReason
      readonly why?: string
      /** Whether it is known to be this patient's. */
      readonly isPatients: boolean
    }

export type Standing = {
  readonly known: KnownPatient
  readonly place: Place
  /** Whether a Patient resource is the one. */
  readonly isPatient: boolean
  /** Labels of the Bundle that it is part of. */
  readonly inherited: readonly Coding[]
}

type Typed = JsonObject & { resourceType: string }

export function judgeWhole(value: unknown, judges: Judges, standing: Standing): Whole {
  if (!isObject(value)) return refused('malformed', false, 'no object')
  const survey = surveyResource(value)
  if (survey.malformed !== undefined) return refused('malformed', false, survey.malformed)
  const resource = value as Typed
  const { known, place, inherited } = standing
  const placed = placeResource(resource, survey, known, standing)
  if (placed.as === 'withheld') return refused(placed.reason, false)
  const isPatients = placed.as === 'record'
  for (const contained of survey.contained) {
    const why = whyContainedIsWithheld(contained as Typed, { resource, survey }, judges, standing)
    if (why !== undefined) return refused('contained', isPatients, why)
  }
  const label = withInherited(judges.label(resource), inherited)
  const why = whyDenied(resource, [...survey.security, ...inherited], label, placed.as, judges)
  if (why !== undefined) return refused('denied', isPatients, why)
  const on = placed.as === 'dependent' ? placed.on : []
  return { released: true, as: placed.as, on, label, links: linksOf(survey, place) }
}

const refused = (reason: WithheldReason, isPatients: boolean, why?: string): Whole => ({
  released: false,
  reason,
  isPatients,
  ...(why === undefined ? {} : { why }),
})

function whyDenied(
  resource: JsonObject,
  security: readonly unknown[],
  label: Label,
  as: Placed['as'],
  { verdict }: Judges,
): string | undefined {
  const said = verdict(withLabelsOfAll(resource, security), label)
  if (said.decision === 'permit') return undefined
  // What describes no patient needs no consent that names it, as long as it tells nothing sensitive.
  const isOrdinary = said.silent === true && label.kinds.length === 0
  return as === 'directory' && isOrdinary ? undefined : said.why
}

function whyContainedIsWithheld(
  contained: Typed,
  { resource, survey }: { resource: Typed; survey: Survey },
  judges: Judges,
  { known, place, inherited }: Standing,
): string | undefined {
  const placed = placeContained(contained, { resource, contained: survey.contained }, known, place)
  const name = `${contained.resourceType}#${textOf(contained.id) ?? ''}`
  if (placed.as === 'withheld') return `${name}: ${placed.reason}`
  const { security } = surveyResource(contained)
  const label = withInherited(judges.label(contained), inherited)
  // Its id is its own only within the host: an objection to the resource of that id counts, a permit does not.
  const { id: _, ...nameless } = contained
  for (const one of [contained, nameless]) {
    const why = whyDenied(one, [...security, ...inherited], label, placed.as, judges)
    if (why !== undefined) return `${name}: ${why}`
  }
  return undefined
}

function linksOf({ targets, references }: Survey, place: Place): string[] {
  const links = new Set<string>()
  for (const target of targets) {
    const key = keyOfTarget(target, place)
    if (key !== undefined) links.add(key)
  }
  for (const { reference, identifier } of references) {
    const asked = typeof reference === 'string' && reference.includes('?') ? readTarget(reference) : undefined
    const query = asked?.kind === 'conditional' ? identifierOfQuery(asked.query) : undefined
    for (const named of [readIdentifier(identifier), query]) if (named) links.add(aliasOf(named))
  }
  return [...links]
}

/** What a resource is about, in the words that it brings: for narrative, and to tell which measurements are of one kind. */

import { list, object, text } from '../loose.ts'

export type Resource = { readonly resourceType: string; readonly id: string } & Readonly<
  Record<string, unknown>
>

/** Elements that say what a resource is about, by type; `code` where none is named. */
const SUBJECTS: Readonly<Record<string, readonly string[]>> = {
  MedicationStatement: ['medicationCodeableConcept', 'medicationReference'],
  MedicationRequest: ['medicationCodeableConcept', 'medicationReference'],
  Immunization: ['vaccineCode'],
  DeviceUseStatement: ['device', 'reasonCode'],
  CarePlan: ['title', 'category', 'description'],
}

const DATES = [
  ...['onsetDateTime', 'effectiveDateTime', 'performedDateTime', 'occurrenceDateTime', 'timingDateTime'],
  ...['effectivePeriod', 'performedPeriod', 'onsetPeriod', 'period', 'timingPeriod'],
  ...['authoredOn', 'recordedDate', 'dateAsserted', 'issued', 'recordedOn', 'created', 'date'],
]

const subjectsOf = (resource: Resource): unknown[] =>
  (SUBJECTS[resource.resourceType] ?? ['code']).flatMap((name) => list(resource[name]))

/** Codings of what the resource is about. */
export const codingsOf = (resource: Resource): { system?: string; code: string }[] =>
  subjectsOf(resource)
    .flatMap((subject) => list(object(subject).coding))
    .map(object)
    .flatMap(({ system, code }) => {
      const known = text(system)
      const given = text(code)
      return given === undefined
        ? []
        : [known === undefined ? { code: given } : { system: known, code: given }]
    })

/** What it is about, as its source put it; the resource type where it says nothing. */
export function titleOf(resource: Resource): string {
  for (const subject of subjectsOf(resource)) {
    const concept = object(subject)
    const coded = list(concept.coding).map(object)
    const found =
      text(subject) ??
      text(concept.text) ??
      text(concept.display) ??
      coded.map(({ display }) => text(display)).find(Boolean) ??
      coded.map(({ code }) => text(code)).find(Boolean)
    if (found !== undefined) return found.slice(0, 200)
  }
  return resource.resourceType
}

/** The date that a reader would look for, as its source has it; empty where there is none. */
export function dateOf(resource: Resource): string {
  for (const name of DATES) {
    const value = resource[name]
    const found = text(value) ?? text(object(value).start) ?? text(object(value).end)
    if (found !== undefined) return found.slice(0, 40)
  }
  return ''
}

/** The codes of a status element: a code, or a CodeableConcept. */
export const codesAt = (resource: Resource, name: string): string[] =>
  list(resource[name]).flatMap((value) => {
    const bare = text(value)
    if (bare !== undefined) return [bare]
    return list(object(value).coding).flatMap((coding) => text(object(coding).code) ?? [])
  })

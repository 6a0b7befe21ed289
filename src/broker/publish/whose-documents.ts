import { isObject, type JsonObject } from '../../domain/consent/fhir/read.ts'
import { listOf } from '../../domain/documents/required-elements.ts'
import { type Entry, referencesIn } from '../../domain/documents/submission.ts'
import { type Problem, problemsError } from '../../domain/errors.ts'
import { identifierText } from '../../domain/identity/member-id.ts'
import { checkNationalId, type Identifier } from '../../domain/identity/national-ids.ts'
import type { People, Person } from '../receive/people.ts'

export type OwnPatient = Person & { own: NonNullable<Person['own']> }

/** A resource that is pushed, and where it stands. */
export type Pushed = Pick<Entry, 'resource'> & { path: string }

const PATIENT = /^(?:(?<base>https?:\/\/.+)\/)?Patient\/(?<id>[A-Za-z0-9\-.]{1,64})(?:\/_history\/[^/]+)?$/

/**
 * Whose documents are pushed: one Patient of this hospital, named by a literal reference within its own server, by a national
 * identifier, or by a Patient that is pushed along and bears one. Whatever else names a patient must mean the same.
 * @param bases addresses under which this hospital's Patients are known
 * @throws WayleaveError `document-patient`, `source-unavailable`
 */
export async function whoseDocuments(
  pushed: readonly Pushed[],
  patientEntry: Entry | undefined,
  deps: { people: People; bases: readonly string[] },
): Promise<OwnPatient> {
  const refuse = (problems: Problem[]) => problemsError('document-patient', problems)
  const literal = (reference: unknown): { id?: string; foreign?: boolean } => {
    const groups = typeof reference === 'string' ? PATIENT.exec(reference)?.groups : undefined
    if (!groups) return {}
    if (groups.base !== undefined && !deps.bases.includes(groups.base)) return { foreign: true }
    return groups.id === undefined ? {} : { id: groups.id }
  }

  async function named({ resource }: Pushed): Promise<Person | undefined> {
    const subject = isObject(resource.subject) ? resource.subject : {}
    const { reference, identifier } = subject
    const { id, foreign } = literal(reference)
    if (foreign) return undefined
    if (id !== undefined) return deps.people.byId(id)
    const inside =
      reference === patientEntry?.fullUrl ? patientEntry?.resource : containedOf(resource, reference)
    const [national] = nationalIdsOf(inside ? listOf(inside.identifier) : [identifier])
    return national && (reference === undefined || inside) ? deps.people.byIdentifier(national) : undefined
  }

  const [first] = pushed
  const person = first && (await named(first))
  if (!first || !person?.own)
    throw refuse([
      { path: `${first?.path ?? 'Bundle'}.subject`, reason: 'Not one patient of this hospital.' },
    ])
  const { own, identifiers } = person
  const known = new Set(identifiers.map(identifierText))
  const isOther = (identifier: Identifier) => !known.has(identifierText(identifier))
  const problems: Problem[] = []
  for (const one of pushed.slice(1)) {
    if (one.resource.subject === undefined) continue
    if ((await named(one))?.own?.id !== own.id)
      problems.push({ path: `${one.path}.subject`, reason: 'Not the patient of the others.' })
  }
  for (const { resource, path } of pushed) {
    const { subject } = resource
    if (nationalIdsOf([isObject(subject) ? subject.identifier : undefined]).some(isOther))
      problems.push({ path: `${path}.subject.identifier`, reason: 'Of another person.' })
    for (const contained of listOf(resource.contained))
      if (isPatient(contained) && nationalIdsOf(listOf(contained.identifier)).some(isOther))
        problems.push({ path: `${path}.contained`, reason: 'A Patient that is another person.' })
    for (const reference of referencesIn(resource)) {
      const { id, foreign } = literal(reference)
      if (foreign || (id !== undefined && id !== own.id))
        problems.push({ path, reason: 'It refers to another patient.' })
    }
  }
  if (patientEntry && nationalIdsOf(listOf(patientEntry.resource.identifier)).some(isOther))
    problems.push({ path: `Bundle.entry[${patientEntry.index}].resource`, reason: 'Another person.' })
  if (problems.length > 0) throw refuse(problems)
  return { own, identifiers }
}

const isPatient = (value: unknown): value is JsonObject => isObject(value) && value.resourceType === 'Patient'

const containedOf = (resource: JsonObject, reference: unknown): JsonObject | undefined =>
  listOf(resource.contained).find(
    (one): one is JsonObject => isPatient(one) && reference === `#${String(one.id)}`,
  )

/** Identifiers of a national system that pass its check; whatever else stands there names nobody here. */
function nationalIdsOf(identifiers: readonly unknown[]): Identifier[] {
  return identifiers.flatMap((one) => {
    if (!isObject(one) || typeof one.system !== 'string' || typeof one.value !== 'string') return []
    const checked = checkNationalId({ system: one.system, value: one.value })
    return checked.ok ? [checked.identifier] : []
  })
}

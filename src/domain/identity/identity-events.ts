import { checkNationalId, type Identifier } from './national-ids.ts'

/** What a Patient resource says of who the patient is; no name, no date of birth. */
export type PatientPicture = {
  /** All that count: neither old nor temporary. */
  identifiers: Identifier[]
  /** `Patient.link`, as `TYPE ID` with a logical id of this hospital, or `?` for a Patient elsewhere. Sorted. */
  links: string[]
  deceased: boolean
  /** The resource is deleted. */
  removed: boolean
}

/** Which version of a Patient resource was looked at. */
export type Sighting = { versionId: string; lastUpdated: string }

const NUMBER = /^\d{1,15}$/

/**
 * Whether a version is older than the one that was looked at last. Histories are read again and again, and an old version
 * says nothing of who somebody is. By number where both have one; else by instant, of which none counts as later than now was then.
 */
export function isOlder(one: Sighting, last: Sighting): boolean {
  if (NUMBER.test(one.versionId) && NUMBER.test(last.versionId))
    return Number(one.versionId) < Number(last.versionId)
  return Date.parse(one.lastUpdated) < Date.parse(last.lastUpdated)
}

/** A resource that says nothing of a kind, and a row that was made before its Patient was seen. */
export const NO_PICTURE: PatientPicture = { identifiers: [], links: [], deceased: false, removed: false }

/**
 * What may have happened to a patient's identity, the gravest first. FHIR R4 §8.1.13: `replaced-by` and `replaces` say
 * that two resources are merged, `seealso` and `refer` that both are about one person.
 */
export const IDENTITY_KINDS = [
  'merged',
  'unmerged',
  'identifier-shared',
  'key-shared',
  'identifier-changed',
  'removed',
  'deceased',
  'identifier-assigned',
  'linked',
] as const

export type IdentityKind = (typeof IDENTITY_KINDS)[number]

/** One sentence a kind, for the records office and for the patient; it names nobody. */
export const IDENTITY_KIND_TEXT: Readonly<Record<IdentityKind, string>> = {
  merged: 'Two patient files were joined.',
  unmerged: 'Two patient files that were joined or linked were separated.',
  'identifier-shared': 'One national identifier stands in two patient files.',
  'key-shared': 'One key was bound for two patients.',
  'identifier-changed': 'The national identifier in the patient file was corrected.',
  removed: 'The patient file was deleted, or is there again.',
  deceased: 'The patient file says that the patient has died, or says so no longer.',
  'identifier-assigned': 'A patient who had no national identifier was given one.',
  linked: 'Two patient files were linked as being about one person.',
}

/** Why a person of the records office said what they said. Codes, since the patient may read them. */
export const IDENTITY_REASONS = {
  'document-seen': 'An identity document was seen.',
  'register-asked': 'The population register was asked.',
  'patient-asked': 'The patient was asked.',
  'files-compared': 'The files were compared.',
  'entered-in-error': 'It was entered in error, and has been corrected at the source.',
} as const

export type IdentityReason = keyof typeof IDENTITY_REASONS

export const isIdentityReason = (x: unknown): x is IdentityReason =>
  typeof x === 'string' && Object.hasOwn(IDENTITY_REASONS, x)

/** The national identifiers among all, in the form in which equal numbers are equal. Sorted. */
export function nationalIn(identifiers: readonly Identifier[]): string[] {
  const all = identifiers.flatMap((one) => {
    const checked = checkNationalId(one)
    return checked.ok ? [`${checked.identifier.system}|${checked.identifier.value}`] : []
  })
  return [...new Set(all)].sort()
}

const sameTexts = (x: readonly string[], y: readonly string[]) =>
  x.length === y.length && x.every((text, i) => text === y[i])

/** Which kinds of event lie between two pictures of one patient; none where nothing about the identity changed. */
export function identityChanges(before: PatientPicture, now: PatientPicture): IdentityKind[] {
  const kinds = new Set<IdentityKind>()
  const [had, has] = [nationalIn(before.identifiers), nationalIn(now.identifiers)]
  // A file that is deleted takes its numbers with it; that is one event, not two.
  if (!now.removed && !before.removed && !sameTexts(had, has))
    kinds.add(had.length === 0 ? 'identifier-assigned' : 'identifier-changed')
  const added = now.links.filter((link) => !before.links.includes(link))
  if (added.some(isMerge)) kinds.add('merged')
  if (added.some((link) => !isMerge(link))) kinds.add('linked')
  if (!now.removed && before.links.some((link) => !now.links.includes(link))) kinds.add('unmerged')
  if (!now.removed && before.deceased !== now.deceased) kinds.add('deceased')
  if (before.removed !== now.removed) kinds.add('removed')
  return IDENTITY_KINDS.filter((kind) => kinds.has(kind))
}

const isMerge = (link: string) => link.startsWith('replace')

/** Logical ids of this hospital that the links of either picture name. */
export function linkedIds(...pictures: readonly PatientPicture[]): string[] {
  const ids = pictures.flatMap(({ links }) => links.map((link) => link.slice(link.indexOf(' ') + 1)))
  return [...new Set(ids.filter((id) => id !== '?'))]
}

/** Whether nobody can sign for this patient any more: dead, deleted, or replaced by another file. */
export function isEnded({ deceased, removed, links }: PatientPicture): boolean {
  return deceased || removed || links.some((link) => link.startsWith('replaced-by '))
}

/**
 * Whether the source has gone back to what it said before, so far as that concerns whose records are whose. A link as
 * `seealso` or `refer` moves nothing and may stay.
 */
export function isAsBefore(before: PatientPicture, now: PatientPicture, bound: boolean): boolean {
  const merges = ({ links }: PatientPicture) => links.filter(isMerge)
  const numbers = sameTexts(nationalIn(before.identifiers), nationalIn(now.identifiers))
  return (
    sameTexts(merges(before), merges(now)) &&
    before.deceased === now.deceased &&
    before.removed === now.removed &&
    // Of whom nobody has signed in, nothing is shared under whichever number.
    (numbers || !bound)
  )
}

const MAX_LINKS = 50

/** @param base of the hospital's own FHIR server: elsewhere the same id is another person */
export function pictureOf(resource: object, base: string): PatientPicture {
  const { identifier, link, deceasedBoolean, deceasedDateTime } = resource as Record<string, unknown>
  const links = listIn(link)
    .slice(0, MAX_LINKS)
    .flatMap((one) => {
      const { type, other } = object(one)
      if (typeof type !== 'string' || type.length > 32) return []
      const reference = object(other).reference
      return [`${type} ${typeof reference === 'string' ? (patientIn(reference, base) ?? '?') : '?'}`]
    })
  return {
    identifiers: countingIdentifiers(identifier),
    links: [...new Set(links)].sort(),
    deceased: deceasedBoolean === true || typeof deceasedDateTime === 'string',
    removed: false,
  }
}

/** The version that a resource says it is. */
export function sightingOf({
  meta,
}: {
  meta?: { versionId?: string | undefined; lastUpdated?: string | undefined } | undefined
}): Sighting {
  return { versionId: meta?.versionId ?? '', lastUpdated: meta?.lastUpdated ?? '' }
}

const listIn = (x: unknown): unknown[] => (Array.isArray(x) ? x : [])
const object = (x: unknown): Record<string, unknown> =>
  typeof x === 'object' && x !== null ? (x as Record<string, unknown>) : {}

/** FHIR R4 IdentifierUse: an old number is nobody's any more, a temporary one is not yet anybody's. */
const NOT_COUNTING: ReadonlySet<unknown> = new Set(['old', 'temp'])

/** Whatever a Patient has for identifiers that count: what is no identifier is passed over. */
export function countingIdentifiers(all: unknown): Identifier[] {
  return listIn(all).flatMap((one) => {
    const { system, value, use } = object(one)
    const is = typeof system === 'string' && typeof value === 'string' && system !== '' && value !== ''
    return is && !NOT_COUNTING.has(use) ? [{ system, value }] : []
  })
}

function patientIn(reference: string, base: string): string | undefined {
  const relative = reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference
  return /^Patient\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/.exec(relative)?.[1]
}

/** What of a resource data filters look at. */
import { classCode, conceptKeys, HTEST, isConfidentiality, keyOfCoding, NORMAL } from './codings.ts'
import { readDateTime, readPeriod, type Span } from './dates.ts'
import { isObject, type JsonObject, listOf, textOf } from './read.ts'
import { keyOfReference } from './references.ts'

export type Features = {
  readonly type: string
  readonly profiles: readonly string[]
  /** Keys of `meta.security`; N where none of them is a confidentiality code. */
  readonly labels: ReadonlySet<string>
  /** Labels by which the resource is denied, but not permitted: see `raised-features.ts`. */
  readonly deniedLabels?: ReadonlySet<string>
  readonly codes: ReadonlySet<string>
  /** Absent where the resource has no date that can be read. */
  readonly date?: Span
  readonly self?: string
  /** Everything the resource points at; looked for only when asked. */
  readonly references: () => ReadonlySet<string>
  readonly authors: () => ReadonlySet<string>
}

export function featuresOf(resource: JsonObject): Features {
  const type = textOf(resource.resourceType) ?? ''
  const id = textOf(resource.id)
  const meta = isObject(resource.meta) ? resource.meta : {}
  const date = dateOf(resource)
  let references: ReadonlySet<string> | undefined
  let authors: ReadonlySet<string> | undefined
  return {
    type,
    profiles: profilesOf(meta),
    labels: labelsOf(meta),
    codes: new Set(conceptKeys(resource.code)),
    ...(date ? { date } : {}),
    ...(id === undefined ? {} : { self: `${type}/${id}` }),
    references: () => {
      references ??= referencesOf(resource)
      return references
    },
    authors: () => {
      authors ??= authorsOf(resource)
      return authors
    },
  }
}

/** Canonical URLs with and without their version. */
function profilesOf(meta: JsonObject): string[] {
  return listOf(meta.profile).flatMap((profile) => {
    const url = textOf(profile)
    if (url === undefined) return []
    const [bare = url] = url.split('|')
    return bare === url ? [classCode(url)] : [url, classCode(bare)]
  })
}

/** What `featuresOf` finds, as it can be kept as JSON beside a record. */
export type Traits = {
  readonly type: string
  readonly self?: string
  readonly profiles: readonly string[]
  readonly labels: readonly string[]
  readonly codes: readonly string[]
  readonly date?: Span
  readonly references: readonly string[]
  readonly authors: readonly string[]
}

export function traitsOf(resource: JsonObject): Traits {
  const { labels, codes, references, authors, ...rest } = featuresOf(resource)
  return {
    ...rest,
    ...{ labels: [...labels], codes: [...codes], references: [...references()], authors: [...authors()] },
  }
}

/** The resources contained in one, each with traits of its own. */
export const containedTraitsOf = (resource: JsonObject): Traits[] =>
  listOf(resource.contained).filter(isObject).map(traitsOf)

/** The features that the traits were taken from. */
export function featuresOfTraits({ labels, codes, references, authors, ...rest }: Traits): Features {
  const [pointed, written] = [new Set(references), new Set(authors)]
  return {
    ...rest,
    ...{ labels: new Set(labels), codes: new Set(codes) },
    references: () => pointed,
    authors: () => written,
  }
}

function labelsOf(meta: JsonObject): ReadonlySet<string> {
  const labels = new Set<string>()
  for (const label of listOf(meta.security)) {
    const key = keyOfCoding(label)
    if (key !== undefined && key !== HTEST) labels.add(key)
  }
  // A resource that says nothing about confidentiality is normal.
  for (const key of labels) if (isConfidentiality(key)) return labels
  return labels.add(NORMAL)
}

const CHOICES = ['effective', 'onset', 'performed', 'occurrence']

/** The first of these that the resource has decides, even where it is no date, such as an age or a timing. */
const DATES: readonly (readonly string[])[] = [
  ...CHOICES.map((name) => [`${name}DateTime`, `${name}Period`, `${name}Instant`]),
  ['period'],
  ['authoredOn'],
  ['date'],
]
const OTHER_FORMS = ['Age', 'Range', 'String', 'Timing']

function dateOf(resource: JsonObject): Span | undefined {
  for (const [index, names] of DATES.entries()) {
    for (const name of names) {
      const value = resource[name]
      if (value !== undefined) return isObject(value) ? readPeriod(value) : readDateTime(value)
    }
    const choice = CHOICES[index]
    if (choice && OTHER_FORMS.some((form) => resource[choice + form] !== undefined)) return undefined
  }
  return undefined
}

const AUTHORS = ['author', 'performer', 'asserter', 'recorder']

/** Each is a Reference, a list of them, or a list of what has an `actor` that is one. */
function authorsOf(resource: JsonObject): ReadonlySet<string> {
  const found = new Set<string>()
  for (const name of AUTHORS) {
    const value = resource[name]
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (!isObject(one)) continue
      for (const reference of [one.reference, isObject(one.actor) ? one.actor.reference : undefined]) {
        const key = keyOfReference(reference)
        if (key !== undefined) found.add(key)
      }
    }
  }
  return found
}

/** Every `reference` anywhere in the resource, its contained resources included. */
function referencesOf(resource: JsonObject): ReadonlySet<string> {
  const found = new Set<string>()
  const open: unknown[] = [resource]
  while (open.length > 0) {
    const next = open.pop()
    if (Array.isArray(next)) {
      for (const one of next) open.push(one)
    } else if (isObject(next)) {
      const key = keyOfReference(next.reference)
      if (key !== undefined) found.add(key)
      for (const value of Object.values(next)) if (typeof value === 'object') open.push(value)
    }
  }
  return found
}

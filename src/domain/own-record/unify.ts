import type { DataClass } from '../consent/data-classes.ts'
import { list, object, text } from '../loose.ts'
import { isOwnLine, type OwnEntry, ownEntry, type Resource } from './own-entry.ts'

/** What one hospital has of the patient; `source` is its place in the list of hospitals. */
export type OwnSource = { source: number; resources: readonly Resource[] }

/** Finds another resource of one hospital by a reference of that hospital. */
export type Resolver = (reference: unknown) => Resource | undefined

export function resolverOf(resources: readonly Resource[]): Resolver {
  const known = new Map(resources.map((one) => [`${one.resourceType}/${one.id}`, one]))
  return (reference) => {
    // `Type/id`, or the same at the end of an address, with or without a version.
    const [, place] =
      /(?:^|\/)([A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]+)?$/u.exec(text(reference) ?? '') ?? []
    return place === undefined ? undefined : known.get(place)
  }
}

/** All of them in one list, newest first; what has no date comes last. */
export function unify(sources: readonly OwnSource[]): OwnEntry[] {
  const entries = sources.flatMap(({ source, resources }) => {
    const resolve = resolverOf(resources)
    return resources.filter(isOwnLine).map((resource) => ownEntry(source, resource, resolve))
  })
  return entries.sort(newestFirst)
}

/** Instants in different zones compare by when they were; a day, a month or a year by its beginning. */
const timeOf = ({ date }: OwnEntry): number =>
  date === undefined ? Number.NEGATIVE_INFINITY : Date.parse(date)

function newestFirst(a: OwnEntry, b: OwnEntry): number {
  const between = timeOf(b) - timeOf(a)
  // Two without a date differ by no number.
  if (between !== 0 && !Number.isNaN(between)) return between
  return a.key < b.key ? -1 : 1
}

export type RecordFilter = { dataClass?: DataClass; source?: number; year?: string; words?: string }

export function isWanted(entry: OwnEntry, { dataClass, source, year, words }: RecordFilter): boolean {
  const searched = words?.trim().toLowerCase().split(/\s+/u).filter(Boolean) ?? []
  return (
    (dataClass === undefined || entry.dataClass === dataClass) &&
    (source === undefined || entry.source === source) &&
    (year === undefined || yearOf(entry) === year) &&
    searched.every((word) => entry.words.includes(word))
  )
}

export const yearOf = ({ date }: OwnEntry): string | undefined => date?.slice(0, 4)

/** Lines of one year, newest year first; those without a date last, under no year. */
export type YearOfRecords = { year?: string; groups: OwnEntry[][] }

/**
 * By year, and within it line by line. What two hospitals have alike stands side by side in one group, each as its hospital wrote
 * it: nobody but the two can say that it is the same.
 */
export function byYear(entries: readonly OwnEntry[]): YearOfRecords[] {
  const years: YearOfRecords[] = []
  const alike = new Map<string, OwnEntry[]>()
  for (const entry of entries) {
    const year = yearOf(entry)
    const last = years.at(-1)
    const here = last && last.year === year ? last : { ...(year === undefined ? {} : { year }), groups: [] }
    if (here !== last) years.push(here)
    const likeness = likenessOf(entry)
    const group = likeness === undefined ? undefined : alike.get(likeness)
    // A second one of the same hospital is another one.
    if (group?.every(({ source }) => source !== entry.source)) {
      group.push(entry)
      continue
    }
    const opened = [entry]
    here.groups.push(opened)
    if (likeness !== undefined) alike.set(likeness, opened)
  }
  return years
}

/** Lasts for years: that two hospitals wrote it down on different days says nothing. */
const LASTING = new Set([
  'AllergyIntolerance',
  'Condition',
  'FamilyMemberHistory',
  'MedicationStatement',
  'Device',
])

/** Elements that hold the code of what a resource is about. */
const CODED = ['code', 'vaccineCode', 'medicationCodeableConcept', 'type', 'procedureCode']

/** What two lines have in common that look alike to a person: type, code and, unless it lasts, the day. */
function likenessOf({ resource, date }: OwnEntry): string | undefined {
  const [coding] = CODED.flatMap((name) => list(resource[name]))
    .flatMap((concept) => list(object(concept).coding))
    .map(object)
    .filter(({ code }) => text(code) !== undefined)
  if (!coding) return undefined
  const what = `${resource.resourceType} ${text(coding.system) ?? ''}|${text(coding.code) ?? ''}`
  if (LASTING.has(resource.resourceType)) return what
  return date === undefined || date.length < 10 ? undefined : `${what} ${date.slice(0, 10)}`
}

/** What of a patient's data a provision is about, and whether a resource is that. */
import type { CodeableConcept, Coding, ConsentProvisionData, Period } from 'fhir/r4.js'
import { isResourceType } from '../resource-types.ts'
import {
  BELOW_NORMAL,
  type Codings,
  type Concepts,
  classCode,
  codingKey,
  copyCoding,
  HTEST,
  NORMAL,
  readCodings,
  readConcepts,
} from './codings.ts'
import { overlaps, readPeriod, type Span, within } from './dates.ts'
import type { Features } from './features.ts'
import { isObject, type JsonObject, listOf, textOf } from './read.ts'
import { keyOfReference } from './references.ts'

export type Verdict = 'permit' | 'deny'

type DataElement = {
  readonly meaning: 'instance' | 'related' | 'authoredby'
  readonly key: string
  readonly written: ConsentProvisionData
}

/** What tells one data element from another. */
export const dataKey = ({ meaning, key }: DataElement): string => `${meaning} ${key}`

/** Each kind that is named; values of one kind are alternatives, kinds must all match. */
export type DataFilter = {
  readonly securityLabel?: Codings
  readonly class?: { readonly codings: readonly Coding[]; readonly codes: ReadonlySet<string> }
  readonly code?: Concepts
  readonly dataPeriod?: Span & { readonly period: Period }
  readonly data?: readonly DataElement[]
}

export const isUnfiltered = (filter: DataFilter): boolean =>
  !filter.securityLabel && !filter.class && !filter.code && !filter.dataPeriod && !filter.data

/** instance 3; related or author 2; class, code, label or period 1; all data 0. */
export type DataLevel = 0 | 1 | 2 | 3

/** Of several data elements, the most specific for a provision that denies and the least for one that permits. */
export function dataLevel(filter: DataFilter, type: Verdict): DataLevel {
  if (filter.data && filter.data.length > 0) {
    const levels = filter.data.map(({ meaning }) => (meaning === 'instance' ? 3 : 2))
    return (type === 'deny' ? Math.max(...levels) : Math.min(...levels)) as DataLevel
  }
  return isUnfiltered(filter) ? 0 : 1
}

/**
 * Whether a provision of this type is about the resource. What cannot be told from the resource's date (none, or one
 * that lies within the period only in part) is denied where denied and not permitted where permitted.
 */
export function matchesData(filter: DataFilter, resource: Features, type: Verdict): boolean {
  const { securityLabel, class: classes, code, dataPeriod, data } = filter
  if (securityLabel && !meets(securityLabel.keys, resource.labels)) {
    const denied = type === 'deny' && meets(securityLabel.keys, resource.deniedLabels ?? [])
    if (!denied) return false
  }
  if (classes && !classes.codes.has(resource.type) && !meets(classes.codes, resource.profiles)) return false
  if (code && !meets(code.keys, resource.codes)) return false
  if (dataPeriod) {
    const { date } = resource
    if (type === 'permit' ? !date || !within(date, dataPeriod) : date && !overlaps(date, dataPeriod))
      return false
  }
  return !data || data.some((element) => isAbout(element, resource))
}

function meets(wanted: ReadonlySet<string>, there: Iterable<string>): boolean {
  for (const one of there) if (wanted.has(one)) return true
  return false
}

function isAbout({ meaning, key }: DataElement, resource: Features): boolean {
  if (meaning === 'authoredby') return resource.authors().has(key)
  return resource.self === key || (meaning === 'related' && resource.references().has(key))
}

export type ReadFilter = {
  filter: DataFilter
  defects: { path: string; reason: string }[]
  classUnknown: boolean
}

/** Reads the data filters that a provision names itself; paths are within the provision. */
export function readDataFilter(provision: JsonObject): ReadFilter {
  const defects: ReadFilter['defects'] = []
  const note = (path: string, reason: string) => defects.push({ path, reason })
  const isNamed = (name: string) => {
    if (provision[name] === undefined) return false
    if (!Array.isArray(provision[name])) note(name, 'not a list')
    return listOf(provision[name]).length > 0
  }
  const filter: { -readonly [K in keyof DataFilter]: DataFilter[K] } = {}
  let classUnknown = false
  if (isNamed('securityLabel')) {
    const { codings, keys, malformed } = readCodings(provision.securityLabel)
    for (const index of malformed) note(`securityLabel[${index}]`, 'a coding without system and code')
    filter.securityLabel = { codings, keys: labelKeys(keys) }
  }
  if (isNamed('class')) {
    const read = readClasses(provision.class)
    for (const index of read.malformed) note(`class[${index}]`, 'a coding without code')
    filter.class = read
    classUnknown = read.unknown
  }
  if (isNamed('code')) {
    const { concepts, keys, malformed } = readConcepts(provision.code)
    for (const index of malformed) note(`code[${index}]`, 'a concept without system and code')
    filter.code = { concepts, keys }
  }
  if (provision.dataPeriod !== undefined) {
    const period = readPeriod(provision.dataPeriod)
    if (period) filter.dataPeriod = period
    else note('dataPeriod', 'a malformed period')
  }
  if (isNamed('data')) {
    const elements = listOf(provision.data).map(readDataElement)
    for (const [index, element] of elements.entries())
      if (typeof element === 'string') note(`data[${index}]`, element)
    filter.data = elements.filter((element) => typeof element !== 'string')
  }
  return { filter, defects, classUnknown }
}

/** HTEST says nothing about who may see. N covers what is less confidential still, in permits and denials alike. */
function labelKeys(named: ReadonlySet<string>): ReadonlySet<string> {
  const keys = new Set(named)
  keys.delete(HTEST)
  if (keys.has(NORMAL))
    for (const { system = '', code = '' } of BELOW_NORMAL) keys.add(codingKey(system, code))
  return keys
}

function readClasses(value: unknown) {
  const malformed: number[] = []
  const codings: Coding[] = []
  const codes = new Set<string>()
  let unknown = false
  for (const [index, coding] of listOf(value).entries()) {
    const text = isObject(coding) ? textOf(coding.code) : undefined
    if (text === undefined) {
      malformed.push(index)
      continue
    }
    const code = classCode(text)
    // A profile is a URL or URN; what is neither that nor a type of R4, such as a kind of document, is not looked for.
    if (!isResourceType(code) && !code.includes(':')) unknown = true
    codings.push(copyCoding(coding as JsonObject))
    codes.add(code)
  }
  return { codings, codes, malformed, unknown }
}

/** R4 says of `dependents` what is meant here by `related`: the object and whatever refers to it. */
const MEANINGS = new Map<unknown, DataElement['meaning']>([
  ['instance', 'instance'],
  ['related', 'related'],
  ['dependents', 'related'],
  ['authoredby', 'authoredby'],
])

const DATA_ELEMENTS: ReadonlySet<string> = new Set(['id', 'extension', 'meaning', '_meaning', 'reference'])

function readDataElement(value: unknown): DataElement | string {
  if (!isObject(value)) return 'not an object'
  if (listOf(value.modifierExtension).length > 0) return 'a modifier extension that is not known'
  for (const name of Object.keys(value)) {
    if (!DATA_ELEMENTS.has(name) && name !== 'modifierExtension') return 'no element of R4'
  }
  const meaning = MEANINGS.get(value.meaning)
  if (!meaning) return 'an unknown meaning'
  const reference = isObject(value.reference) ? value.reference : undefined
  const key = keyOfReference(reference?.reference)
  if (!reference || key === undefined) return 'data that no literal reference names'
  const written = { meaning, reference: { reference: key } }
  return { meaning, key, written }
}

/** The filter as an entry of a residual; a denial of N names what is below it as well, so that it can be read in one way. */
export function writeFilter(filter: DataFilter, type: Verdict) {
  const { securityLabel, class: classes, code, dataPeriod, data } = filter
  return {
    ...(securityLabel ? { securityLabel: writeLabels(securityLabel, type) } : {}),
    ...(dataPeriod ? { dataPeriod: dataPeriod.period } : {}),
    ...(data ? { data: data.map(({ written }) => written) } : {}),
    ...(classes ? { class: [...classes.codings] } : {}),
    ...(code ? { code: [...code.concepts] as CodeableConcept[] } : {}),
  }
}

function writeLabels({ codings, keys }: Codings, type: Verdict): Coding[] {
  if (type === 'permit' || !keys.has(NORMAL)) return [...codings]
  const named = new Set(codings.map(({ code }) => code))
  return [...codings, ...BELOW_NORMAL.filter(({ code }) => !named.has(code))]
}

/** Finds the patient in an answer: by which ids, identifiers and URNs it is meant there. */
import { isObject, type JsonObject, listOf, textOf } from '../fhir/read.ts'
import type { Item } from './collect.ts'
import { readIdentifier } from './identifiers.ts'
import { type AboutPatient, type KnownPatient, whoseIdentifiers } from './patient.ts'
import { keyOfTarget, type Place, readTarget } from './targets.ts'

type PatientItem = Item & { readonly read: { readonly kind: 'resource'; readonly resource: JsonObject } }

/**
 * Everything by which the answer may mean the patient. Where a Patient of the id that was asked for has another person's
 * number, or several have the number that was asked for, nothing means the patient, and nothing is released.
 */
export function recognisePatient(
  { reference, identifiers: asked }: AboutPatient,
  items: readonly Item[],
  home: string | undefined,
): { known: KnownPatient; isPatient: (item: Item) => boolean } {
  const place: Place = home === undefined ? {} : { home }
  const identifiers = new Map<string, Set<string>>()
  const learn = (value: unknown) => {
    const read = readIdentifier(value)
    if (!read) return
    const values = identifiers.get(read.system) ?? new Set()
    identifiers.set(read.system, values.add(read.value))
  }
  for (const identifier of asked) learn(identifier)

  const patients = items.filter(isPatientItem)
  const own = reference === undefined ? undefined : keyOfTarget(readTarget(reference), place)
  const ours = new Set<string>()
  const recognised = new Set<Item>()
  const typeOfUrn = urnsOf(items)
  const whose = (item: PatientItem) => whoseIdentifiers(item.read.resource, { identifiers })
  const nameOf = (item: PatientItem) => item.keys[0] ?? ''
  const found = new Set(
    own === undefined ? patients.filter((item) => whose(item) === 'ours').map(nameOf) : [own],
  )
  const meant = patients.filter((item) => found.has(nameOf(item)) && isHere(item))
  const isDoubtful = found.size > 1 || meant.some((item) => whose(item) === 'other')
  if (!isDoubtful) {
    for (const key of found) ours.add(key)
    for (const { read } of meant) for (const value of listOf(read.resource.identifier)) learn(value)
    for (const item of patients) {
      // A copy in a document from elsewhere may bear the same id and be another person: its number tells.
      const isOne = isHere(item) ? found.has(nameOf(item)) : whose(item) === 'ours'
      if (!isOne) continue
      recognised.add(item)
      for (const key of item.keys) if (!isUrn(key) || typeOfUrn(key) !== undefined) ours.add(key)
    }
  }
  return { known: { place, keys: ours, identifiers, typeOfUrn }, isPatient: (item) => recognised.has(item) }
}

const isPatientItem = (item: Item): item is PatientItem =>
  item.read.kind === 'resource' && item.read.resource.resourceType === 'Patient' && item.keys.length > 0

/** In what the server itself says, or under an address: not under a URN in a Bundle that somebody made elsewhere. */
const isHere = ({ depth, keys }: PatientItem): boolean => depth <= 1 || !keys.some(isUrn)

const isUrn = (key: string): boolean => key.startsWith('urn:')

/** A URN that stands for two resources stands for none. */
function urnsOf(items: readonly Item[]): (urn: string) => string | undefined {
  const types = new Map<string, { type: string | undefined; name: string | undefined }>()
  for (const { keys, read } of items) {
    const urn = keys.find(isUrn)
    if (urn === undefined || read.kind !== 'resource') continue
    const name = keys.find((key) => !isUrn(key))
    const type = textOf(read.resource.resourceType)
    const before = types.get(urn)
    const isSame = !before || (before.type === type && before.name === name && name !== undefined)
    types.set(urn, isSame ? { type, name } : { type: undefined, name: undefined })
  }
  return (urn) => types.get(urn)?.type
}

/** The base of the patient's reference; else the one that all addresses of the outermost Bundle have. */
export function recogniseHome({ reference }: AboutPatient, answer: unknown): string | undefined {
  const target = reference === undefined ? undefined : readTarget(reference)
  if (target?.kind === 'literal' && target.base !== undefined) return target.base
  const bases = new Set<string>()
  for (const entry of isObject(answer) ? listOf(answer.entry) : []) {
    const url = readTarget((isObject(entry) ? textOf(entry.fullUrl) : undefined) ?? '')
    if (url.kind === 'literal' && url.base !== undefined) bases.add(url.base)
  }
  return bases.size === 1 ? [...bases][0] : undefined
}

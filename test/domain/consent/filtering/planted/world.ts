/** One drawn hospital: who the patient is and how it may be meant, what is permitted, and resources to fill Bundles with. */
import { BASE, BSN } from '../answers.ts'
import { at, COMPARTMENT } from './compartment.ts'
import { createDraw, type Draw } from './draw.ts'

export type Json = { [element: string]: unknown }

/** An entry to be: its resource, and what is to be done to its text. */
export type Entry = {
  resource?: Json
  isIncluded?: boolean
  fullUrl?: string
  request?: Json
  response?: Json
  spoil?: (text: string) => string
}

/** Entries that belong together, and the strings by which each of their resources is known again. */
export type Group = { entries: Entry[]; canaries: string[] }

/** A resource and the string by which it is known again. */
export type Made = { resource: Json; canary: string }

export const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'
const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality'
export const ELSEWHERE = 'https://elsewhere.example/fhir'
/** Whatever a patient may have kept back. */
export const sensitive = { security: [{ system: ACT_CODE, code: 'HIV' }] }
export const normal = { security: [{ system: CONFIDENTIALITY, code: 'N' }] }

/** Denied by class in every drawn consent. */
export const DENIED_CLASS = 'AllergyIntolerance'
/** Free text by nature: restricted unless somebody says N. */
const FREE_TEXT = ['Composition', 'Media']
/** Genetics by its type. */
const SENSITIVE = 'MolecularSequence'

export const TYPES = [...COMPARTMENT.keys()].filter((type) => type !== DENIED_CLASS && type !== SENSITIVE)
const STRUCTURES = ['List', 'Composition', 'DiagnosticReport', 'Provenance', 'Observation', 'Encounter']

export type World = ReturnType<typeof createWorld>

/** One way to fill a Bundle. */
export type Kind = (world: World) => Group

export function createWorld(seed: number) {
  const draw: Draw = createDraw(seed)
  const scope = draw.chance(0.5)
    ? [...new Set([...STRUCTURES, 'Specimen', 'Patient', ...draw.shuffled(TYPES).slice(0, 30)])]
    : undefined
  const permitted = TYPES.filter((type) => scope?.includes(type) ?? true)
  const type = draw.one(['searchset', 'searchset', 'history', 'collection', 'batch-response', 'transaction'])
  /** The consent permits what is N, rather than denying what is not. */
  const permitsNormal = draw.chance(0.3)
  const knowsNumber = draw.chance(0.6)
  const number = `9999${draw.below(100_000)}`
  /** The Patient in the answer, if it is there, has this URN. */
  const patientUrn = draw.chance(0.4) ? draw.uuid() : undefined
  const asList = () => draw.chance(0.5)

  const marked = (resourceType: string, more: Json = {}): Made => {
    const canary = draw.canary()
    const resource: Json = {
      resourceType,
      id: canary,
      ...(FREE_TEXT.includes(resourceType) ? { meta: normal } : {}),
      extension: [{ url: 'urn:x', valueString: canary }],
      ...more,
    }
    return { resource, canary }
  }

  /** A Reference that means the patient. */
  const ours = (): Json => {
    const forms: Json[] = [
      { reference: 'Patient/p' },
      { reference: `Patient/p/_history/${draw.below(9)}` },
      { reference: `${BASE}/Patient/p` },
      { reference: 'Patient/p', type: 'Patient' },
    ]
    if (knowsNumber) {
      forms.push({ identifier: { system: BSN, value: number } })
      forms.push({ type: 'Patient', identifier: { system: BSN, value: number } })
      forms.push({ reference: `Patient?identifier=${encodeURIComponent(`${BSN}|${number}`)}` })
      forms.push({ reference: 'Patient/p', identifier: { system: BSN, value: number } })
    }
    if (patientUrn !== undefined) forms.push({ reference: patientUrn })
    return draw.one(forms)
  }

  /** A record of a type, about whoever the value means, by the path that comes first or by one that is drawn. */
  const record = (resourceType: string, about: unknown, more: Json = {}) => {
    const [path = ''] = COMPARTMENT.get(resourceType) ?? []
    return marked(resourceType, { ...at(path, about, asList), ...more })
  }

  const good = (resourceType = draw.one(permitted), more: Json = {}) => record(resourceType, ours(), more)

  return {
    draw,
    scope,
    permitsNormal,
    permitted,
    type,
    knowsNumber,
    number,
    patientUrn,
    asList,
    marked,
    ours,
    record,
    good,
  }
}

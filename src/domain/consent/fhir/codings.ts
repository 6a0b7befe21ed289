/** Codings, compared by system and code and by nothing else. */
import type { CodeableConcept, Coding } from 'fhir/r4.js'
import { PURPOSE_SYSTEM } from '../purposes.ts'
import { isResourceType } from '../resource-types.ts'
import { CONFIDENTIALITY_SYSTEM } from '../sensitivities.ts'
import { isObject, type JsonObject, listOf, textOf } from './read.ts'

/** System and code as one string; neither can hold a line break in valid FHIR, so that no two pairs meet. */
export const codingKey = (system: string, code: string): string => `${system}\n${code}`

/** The key of a Coding; undefined where system or code is missing, since it then says nothing that can be compared. */
export function keyOfCoding(value: unknown): string | undefined {
  if (!isObject(value)) return undefined
  const system = textOf(value.system)
  const code = textOf(value.code)
  return system === undefined || code === undefined ? undefined : codingKey(system, code)
}

const CODING_FIELDS = ['system', 'version', 'code', 'display'] as const

/** A Coding as it goes into answers: without extensions, which may hold anything. */
export function copyCoding(value: JsonObject): Coding {
  const fields = CODING_FIELDS.map((name) => [name, value[name]] as const)
  return Object.fromEntries(fields.filter(([, field]) => typeof field === 'string'))
}

export type Codings = { readonly codings: readonly Coding[]; readonly keys: ReadonlySet<string> }

/** An array of Coding; `malformed` counts the places at which there is none that can be compared. */
export function readCodings(value: unknown): Codings & { malformed: number[] } {
  const malformed: number[] = []
  const codings: Coding[] = []
  const keys = new Set<string>()
  for (const [index, coding] of listOf(value).entries()) {
    const key = keyOfCoding(coding)
    if (key === undefined) malformed.push(index)
    else {
      codings.push(copyCoding(coding as JsonObject))
      keys.add(key)
    }
  }
  return { codings, keys, malformed }
}

export type Concepts = { readonly concepts: readonly CodeableConcept[]; readonly keys: ReadonlySet<string> }

const textIn = (concept: unknown) =>
  isObject(concept) && typeof concept.text === 'string' ? { text: concept.text } : {}

/** An array of CodeableConcept; one without any coding, or with one that cannot be compared, is malformed. */
export function readConcepts(value: unknown): Concepts & { malformed: number[] } {
  const malformed: number[] = []
  const concepts: CodeableConcept[] = []
  const keys = new Set<string>()
  for (const [index, concept] of listOf(value).entries()) {
    const read = isObject(concept) ? readCodings(concept.coding) : undefined
    if (!read || read.codings.length === 0 || read.malformed.length > 0) malformed.push(index)
    else concepts.push({ coding: [...read.codings], ...textIn(concept) })
    for (const key of read?.keys ?? []) keys.add(key)
  }
  return { concepts, keys, malformed }
}

/** Every key in a CodeableConcept or an array of them; what is malformed has none. */
export function conceptKeys(value: unknown): string[] {
  const concepts = Array.isArray(value) ? value : [value]
  return concepts.flatMap((concept) =>
    isObject(concept) ? listOf(concept.coding).flatMap((coding) => keyOfCoding(coding) ?? []) : [],
  )
}

export const isConfidentiality = (key: string): boolean => key.startsWith(`${CONFIDENTIALITY_SYSTEM}\n`)

export const NORMAL = codingKey(CONFIDENTIALITY_SYSTEM, 'N')

/** Less confidential than normal: covered wherever N is named. */
export const BELOW_NORMAL: readonly Coding[] = ['U', 'L', 'M'].map((code) => ({
  system: CONFIDENTIALITY_SYSTEM,
  code,
}))

/** Marks a resource as test data; as a label it says nothing about who may see. */
export const HTEST = codingKey(PURPOSE_SYSTEM, 'HTEST')

const CORE_PROFILE = 'http://hl7.org/fhir/StructureDefinition/'

/** The type that a class code stands for, or the profile: the profile of a type that FHIR itself defines is the type. */
export function classCode(code: string): string {
  const type = code.startsWith(CORE_PROFILE) ? code.slice(CORE_PROFILE.length) : ''
  return isResourceType(type) ? type : code
}

import type { Hex } from '../hex.ts'
import { patientOf } from '../records/compartment-members.ts'

type Resource = { readonly resourceType: string; readonly id: string } & Readonly<Record<string, unknown>>

/** One verified record as it goes into an answer that merges the records of several hospitals. */
export type MergedRecord = {
  /** The copy: its id is the record id, so that `Binary/ID` gives the bytes that were verified. */
  resource: Resource
  fullUrl: string
  tag: Hex
  commitment: Hex
}

/**
 * Where a merged resource comes from, in `meta.source` and in a Provenance: the member, and the tag under which the
 * version stands on the chain.
 */
export const sourceUri = (member: Hex, tag: Hex): string => `urn:wayleave:member:${member}#${tag}`

export const urnOf = (uuid: string): string => `urn:uuid:${uuid}`

/** What a custodian's own names mean in the answer: `Type/id` there, and the fullUrl here. */
export type Names = ReadonlyMap<string, string>

/**
 * A copy of another hospital's record for an answer in which records of several hospitals stand side by side: `Condition/7`
 * of two of them is two records. Its references to records that are in the answer follow, and so does the one to its
 * patient; any other relative reference would name something at the reader, so that only whose it was is kept of it, as
 * an identifier (FHIR R4 §2.3.0.3).
 * @param names what of the same custodian is in the answer
 * @param patientUrl the fullUrl of the Patient of the answer
 */
export function copyOfForeign(
  resource: Resource,
  of: { recordId: string; member: Hex; tag: Hex; names: Names; patientUrl: string },
): Resource {
  const patient = patientOf(resource)
  const resolve = (reference: string): string | undefined => {
    const local = LOCAL.exec(reference)?.[1]
    if (local === undefined) return reference
    return local === `Patient/${patient}` ? of.patientUrl : of.names.get(local)
  }
  const copy = rewrite(resource, resolve, of.member) as Resource
  return { ...withSource(copy, sourceUri(of.member, of.tag)), id: of.recordId }
}

/** The same resource with where it comes from; no commitment covers `meta.source`. */
export function withSource(resource: Resource, source: string): Resource {
  const { meta } = resource
  const kept = typeof meta === 'object' && meta !== null && !Array.isArray(meta) ? meta : {}
  return { ...resource, meta: { ...kept, source } }
}

const LOCAL = /^([A-Z][A-Za-z]{2,40}\/[A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/

function rewrite(value: unknown, resolve: (reference: string) => string | undefined, member: Hex): unknown {
  if (Array.isArray(value)) return value.map((item) => rewrite(item, resolve, member))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, item]) => [key, rewrite(item, resolve, member)] as const)
  const copy = Object.fromEntries(entries) as Record<string, unknown>
  const { reference } = copy
  if (typeof reference !== 'string') return copy
  const here = resolve(reference)
  if (here !== undefined) return { ...copy, reference: here }
  const { reference: _there, ...rest } = copy
  const identifier = { system: 'urn:ietf:rfc:3986', value: `urn:wayleave:member:${member}:${reference}` }
  return { type: reference.split('/')[0], identifier, ...rest }
}

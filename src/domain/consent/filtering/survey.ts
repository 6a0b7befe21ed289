/** One look at every element of a resource: what it points at, how it is labelled, and whether it is well-formed. */
import { isObject, type JsonObject } from '../fhir/read.ts'
import { isResourceType } from '../resource-types.ts'
import { decoded } from './identifiers.ts'
import { readTarget, type Target } from './targets.ts'

export type Survey = {
  /** Every Reference in it, contained resources included. */
  readonly references: readonly JsonObject[]
  /** What its strings point at, of whatever element: references, attachments, canonicals, links in a narrative. */
  readonly targets: readonly Target[]
  /** `meta.security` of it and of contained resources, and labels of parts of it (DS4P), as they stand there. */
  readonly security: readonly unknown[]
  readonly contained: readonly JsonObject[]
  /** What is wrong with it; then the rest may be incomplete. */
  readonly malformed?: string
}

const ID = /^[A-Za-z0-9\-.]{1,64}$/
const INLINE_LABEL =
  'http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label'
const HREF = /(?:href|src)\s*=\s*["']([^"']+)["']/gi

export const isId = (value: unknown): value is string => typeof value === 'string' && ID.test(value)

export function surveyResource(resource: JsonObject): Survey {
  const references: JsonObject[] = []
  const addresses = new Set<string>()
  const targets: Target[] = []
  const security: unknown[] = []
  const contained: JsonObject[] = []
  const found = { references, targets, security, contained }
  const wrong = headOf(resource) ?? readContained(resource.contained, contained)
  if (wrong) return { ...found, malformed: wrong }
  const resources = new Set<unknown>([resource, ...contained])
  const open: unknown[] = [resource]
  while (open.length > 0) {
    const node = open.pop()
    if (Array.isArray(node)) {
      for (const one of node) {
        if (typeof one === 'string') note(one, addresses)
        else if (typeof one === 'object' && one !== null) open.push(one)
      }
      continue
    }
    if (!isObject(node)) continue
    if (Object.getPrototypeOf(node) !== Object.prototype) return { ...found, malformed: 'no plain object' }
    const isWhole = resources.has(node)
    // A resource where none belongs would be judged as a part of this one.
    if (!isWhole && node.resourceType !== undefined)
      return { ...found, malformed: 'a resource in an element' }
    if (isWhole) labelsOf(node, security)
    if (node.url === INLINE_LABEL) security.push(node.valueCoding)
    if (isReference(node, isWhole)) references.push(node)
    for (const key of Object.keys(node)) {
      const value = node[key]
      if (key === '__proto__') return { ...found, malformed: 'a key __proto__' }
      if (typeof value === 'string') {
        if (key === 'div') for (const [, link = ''] of value.matchAll(HREF)) addresses.add(link)
        // The name of a code system or of a register of numbers points at nothing.
        else if (key !== 'system') note(value, addresses)
      } else if (typeof value === 'object' && value !== null) {
        open.push(value)
      } else if (key === 'reference' && value !== undefined)
        return { ...found, malformed: 'a reference that is none' }
    }
  }
  for (const address of addresses) {
    const target = readTarget(bare(address))
    if (target.kind !== 'unknown') targets.push(target)
  }
  return found
}

function headOf({ resourceType, id, meta }: JsonObject): string | undefined {
  if (!isResourceType(resourceType)) return 'no type of R4'
  if (id !== undefined && !isId(id)) return 'no id'
  return meta === undefined || isObject(meta) ? undefined : 'no meta'
}

/** Contained resources have an id of their own and contain none (R4 dom-2, dom-3). */
function readContained(value: unknown, contained: JsonObject[]): string | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value)) return 'contained is no list'
  for (const one of value) {
    if (!isObject(one) || !isId(one.id) || one.contained !== undefined) return 'no contained resource'
    const wrong = headOf(one)
    if (wrong) return `contained: ${wrong}`
    contained.push(one)
  }
  return undefined
}

function labelsOf({ meta }: JsonObject, security: unknown[]): void {
  if (!isObject(meta) || meta.security === undefined) return
  if (Array.isArray(meta.security)) for (const label of meta.security) security.push(label)
  else security.push(meta.security)
}

/** By its `reference`, or by an `identifier` that is one and not a list, which no resource but a few has. */
const isReference = (node: JsonObject, isWhole: boolean): boolean =>
  typeof node.reference === 'string' || (!isWhole && isObject(node.identifier))

function note(text: string, addresses: Set<string>): void {
  if (text.includes('/') || text.startsWith('urn:') || text.includes('%2F')) addresses.add(text)
}

/** Of a fragment, or of one version of a canonical, what it is of. */
function bare(address: string): string {
  const text = decoded(address)
  return text.includes('#') || text.includes('|') ? text.replace(/(?<=.)[#|].*$/s, '') : text
}

import { isResourceType } from '../../domain/consent/resource-types.ts'
import { isObject } from './json.ts'

/** `id` in FHIR R4 §2.24.0.1. */
export const isId = (value: unknown): value is string =>
  typeof value === 'string' && /^[A-Za-z0-9\-.]{1,64}$/.test(value)

/**
 * `Type/id` for a literal reference to a resource of this server, whether relative, absolute under `base`, or to one
 * version of it; any other reference as it is (FHIR R4 §2.3.0.1).
 */
export function localReference(reference: string, base: string): string {
  const relative = reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference
  const [type, id, history, version, ...more] = relative.split('/')
  const versioned = history === '_history' && isId(version) && more.length === 0
  const plain = history === undefined
  return isResourceType(type) && isId(id) && (versioned || plain) ? `${type}/${id}` : reference
}

/** True for `Type?query`: a conditional reference (FHIR R4 §3.1.0.11.2). */
export function isConditionalReference(reference: string): boolean {
  const mark = reference.indexOf('?')
  return mark > 0 && isResourceType(reference.slice(0, mark))
}

/** Every string under the name `reference`, wherever it stands. */
export function referencesIn(value: unknown, found: Set<string> = new Set()): Set<string> {
  if (Array.isArray(value)) for (const item of value) referencesIn(item, found)
  else if (isObject(value)) {
    for (const [name, item] of Object.entries(value)) {
      if (name === 'reference' && typeof item === 'string') found.add(item)
      else referencesIn(item, found)
    }
  }
  return found
}

/**
 * A copy with the names used inside a transaction replaced (FHIR R4 §3.1.0.11.2): every `reference` that is a key of
 * `names`, every other string that is one beginning with `urn:`, and such keys within a narrative.
 */
export function replaceReferences<T>(value: T, names: ReadonlyMap<string, string>): T {
  if (names.size === 0) return value
  const replace = (item: unknown, name: string): unknown => {
    if (typeof item === 'string') return replaceText(item, name, names)
    if (Array.isArray(item)) return item.map((one) => replace(one, name))
    if (!isObject(item)) return item
    return Object.fromEntries(Object.entries(item).map(([key, one]) => [key, replace(one, key)]))
  }
  return replace(value, '') as T
}

function replaceText(text: string, name: string, names: ReadonlyMap<string, string>): string {
  const whole = names.get(text)
  if (whole !== undefined && (name === 'reference' || text.startsWith('urn:'))) return whole
  if (name !== 'div' || !text.includes('urn:')) return text
  return text.replace(/urn:(?:uuid|oid):[0-9A-Za-z\-.]+/g, (urn) => names.get(urn) ?? urn)
}

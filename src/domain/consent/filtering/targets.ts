/** What the text of a reference points at (R4 §2.3.0), and one name for each thing however it is pointed at. */
import { isResourceType } from '../resource-types.ts'

export type Target =
  | { readonly kind: 'literal'; readonly base?: string; readonly type: string; readonly id: string }
  | { readonly kind: 'conditional'; readonly type: string; readonly query: string }
  | { readonly kind: 'contained'; readonly id: string }
  | { readonly kind: 'urn'; readonly urn: string }
  /** Words, an address that is no FHIR address, or something malformed: it may point at anything. */
  | { readonly kind: 'unknown' }

const LITERAL =
  /^(?:(https?:\/\/[^\s?#]+?)\/)?([A-Z][A-Za-z]{1,60})\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/
const CONDITIONAL = /^(?:https?:\/\/[^\s?#]+?\/)?([A-Z][A-Za-z]{1,60})\?([^\s#]+)$/

/** Longer than any address that a server gives. */
const MAX_LENGTH = 2_048

const UNKNOWN: Target = { kind: 'unknown' }

/** A version of a resource is that resource. */
export function readTarget(text: string): Target {
  if (text.length > MAX_LENGTH) return UNKNOWN
  if (text.startsWith('#')) return { kind: 'contained', id: text.slice(1) }
  if (text.startsWith('urn:')) return { kind: 'urn', urn: text }
  const [, base, type, id] = LITERAL.exec(text) ?? []
  if (type !== undefined && id !== undefined && isResourceType(type))
    return { kind: 'literal', ...(base === undefined ? {} : { base }), type, id }
  const [, searched, query] = CONDITIONAL.exec(text) ?? []
  if (searched !== undefined && query !== undefined && isResourceType(searched))
    return { kind: 'conditional', type: searched, query }
  return UNKNOWN
}

/** Where a relative reference leads: under the address of the entry that it stands in (R4 §2.36.4.1). */
export type Place = {
  /** The base of the server that answered, without a trailing slash; absent where nobody knows it. */
  readonly home?: string
  /** The base of the entry's `fullUrl`, where it is not home. */
  readonly under?: string
}

/**
 * One name for each resource: `Type/id` for what is on the server that answered, the whole address for what is
 * elsewhere, the URN for what has one. Undefined where a target has no such name.
 */
export function keyOfTarget(target: Target, { home, under }: Place): string | undefined {
  if (target.kind === 'urn') return target.urn
  if (target.kind !== 'literal') return undefined
  const base = target.base ?? under
  const local = `${target.type}/${target.id}`
  return base === undefined || base === home ? local : `${base}/${local}`
}

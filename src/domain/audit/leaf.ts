/**
 * What of an entry stands under the root of its window. An entry about an exchange between two members is hashed in two parts,
 * each with a salt of its own: the other member may be shown the part that it knows as well, and proof that it was anchored,
 * and learns nothing of the rest (a person's name, the consent, an id).
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import canonicalize from 'canonicalize'
import { type Hex, toHex } from '../hex.ts'
import type { AuditEntry } from './audit-entry.ts'

const SHARED_KINDS = ['intent', 'disclosure', 'receipt'] as const
export type SharedKind = (typeof SHARED_KINDS)[number]

/** What both members know of one line about their exchange. */
export type SharedPart = {
  /** The exchange's random name. */
  readonly exchange: string
  readonly kind: SharedKind
  /** FHIR instant, by the clock of whose log it is. */
  readonly recorded: string
  /** Member ids. */
  readonly custodian: string
  readonly requester: string
  readonly purpose?: string
  /** The record's id between the two; absent for a search. */
  readonly record?: string
  /** SHA-256 of what went over, hex; absent for an intent and for a search. */
  readonly bytes?: string
}

/** A line as the other member is shown it: `leaf = shownLeaf(line)`. */
export type ShownLine = { readonly shared: SharedPart; readonly salt: Hex; readonly rest: Hex }

const isShared = (kind: string): kind is SharedKind => (SHARED_KINDS as readonly string[]).includes(kind)

/** Undefined for an entry that is about no exchange of two members. */
function sharedPart(entry: AuditEntry): SharedPart | undefined {
  const { kind, exchange, recorded, custodian, requester, purpose, record } = entry
  if (!isShared(kind) || !exchange || !custodian || !requester) return undefined
  return {
    ...{ exchange, kind, recorded, custodian: custodian.id, requester: requester.id },
    ...(purpose === undefined ? {} : { purpose }),
    ...(record === undefined ? {} : { record: record.id }),
    ...(record?.hash === undefined ? {} : { bytes: record.hash }),
  }
}

const hash = (salt: Uint8Array, value: unknown): Hex =>
  toHex(keccak_256(Buffer.concat([salt, Buffer.from(canonicalize(value) ?? '')])))

const saltFor = (salt: Uint8Array, part: 'shared' | 'rest'): Uint8Array =>
  keccak_256(Buffer.concat([salt, Buffer.from(`wayleave/leaf/${part}`)]))

/** What the other member is shown of an entry; undefined where it is about no exchange. */
export function showLine(salt: Uint8Array, entry: AuditEntry): ShownLine | undefined {
  const shared = sharedPart(entry)
  if (!shared) return undefined
  return { shared, salt: toHex(saltFor(salt, 'shared')), rest: hash(saltFor(salt, 'rest'), entry) }
}

/** The leaf of a shown line: keccak256 of its salt and of the RFC 8785 form of both parts. */
export function shownLeaf({ shared, salt, rest }: ShownLine): Hex {
  return hash(Buffer.from(salt.slice(2), 'hex'), { rest, shared })
}

/** The leaf of an entry, salted, so that none can be guessed at. */
export function leafOf(salt: Uint8Array, entry: AuditEntry): Hex {
  const shown = showLine(salt, entry)
  return shown ? shownLeaf(shown) : hash(salt, entry)
}

/** What its leaf can be: entries from before the two parts were hashed whole. */
export const leavesOf = (salt: Uint8Array, entry: AuditEntry): readonly Hex[] => [
  leafOf(salt, entry),
  hash(salt, entry),
]

/** Whether this is the entry's leaf. */
export const isLeafOf = (leaf: Hex, salt: Uint8Array, entry: AuditEntry): boolean =>
  leavesOf(salt, entry).includes(leaf)

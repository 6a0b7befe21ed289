import type { Hex } from '../../hex.ts'
import type { AuditEntry } from '../audit-entry.ts'

/** An entry as the books keep it. */
export type KeptEntry = {
  seq: number
  /** Instant beside the sealed body. */
  at: string
  leaf: Hex
  /** Undefined once salt and body were deleted at the end of their retention. */
  body: { salt: Uint8Array; entry: AuditEntry } | 'unreadable' | undefined
}

/** A window as the books keep it; times in seconds. */
export type KeptWindow = {
  number: number
  from: number
  until: number
  root: Hex
  padding: Hex
  entries: KeptEntry[]
}

/** A window as the chain has it; `at` is its block's time, all in seconds. */
export type Anchor = { number: number; from: number; until: number; root: Hex; at: number }

/** How far clocks and commits may be apart before it is a finding. Milliseconds. */
export const LOG_BOUNDS = {
  /** A transaction that took long commits an entry into the window after the one of its time. */
  lateCommit: 60_000,
  /** Entries of several connections are numbered in almost the order of their times. */
  order: 10_000,
  /** I4: an entry is anchored within this, or nothing is released. */
  anchorWithin: 60_000,
  /** The chain's clock and the broker's. */
  clocks: 15_000,
}

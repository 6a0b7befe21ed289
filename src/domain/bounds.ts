/** How much another server may answer, and how long it may take: until its headers, between two pieces, and in all. */
export type Bounds = { maxBytes: number; headersMs: number; bodyMs: number; totalMs: number }

/** A record with its attachments passes; what hangs or drips does not hold a request for ever. */
export const DEFAULT_BOUNDS: Bounds = {
  maxBytes: 64 * 1024 * 1024,
  headersMs: 15_000,
  bodyMs: 15_000,
  totalMs: 60_000,
}

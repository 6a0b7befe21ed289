import { wayleaveError } from '../errors.ts'
import { type Hex, isHex } from '../hex.ts'
import type { ReasonCode } from './reasons.ts'

/** Why somebody at a custodian may find out whose handle it is. One list, closed. */
export const RESOLUTION_REASONS = [
  'asked-by-patient',
  'asked-by-court',
  'asked-by-authority',
  'misuse-inquiry',
  'books-inquiry',
] as const satisfies readonly ReasonCode[]

export type ResolutionReason = (typeof RESOLUTION_REASONS)[number]

export type ResolutionRequest = { handle: Hex; reason: ResolutionReason; note: string }

/** `identifier`: `system|value`. */
export type LookUpRequest = { identifier: string; reason: ResolutionReason; note: string }

const isReason = (x: unknown): x is ResolutionReason => (RESOLUTION_REASONS as readonly unknown[]).includes(x)

const SHORTEST = 10
const LONGEST = 200
/** A case number passes; a date of birth, a telephone number and every national identifier are longer. */
const MOST_DIGITS = 7

/**
 * Reads a request to resolve a handle. The words that go with the reason are kept where more people read than may know the
 * patient: so they may hold no number or address of a person, as far as that shows in the words themselves. A name cannot be told.
 * What is checked never depends on the handle, so that no answer says that words and handle belong together.
 *
 * @throws WayleaveError `request-invalid` where it names no handle, `resolution-reason`
 */
export function readResolutionRequest(body: unknown): ResolutionRequest {
  const { handle, reason, note, ...rest } = (body ?? {}) as Record<string, unknown>
  const lower = typeof handle === 'string' ? handle.toLowerCase() : handle
  if (!isHex(lower, 32) || Object.keys(rest).length > 0) throw wayleaveError('request-invalid', 'handle')
  return { handle: lower, ...whyIn(reason, note) }
}

/**
 * Reads a request to look somebody up by an identifier, under the same rules.
 *
 * @throws WayleaveError `request-invalid` where it names no identifier, `resolution-reason`
 */
export function readLookUpRequest(body: unknown): LookUpRequest {
  const { identifier, reason, note, ...rest } = (body ?? {}) as Record<string, unknown>
  if (typeof identifier !== 'string' || identifier.length > LONGEST || Object.keys(rest).length > 0)
    throw wayleaveError('request-invalid', 'identifier')
  return { identifier, ...whyIn(reason, note) }
}

function whyIn(reason: unknown, note: unknown): Pick<ResolutionRequest, 'reason' | 'note'> {
  if (!isReason(reason)) throw wayleaveError('resolution-reason', 'no reason of the list')
  if (typeof note !== 'string' || !note.isWellFormed()) throw wayleaveError('resolution-reason', 'no words')
  const words = note.normalize('NFKC').trim()
  if (words.length < SHORTEST || words.length > LONGEST || /\p{Cc}/u.test(words) || !/\p{L}{3}/u.test(words))
    throw wayleaveError('resolution-reason', 'too few or too many words')
  if (mayIdentify(words)) throw wayleaveError('resolution-reason', 'the words may identify somebody')
  return { reason, note: words }
}

/** Digits in a row, with what people write between them; addresses; long random names, as ids and handles are. */
function mayIdentify(words: string): boolean {
  const digits = words.match(/\p{Nd}(?:[\s.,/\\()+_-]{0,3}\p{Nd})*/gu) ?? []
  if (digits.some((run) => run.replaceAll(/\P{Nd}/gu, '').length > MOST_DIGITS)) return true
  return /@|https?:|urn:|[A-Za-z]+\/[\w-]+|[0-9a-f-]{16,}/iu.test(words)
}

import { createHash } from 'node:crypto'
import type { JSONWebKeySet, JWK } from 'jose'
import type { ProvenLine } from '../domain/audit/reconcile/pair.ts'
import { WayleaveError, wayleaveError } from '../domain/errors.ts'
import { type Hex, isHex } from '../domain/hex.ts'
import { openMessage, sealMessage } from './sealed-message.ts'

/** Where a page of evidence ended: a window, and how many of its lines were shown. */
export type EvidencePlace = { window: number; shown: number }

/** Which lines about the exchanges of two members are asked for. Times in milliseconds. */
export type EvidencePeriod = { since: number; until: number; after?: EvidencePlace }

/** What one member asks another: to show what its log says of their exchanges. Signed by `from`, sealed to `to`. */
export type EvidenceRequest = EvidencePeriod & { from: Hex; to: Hex; at: number }

/**
 * A page of what a member's log says of its exchanges with another one, each line with the way to the anchored root. Signed by
 * `member`, sealed to whoever is to read it.
 */
export type Evidence = EvidencePeriod & {
  member: Hex
  peer: Hex
  lines: ProvenLine[]
  /** Where the next page begins; absent on the last one. */
  next?: EvidencePlace
  /** Seconds. */
  at: number
  /** SHA-256 of the request that this answers; absent in a file for an auditor. */
  answers?: Hex
}

export const MOST_LINES = 200
/** A page may hold a little more than it asks for, never a lot. */
const MOST_READ = 1_000
/** How old a request may be, either way: the clocks of two members. Seconds. */
const FRESH = 300

const REQUEST = 'wayleave-evidence-request+jws'
const EVIDENCE = 'wayleave-evidence+jws'

type Signing = { key: CryptoKey; kid: string }
type KeysOf = (member: Hex) => Promise<JSONWebKeySet | undefined>

export const requestDigest = (jwe: string): Hex => `0x${createHash('sha256').update(jwe).digest('hex')}`

export const sealEvidenceRequest = (request: EvidenceRequest, signing: Signing, to: JWK): Promise<string> =>
  sealMessage(REQUEST, request, signing, to)

export const sealEvidence = (evidence: Evidence, signing: Signing, to: JWK): Promise<string> =>
  sealMessage(EVIDENCE, evidence, signing, to)

/**
 * @throws WayleaveError `evidence-invalid` when it is not sealed to us, not signed by who asks, not for us, or old; `not-ready`
 * where nothing is known of the sender yet
 */
export async function openEvidenceRequest(
  jwe: string,
  own: { member: Hex; key: CryptoKey; now: number },
  keysOf: KeysOf,
): Promise<EvidenceRequest> {
  return orInvalid(async () => {
    const opened = await openMessage(REQUEST, jwe, own.key, ({ from }) => from, keysOf)
    const { from, to, at } = opened as Partial<EvidenceRequest>
    if (!isHex(from, 32) || to !== own.member || from === own.member) throw new Error('for another member')
    if (!Number.isSafeInteger(at) || Math.abs(Number(at) - own.now / 1000) > FRESH)
      throw new Error('not fresh')
    return { ...periodIn(opened), from, to, at: Number(at) }
  })
}

/**
 * @param from whose evidence it has to be, about exchanges with whom, in answer to what
 * @throws WayleaveError `evidence-invalid` where it is anything else; `not-ready`
 */
export async function openEvidence(
  jwe: string,
  key: CryptoKey,
  keysOf: KeysOf,
  expected: { member?: Hex; peer?: Hex; answers?: Hex } = {},
): Promise<Evidence> {
  return orInvalid(async () => {
    const opened = await openMessage(EVIDENCE, jwe, key, ({ member }) => member, keysOf)
    const { member, peer, lines, next, at, answers } = opened as Partial<Evidence>
    if (!isHex(member, 32) || !isHex(peer, 32) || !Number.isSafeInteger(at)) throw new Error('no evidence')
    if (!Array.isArray(lines) || lines.length > MOST_READ || !lines.every(isLine))
      throw new Error('no evidence')
    const said = { member, peer, answers }
    for (const [name, value] of Object.entries(expected))
      if (said[name as keyof typeof said] !== value) throw new Error(`another ${name}`)
    return {
      ...periodIn(opened),
      ...{ member, peer, lines: lines as ProvenLine[], at: Number(at) },
      ...(next === undefined ? {} : { next: placeIn(next) }),
      ...(answers === undefined ? {} : { answers }),
    }
  })
}

async function orInvalid<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof WayleaveError) throw cause
    throw wayleaveError('evidence-invalid', cause instanceof Error ? cause.name : 'no error', cause)
  }
}

const isCount = (x: unknown): x is number => Number.isSafeInteger(x) && Number(x) >= 0

function placeIn(place: unknown): EvidencePlace {
  const { window, shown } = (place ?? {}) as Partial<EvidencePlace>
  if (!isCount(window) || !isCount(shown)) throw new Error('no place')
  return { window, shown }
}

export function periodIn(said: Record<string, unknown>): EvidencePeriod {
  const { since, until, after } = said as Partial<EvidencePeriod>
  if (!isCount(since) || !isCount(until)) throw new Error('no period')
  return { since, until, ...(after === undefined ? {} : { after: placeIn(after) }) }
}

const isText = (x: unknown, most = 200): boolean => typeof x === 'string' && x.length <= most
const isOptionalText = (x: unknown) => x === undefined || isText(x)

function isLine(line: Partial<ProvenLine> | null): boolean {
  const { shared, salt, rest, window, path } = line ?? {}
  return (
    isHex(salt, 32) &&
    isHex(rest, 32) &&
    isCount(window) &&
    Array.isArray(path) &&
    path.length <= 64 &&
    path.every((one) => isHex(one, 32)) &&
    typeof shared === 'object' &&
    ['intent', 'disclosure', 'receipt'].includes(shared.kind) &&
    isText(shared.exchange) &&
    isText(shared.recorded, 40) &&
    !Number.isNaN(Date.parse(shared.recorded)) &&
    isHex(shared.custodian, 32) &&
    isHex(shared.requester, 32) &&
    [shared.purpose, shared.record, shared.bytes].every(isOptionalText)
  )
}

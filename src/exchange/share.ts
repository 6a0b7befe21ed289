import type { JSONWebKeySet, JWK } from 'jose'
import type { Scope } from '../domain/consent/scope.ts'
import { WayleaveError, wayleaveError } from '../domain/errors.ts'
import type { Hex } from '../domain/hex.ts'
import type { Identifier } from '../domain/identity/national-ids.ts'
import { openMessage, sealMessage } from './sealed-message.ts'

/**
 * What a custodian sends to a grantee when a consent takes effect, changes or ends (design §5). It holds neither handle,
 * nor salt, nor hash: with any of them the grantee could find the calldata and there whom else the patient trusts.
 */
export type Share = {
  /** Random, one for each grantee and scope; a later share with a higher sequence replaces an earlier one. */
  reference: string
  sequence: number
  custodian: Hex
  grantee: Hex
  /** True when nothing is shared any more; then everything below is empty. */
  ended: boolean
  identifiers: Identifier[]
  scope: Scope
  terms: { dataClasses: string[]; sensitivities: string[] }
  fromDay: number
  untilDay: number
  /**
   * Where the grantee finds what there is: on the chain, with the keys below, or by asking the custodian, where the consent
   * is about single records and no compartment is open in full (design §5).
   */
  listing: 'chain' | 'custodian'
  /** The keys of the compartments that the consent opens in full, of every pointer key's number; base64url. */
  compartments: { name: string; keyNumber: number; key: string }[]
}

const isText = (x: unknown): x is string => typeof x === 'string' && x.length <= 512
const isTexts = (x: unknown, max: number): boolean => Array.isArray(x) && x.length <= max && x.every(isText)

/** A custodian's slip, or malice, must not spoil what the others shared: what is kept has the form that is read later. */
function isShare(x: Share): boolean {
  const {
    reference,
    sequence,
    custodian,
    ended,
    identifiers,
    scope,
    terms,
    fromDay,
    untilDay,
    listing,
    compartments,
  } = x
  const numbers = [sequence, fromDay, untilDay].every((n) => Number.isSafeInteger(n) && n >= 0)
  const texts = [reference, custodian, scope?.granteeType, scope?.grantee, scope?.purpose].every(isText)
  if (!numbers || !texts || typeof ended !== 'boolean') return false
  if (listing !== 'chain' && listing !== 'custodian') return false
  if (!isTexts(terms?.dataClasses, 64) || !isTexts(terms.sensitivities, 64)) return false
  if (
    !Array.isArray(identifiers) ||
    identifiers.length > 64 ||
    !identifiers.every((i) => isText(i?.system) && isText(i.value))
  )
    return false
  const isKey = (key: unknown) => isText(key) && Buffer.from(key, 'base64url').length === 32
  return (
    Array.isArray(compartments) &&
    compartments.length <= 10_000 &&
    compartments.every((c) => isText(c?.name) && Number.isSafeInteger(c.keyNumber) && isKey(c.key))
  )
}

const TYP = 'wayleave-share+jws'

/** Signs and seals a share to its grantee; see `sealMessage`. */
export function sealShare(
  share: Share,
  signing: { key: CryptoKey; kid: string },
  recipient: JWK,
): Promise<string> {
  return sealMessage(TYP, share, signing, recipient)
}

/**
 * @throws WayleaveError `share-invalid` when it is not sealed to us, not signed by its custodian, or not for us;
 * `not-ready` where nothing is known of the custodian, or of its key, yet: then it is sent again.
 */
export async function openShare(
  jwe: string,
  own: { member: Hex; key: CryptoKey },
  keysOf: (member: Hex) => Promise<JSONWebKeySet | undefined>,
): Promise<Share> {
  try {
    const opened = await openMessage(TYP, jwe, own.key, ({ custodian }) => custodian, keysOf)
    const share = opened as unknown as Share
    if (!isShare(share)) throw new Error('not a share')
    if (share.grantee !== own.member) throw new Error('a share for another member')
    return share
  } catch (cause) {
    if (cause instanceof WayleaveError) throw cause
    throw wayleaveError('share-invalid', cause instanceof Error ? cause.name : 'no error', cause)
  }
}

import type { JSONWebKeySet, JWK } from 'jose'
import { WayleaveError, wayleaveError } from '../domain/errors.ts'
import { type Hex, isHex } from '../domain/hex.ts'
import { openMessage, sealMessage } from './sealed-message.ts'

/**
 * One exchange that came, whole and verified: its random name, which is the `jti` of the DPoP proof and which the custodian's
 * signature over its answer names, and the SHA-256 of the bytes.
 */
export type ReceivedExchange = { exchange: string; bytes: Hex }

/** What a requester says of exchanges with one custodian. Signed by it, sealed to the custodian. */
export type ExchangeReceipt = {
  custodian: Hex
  requester: Hex
  exchanges: ReceivedExchange[]
  /** Seconds. */
  at: number
}

/** As many as one message holds within the size that a broker takes. */
export const MAX_IN_RECEIPT = 500

const TYP = 'wayleave-receipt+jws'

export function sealReceipt(
  receipt: ExchangeReceipt,
  signing: { key: CryptoKey; kid: string },
  custodian: JWK,
): Promise<string> {
  return sealMessage(TYP, receipt, signing, custodian)
}

/**
 * @throws WayleaveError `receipt-invalid` when it is not sealed to us, not signed by its requester, or not for us; `not-ready`
 * where nothing is known of the sender, or of its key, yet: then it is sent again.
 */
export async function openReceipt(
  jwe: string,
  own: { member: Hex; key: CryptoKey },
  keysOf: (member: Hex) => Promise<JSONWebKeySet | undefined>,
): Promise<ExchangeReceipt> {
  try {
    const opened = await openMessage(TYP, jwe, own.key, ({ requester }) => requester, keysOf)
    const { custodian, requester, exchanges, at } = opened as Partial<ExchangeReceipt>
    if (!isHex(requester, 32) || !Number.isSafeInteger(at) || !Array.isArray(exchanges))
      throw new Error('no receipt')
    if (exchanges.length > MAX_IN_RECEIPT || !exchanges.every(isExchange)) throw new Error('no receipt')
    if (custodian !== own.member) throw new Error('a receipt for another member')
    return { custodian, requester, exchanges, at: Number(at) }
  } catch (cause) {
    if (cause instanceof WayleaveError) throw cause
    throw wayleaveError('receipt-invalid', cause instanceof Error ? cause.name : 'no error', cause)
  }
}

const isExchange = (x: Partial<ReceivedExchange> | null): boolean =>
  typeof x?.exchange === 'string' && x.exchange.length <= 128 && isHex(x.bytes, 32)

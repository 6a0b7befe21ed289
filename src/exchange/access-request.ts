import type { JSONWebKeySet, JWK } from 'jose'
import { type AccessRequest, isAccessRequest } from '../domain/consent/access-request.ts'
import { WayleaveError, wayleaveError } from '../domain/errors.ts'
import type { Hex } from '../domain/hex.ts'
import { openMessage, sealMessage } from './sealed-message.ts'

const TYP = 'wayleave-request+jws'

/** Signs a request for access and seals it to the custodian, the only one who learns whom it concerns (I6). */
export function sealAccessRequest(
  request: AccessRequest,
  signing: { key: CryptoKey; kid: string },
  custodian: JWK,
): Promise<string> {
  return sealMessage(TYP, request, signing, custodian)
}

/**
 * @throws WayleaveError `access-request-invalid` when it is not sealed to us, not signed by whoever asks, or not for us;
 * `not-ready` where nothing is known of the sender, or of its key, yet: then it is sent again.
 */
export async function openAccessRequest(
  jwe: string,
  own: { member: Hex; key: CryptoKey },
  keysOf: (member: Hex) => Promise<JSONWebKeySet | undefined>,
): Promise<AccessRequest> {
  try {
    const request = await openMessage(TYP, jwe, own.key, ({ requester }) => requester, keysOf)
    if (!isAccessRequest(request)) throw new Error('not a request')
    if (request.custodian !== own.member) throw new Error('a request to another member')
    return request
  } catch (cause) {
    if (cause instanceof WayleaveError) throw cause
    throw wayleaveError('access-request-invalid', cause instanceof Error ? cause.name : 'no error', cause)
  }
}

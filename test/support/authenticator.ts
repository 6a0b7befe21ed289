import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isoCBOR } from '@simplewebauthn/server/helpers'

const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest()
const base64url = (data: Uint8Array | string) => Buffer.from(data).toString('base64url')

type Asked = { challenge: string; user?: { id: string } }

/** What a browser would be wrong about, for one ceremony. */
export type Wrong = {
  origin?: string
  rpId?: string
  challenge?: string
  verified?: boolean
  userHandle?: string
}

/**
 * An authenticator that holds one passkey (WebAuthn Level 3, ES256, no attestation), without a browser around it: so that a test
 * says what a browser would never let a page say.
 */
export function createAuthenticator(origin: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const credential = randomBytes(32)
  let userHandle = ''
  let counter = 0

  const clientData = (type: string, { challenge }: Asked, wrong: Wrong) =>
    Buffer.from(
      JSON.stringify({
        type,
        challenge: wrong.challenge ?? challenge,
        origin: wrong.origin ?? origin,
        crossOrigin: false,
      }),
    )

  function authData(wrong: Wrong, attested: Uint8Array = new Uint8Array()): Buffer {
    const count = Buffer.alloc(4)
    count.writeUInt32BE(counter)
    // User present, user verified, attested credential data (§6.1).
    const flags = 0x01 | ((wrong.verified ?? true) ? 0x04 : 0) | (attested.length > 0 ? 0x40 : 0)
    const rpId = sha256(wrong.rpId ?? new URL(origin).hostname)
    return Buffer.concat([rpId, Buffer.from([flags]), count, attested])
  }

  return {
    /** How often it has been used, as it says itself. */
    count(to: number) {
      counter = to
    },

    make(options: Asked, wrong: Wrong = {}) {
      userHandle = options.user?.id ?? ''
      const key = isoCBOR.encode(
        new Map<number, number | Uint8Array>([
          ...([
            [1, 2],
            [3, -7],
            [-1, 1],
          ] as const),
          [-2, new Uint8Array(Buffer.from(x, 'base64url'))],
          [-3, new Uint8Array(Buffer.from(y, 'base64url'))],
        ]),
      )
      const length = Buffer.from([0, credential.length])
      const attested = Buffer.concat([Buffer.alloc(16), length, credential, key])
      const attestationObject = isoCBOR.encode(
        new Map<string, unknown>([
          ['fmt', 'none'],
          ['attStmt', new Map()],
          ['authData', new Uint8Array(authData(wrong, attested))],
        ]) as never,
      )
      const id = base64url(credential)
      return {
        ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {} },
        response: {
          clientDataJSON: base64url(clientData('webauthn.create', options, wrong)),
          attestationObject: base64url(attestationObject),
        },
      }
    },

    use(options: Asked, wrong: Wrong = {}) {
      counter++
      const data = clientData('webauthn.get', options, wrong)
      const authenticatorData = authData(wrong)
      const id = base64url(credential)
      return {
        ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {} },
        response: {
          clientDataJSON: base64url(data),
          authenticatorData: base64url(authenticatorData),
          signature: base64url(sign('sha256', Buffer.concat([authenticatorData, sha256(data)]), privateKey)),
          userHandle: wrong.userHandle ?? userHandle,
        },
      }
    },
  }
}

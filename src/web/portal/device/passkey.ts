import { bufferToBase64URLString } from '@simplewebauthn/browser'

/** Why a passkey could not be made or used. */
export type PasskeyTrouble =
  /** This browser has none, or the page is not where one may be used. */
  | 'unsupported'
  /** Cancelled, timed out, or the person was not verified. */
  | 'not-allowed'
  /** The device has this passkey already. */
  | 'exists'
  /** It exists, but yields no secret to seal with (WebAuthn PRF extension). */
  | 'without-prf'

export class PasskeyRefused extends Error {
  override readonly name = 'PasskeyRefused'
  readonly trouble: PasskeyTrouble

  constructor(trouble: PasskeyTrouble, cause?: unknown) {
    super(trouble, { cause })
    this.trouble = trouble
  }
}

/** A passkey that this device has used, and what its secret is asked for with. */
export type Passkey = { credentialId: Uint8Array<ArrayBuffer>; prfInput: Uint8Array<ArrayBuffer> }

const TIMEOUT = 120_000

/**
 * Makes a discoverable passkey (WebAuthn Level 3) and yields its PRF secret, 32 bytes. No server checks the attestation: the
 * passkey proves nothing to anybody, it only unseals what lies on this device.
 * @throws PasskeyRefused
 */
export async function createPasskey(
  label: string,
  known: readonly Passkey[],
): Promise<{
  passkey: Passkey
  secret: Uint8Array<ArrayBuffer>
}> {
  const prfInput = crypto.getRandomValues(new Uint8Array(32))
  const made = await ceremony(() =>
    navigator.credentials.create({
      publicKey: {
        rp: { id: location.hostname, name: 'Wayleave' },
        user: { id: crypto.getRandomValues(new Uint8Array(16)), name: label, displayName: label },
        challenge: crypto.getRandomValues(new Uint8Array(32)),
        // ES256, EdDSA and RS256 of the IANA COSE registry: every authenticator knows one of them.
        pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: 'public-key', alg })),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        excludeCredentials: known.map(({ credentialId }) => ({ type: 'public-key', id: credentialId })),
        timeout: TIMEOUT,
        extensions: { prf: { eval: { first: prfInput } } },
      },
    }),
  )
  const passkey = { credentialId: new Uint8Array(made.rawId), prfInput }
  const { prf } = made.getClientExtensionResults()
  const secret = secretIn(prf?.results?.first)
  if (secret) return { passkey, secret }
  if (!prf?.enabled) throw new PasskeyRefused('without-prf')
  // Some authenticators yield it only when the passkey is used.
  return { passkey, secret: (await askPasskey([passkey])).secret }
}

/** Asks for any of these passkeys, and yields which was used and its secret. @throws PasskeyRefused */
export async function askPasskey(
  known: readonly Passkey[],
): Promise<{ passkey: Passkey; secret: Uint8Array<ArrayBuffer> }> {
  const used = await ceremony(() =>
    navigator.credentials.get({
      publicKey: {
        rpId: location.hostname,
        challenge: crypto.getRandomValues(new Uint8Array(32)),
        userVerification: 'required',
        allowCredentials: known.map(({ credentialId }) => ({ type: 'public-key', id: credentialId })),
        timeout: TIMEOUT,
        extensions: {
          prf: {
            evalByCredential: Object.fromEntries(
              known.map(({ credentialId, prfInput }) => [
                bufferToBase64URLString(credentialId.buffer),
                { first: prfInput },
              ]),
            ),
          },
        },
      },
    }),
  )
  const id = new Uint8Array(used.rawId)
  const passkey = known.find(({ credentialId }) => isSame(credentialId, id))
  const secret = secretIn(used.getClientExtensionResults().prf?.results?.first)
  if (!passkey || !secret) throw new PasskeyRefused('without-prf')
  return { passkey, secret }
}

async function ceremony(run: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  if (typeof PublicKeyCredential === 'undefined') throw new PasskeyRefused('unsupported')
  try {
    const credential = await run()
    if (!(credential instanceof PublicKeyCredential)) throw new PasskeyRefused('unsupported')
    return credential
  } catch (error) {
    throw error instanceof DOMException ? new PasskeyRefused(troubleOf(error), error) : error
  }
}

function troubleOf({ name }: DOMException): PasskeyTrouble {
  if (name === 'InvalidStateError') return 'exists'
  return name === 'NotAllowedError' || name === 'AbortError' ? 'not-allowed' : 'unsupported'
}

function secretIn(result: BufferSource | undefined): Uint8Array<ArrayBuffer> | undefined {
  if (!result) return undefined
  const bytes = result instanceof ArrayBuffer ? result : result.buffer
  return new Uint8Array(bytes as ArrayBuffer)
}

const isSame = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i])

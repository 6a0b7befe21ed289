import { bufferToBase64URLString } from '@simplewebauthn/browser'

/** Why a passkey could not be made or used. */
export type PasskeyTrouble =
  /** This browser has none. */
  | 'unsupported'
  /** Not the portal's own address: a passkey belongs to one (WebAuthn Level 3 §5.1.3). */
  | 'wrong-place'
  /** Cancelled, timed out, the person was not verified, or there is no such passkey: browsers do not tell which. */
  | 'not-allowed'
  /** The device has this passkey already. */
  | 'exists'
  /** It exists, but yields no secret to seal with (WebAuthn PRF extension). */
  | 'without-prf'
  /** A security key that has no room for words, or holds none of ours. */
  | 'carries-nothing'

export class PasskeyRefused extends Error {
  override readonly name = 'PasskeyRefused'
  readonly trouble: PasskeyTrouble

  constructor(trouble: PasskeyTrouble, cause?: unknown) {
    super(trouble, { cause })
    this.trouble = trouble
  }
}

type Bytes = Uint8Array<ArrayBuffer>

/** A passkey that this device has used, and what its secret is asked for with. */
export type Passkey = { credentialId: Bytes; prfInput: Bytes }
export type Opened = { passkey: Passkey; secret: Bytes }

/** Where a new passkey is to lie: in this device, or in something that is held to it. */
export type PasskeyPlace = 'here' | 'elsewhere'

const TIMEOUT = 120_000

/** What a security key that carries words is asked with: one for all, since whoever plugs it in knows nothing but this. */
const CARRIED_INPUT = new TextEncoder().encode('wayleave/portal/carried/1') as Bytes

/** Whether passkeys can be had at this address at all: there are none for an address without a name. */
export function isPasskeyPlace(): boolean {
  return window.isSecureContext && !/^[\d.]+$|:/.test(location.hostname)
}

/**
 * Makes a discoverable passkey (WebAuthn Level 3) and yields its PRF secret, 32 bytes. No server checks the attestation: the
 * passkey proves nothing to anybody, it only unseals what lies on this device.
 * @param wish.carries whether it shall carry the sealed words itself ({@link carry}), to be opened on devices that know nothing
 * @throws PasskeyRefused; a passkey that cannot seal is taken back, where the browser can
 */
export async function createPasskey(
  label: string,
  known: readonly Passkey[],
  wish: { place?: PasskeyPlace; carries?: boolean } = {},
): Promise<Opened & { hasRoom: boolean }> {
  const prfInput = wish.carries ? CARRIED_INPUT : crypto.getRandomValues(new Uint8Array(32))
  const made = await ceremony(() =>
    navigator.credentials.create({
      publicKey: {
        rp: { id: location.hostname, name: 'Wayleave' },
        user: { id: crypto.getRandomValues(new Uint8Array(16)), name: label, displayName: label },
        challenge: crypto.getRandomValues(new Uint8Array(32)),
        // ES256, EdDSA and RS256 of the IANA COSE registry: every authenticator knows one of them.
        pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: 'public-key', alg })),
        authenticatorSelection: {
          ...{ residentKey: 'required', userVerification: 'required' },
          ...(wish.place
            ? { authenticatorAttachment: wish.place === 'here' ? 'platform' : 'cross-platform' }
            : {}),
        },
        excludeCredentials: known.map(({ credentialId }) => ({ type: 'public-key', id: credentialId })),
        timeout: TIMEOUT,
        extensions: {
          prf: { eval: { first: prfInput } },
          ...(wish.carries ? { largeBlob: { support: 'preferred' } } : {}),
        },
      },
    }),
  )
  const passkey = { credentialId: new Uint8Array(made.rawId), prfInput }
  const { prf, largeBlob } = made.getClientExtensionResults()
  const hasRoom = largeBlob?.supported === true
  const secret = secretIn(prf?.results?.first)
  if (secret) return { passkey, secret, hasRoom }
  if (!prf?.enabled) {
    await takeBack(passkey)
    throw new PasskeyRefused('without-prf')
  }
  // Some authenticators yield it only when the passkey is used.
  return { passkey, secret: (await askPasskey([passkey])).secret, hasRoom }
}

/** Asks for any of these passkeys, and yields which was used and its secret. @throws PasskeyRefused */
export async function askPasskey(known: readonly Passkey[]): Promise<Opened> {
  const evalByCredential = Object.fromEntries(
    known.map(({ credentialId, prfInput }) => [
      bufferToBase64URLString(credentialId.buffer),
      { first: prfInput },
    ]),
  )
  const used = await ask(
    known.map(({ credentialId }) => credentialId),
    { prf: { evalByCredential } },
  )
  const id = new Uint8Array(used.rawId)
  const passkey = known.find(({ credentialId }) => isSame(credentialId, id))
  const secret = secretIn(used.getClientExtensionResults().prf?.results?.first)
  if (!passkey || !secret) throw new PasskeyRefused('without-prf')
  return { passkey, secret }
}

/** Writes sealed words into the key itself (WebAuthn large blob extension). @throws PasskeyRefused `carries-nothing` */
export async function carry({ credentialId }: Passkey, sealed: string): Promise<void> {
  const used = await ask([credentialId], { largeBlob: { write: new TextEncoder().encode(sealed) } })
  if (!used.getClientExtensionResults().largeBlob?.written) throw new PasskeyRefused('carries-nothing')
}

/** Asks for any security key that carries words, on a device that knows none. @throws PasskeyRefused */
export async function askCarrier(): Promise<{ sealed: string; secret: Bytes }> {
  const used = await ask([], { prf: { eval: { first: CARRIED_INPUT } }, largeBlob: { read: true } })
  const { prf, largeBlob } = used.getClientExtensionResults()
  const secret = secretIn(prf?.results?.first)
  if (!secret) throw new PasskeyRefused('without-prf')
  if (!largeBlob?.blob) throw new PasskeyRefused('carries-nothing')
  return { sealed: new TextDecoder().decode(largeBlob.blob), secret }
}

/** Tells the authenticator that nobody wants this passkey (WebAuthn Level 3 §5.1.10.1), where it can be told. */
export async function takeBack({ credentialId }: Passkey): Promise<void> {
  const signals = PublicKeyCredential as unknown as {
    signalUnknownCredential?: (gone: { rpId: string; credentialId: string }) => Promise<void>
  }
  const gone = { rpId: location.hostname, credentialId: bufferToBase64URLString(credentialId.buffer) }
  await signals.signalUnknownCredential?.(gone).catch(() => undefined)
}

function ask(
  ids: readonly Bytes[],
  extensions: AuthenticationExtensionsClientInputs,
): Promise<PublicKeyCredential> {
  return ceremony(() =>
    navigator.credentials.get({
      publicKey: {
        rpId: location.hostname,
        challenge: crypto.getRandomValues(new Uint8Array(32)),
        userVerification: 'required',
        allowCredentials: ids.map((id) => ({ type: 'public-key', id })),
        timeout: TIMEOUT,
        extensions,
      },
    }),
  )
}

async function ceremony(run: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  if (!isPasskeyPlace()) throw new PasskeyRefused('wrong-place')
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
  if (name === 'SecurityError') return 'wrong-place'
  return name === 'NotAllowedError' || name === 'AbortError' ? 'not-allowed' : 'unsupported'
}

function secretIn(result: BufferSource | undefined): Bytes | undefined {
  if (!result) return undefined
  const bytes = result instanceof ArrayBuffer ? result : result.buffer
  return new Uint8Array(bytes as ArrayBuffer)
}

const isSame = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i])

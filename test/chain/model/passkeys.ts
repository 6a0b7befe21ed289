import { createHash } from 'node:crypto'
import { p256 } from '@noble/curves/nist.js'
import type { Hex } from '../../../src/domain/hex.ts'
import { type Key, keyOf, type Signed } from './keys.ts'
import { refuse } from './outcome.ts'
import type { Random } from './world.ts'

/** All that an authenticator and a browser put into an assertion (WebAuthn Level 2, sections 5.8.1 and 6.1). */
export type Assertion = {
  rpIdHash: Hex
  flags: number
  counter: number
  /** What follows in the authenticator data; negative where bytes are missing. */
  extraBytes: number
  clientData: 'get' | 'create' | 'reordered' | 'padded challenge' | 'empty'
  challenge: Hex
  typeIndex: number
  challengeIndex: number
  /** How all of it is laid out in bytes. */
  layout: 'flat' | 'struct' | 'cut'
}

const ORDER = p256.Point.Fn.ORDER
const DATA_BYTES = 37
const TYPE_INDEX = 1
const CHALLENGE_INDEX = 23
const [PRESENT_AND_VERIFIED, BACKUP, BACKED_UP_ONLY] = [0x05, 0x18, 0x10]

const bytes = (hex: string) => Buffer.from(hex.startsWith('0x') ? hex.slice(2) : hex, 'hex')
const sha256 = (...parts: Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
const word = (value: number | bigint) => value.toString(16).padStart(64, '0')
const padded = (of: Uint8Array) => {
  const hex = Buffer.from(of).toString('hex')
  return word(of.length) + hex.padEnd(64 * Math.ceil(of.length / 32), '0')
}

function clientDataOf({ clientData, challenge }: Assertion): string {
  const said = bytes(challenge).toString('base64url') + (clientData === 'padded challenge' ? '=' : '')
  const origin = '"origin":"https://wayleave.example","crossOrigin":false'
  if (clientData === 'empty') return '{}'
  if (clientData === 'reordered') return `{"challenge":"${said}","type":"webauthn.get",${origin}}`
  return `{"type":"webauthn.${clientData === 'create' ? 'create' : 'get'}","challenge":"${said}",${origin}}`
}

function authenticatorDataOf({ rpIdHash, flags, counter, extraBytes }: Assertion): Uint8Array {
  const fixed = Buffer.concat([bytes(rpIdHash), Buffer.from([flags]), bytes(word(counter).slice(-8))])
  return extraBytes < 0
    ? fixed.subarray(0, extraBytes)
    : Buffer.concat([fixed, Buffer.alloc(extraBytes, 0xa0)])
}

/** `abi.encode(r, s, challengeIndex, typeIndex, authenticatorData, clientDataJSON)`, flat unless it should not be. */
function laidOut(r: bigint, s: bigint, a: Assertion, data: Uint8Array, clientData: string): Hex {
  const [first, second] = [padded(data), padded(Buffer.from(clientData))]
  const offsets = [word(192), word(192 + first.length / 2)]
  const flat = [word(r), word(s), word(a.challengeIndex), word(a.typeIndex), ...offsets, first, second].join(
    '',
  )
  if (a.layout === 'struct') return `0x${word(32)}${flat}`
  return a.layout === 'cut' ? `0x${flat.slice(0, -128)}` : `0x${flat}`
}

/**
 * A passkey, deterministic (RFC 6979), s in the lower half.
 *
 * @param verifier the contract that the signer names
 */
export function createPasskey(args: { verifier: string; secret: Hex; relyingParty: string }): Key {
  const secret = bytes(args.secret)
  const point = Buffer.from(p256.getPublicKey(secret, false).slice(1)).toString('hex')
  const rpIdHash: Hex = `0x${sha256(Buffer.from(args.relyingParty)).toString('hex')}`
  const signer: Hex = `0x${args.verifier.slice(2).toLowerCase()}${point}${rpIdHash.slice(2)}`

  const asked = (challenge: Hex): Assertion => ({
    ...{ rpIdHash, flags: PRESENT_AND_VERIFIED, counter: 0, extraBytes: 0, clientData: 'get', challenge },
    ...{ typeIndex: TYPE_INDEX, challengeIndex: CHALLENGE_INDEX, layout: 'flat' },
  })
  /** @param turned makes of r and s what is sent */
  function assert(assertion: Assertion, turned?: (r: bigint, s: bigint) => [r: bigint, s: bigint]): Signed {
    const [data, clientData] = [authenticatorDataOf(assertion), clientDataOf(assertion)]
    const signed = sha256(data, sha256(Buffer.from(clientData)))
    const made = Buffer.from(p256.sign(signed, secret, { prehash: false, lowS: true }))
    const [r, s] = [made.subarray(0, 32), made.subarray(32)].map((part) =>
      BigInt(`0x${part.toString('hex')}`),
    )
    const [sentR, sentS] = turned ? turned(r ?? 0n, s ?? 0n) : [r ?? 0n, s ?? 0n]
    return {
      ...{ signer, by: signer, over: assertion.challenge, wellFormed: turned === undefined, assertion },
      bytes: laidOut(sentR, sentS, assertion, data, clientData),
    }
  }

  return keyOf(signer, {
    sign: (digest) => assert(asked(digest)),
    spoil(random, digest) {
      // Of two faults the contract names the one that it comes to first.
      const faults = random.one([0, 1, 1, 1, 2])
      let assertion = asked(digest)
      for (let i = 0; i < faults; i++) assertion = spoilt(random, assertion)
      return assert(assertion, faults === 0 || random.chance(10) ? turn(random) : undefined)
    },
  })
}

/** One thing about an assertion that is as no authenticator of ours makes it; a few are good all the same. */
function spoilt({ one, below }: Random, a: Assertion): Assertion {
  const faults: (() => Partial<Assertion>)[] = [
    () => ({ rpIdHash: one<Hex>([`0x${'00'.repeat(32)}`, a.challenge]) }),
    () => ({ flags: one([0x00, 0x01, 0x04, 0x15, 0x0d, 0x1d, 0x85, below(256)]) }),
    () => ({ counter: one([1, 2 ** 32 - 1, 1 + below(2 ** 31)]) }),
    () => ({ extraBytes: one([-1, -5, -37, 1, 40]) }),
    () => ({ clientData: one(['create', 'reordered', 'padded challenge', 'empty']) }),
    () => ({ challenge: `0x${a.challenge.slice(4)}${a.challenge.slice(2, 4)}` }),
    () => ({ typeIndex: one([0, 2, 23, 2 ** 32]) }),
    () => ({ challengeIndex: one([0, 22, 24, 2 ** 32]) }),
    // With any other index the offset of a struct may point at something by chance.
    () => ({ layout: 'struct', typeIndex: TYPE_INDEX }),
    () => ({ layout: 'cut' }),
  ]
  return a.layout === 'struct' ? a : { ...a, ...one(faults)() }
}

/** A signature that is none: s in the upper half, or no number of the curve's order. */
function turn({ one }: Random) {
  return one<(r: bigint, s: bigint) => [bigint, bigint]>([
    (r, s) => [r, ORDER - s],
    (r, s) => [r, ORDER - s],
    (_, s) => [0n, s],
    (r) => [r, 0n],
    (_, s) => [ORDER, s],
    (r, s) => [r ^ 1n, s],
  ])
}

/** What contracts/patients/PasskeyVerifier.sol should name, in its order; whether the signature is the key's is left. */
export function requireAssertion({ signer, bytes: sent, assertion: a }: Signed, digest: Hex): void {
  if (a?.layout !== 'flat') refuse('PasskeyEncodingInvalid', sent.length / 2 - 1)
  const length = DATA_BYTES + a.extraBytes
  if (length < DATA_BYTES) refuse('PasskeyDataTooShort', length)
  const expected = `0x${signer.slice(-64)}`
  if (a.rpIdHash !== expected) refuse('PasskeyRelyingPartyMismatch', a.rpIdHash, expected)
  const flags = `0x${a.flags.toString(16).padStart(2, '0')}`
  if ((a.flags & PRESENT_AND_VERIFIED) !== PRESENT_AND_VERIFIED) refuse('PasskeyUserNotVerified', flags)
  if ((a.flags & BACKUP) === BACKED_UP_ONLY) refuse('PasskeyFlagsInvalid', flags)
  if (a.counter !== 0) refuse('PasskeyCounterNotZero', a.counter)
  if (a.typeIndex !== TYPE_INDEX) refuse('PasskeyTypeInvalid', a.typeIndex, TYPE_INDEX)
  if (a.challengeIndex !== CHALLENGE_INDEX)
    refuse('PasskeyChallengeInvalid', a.challengeIndex, CHALLENGE_INDEX)
  const typed = a.clientData === 'get' || a.clientData === 'padded challenge'
  if (!typed) refuse('PasskeyTypeInvalid', TYPE_INDEX, TYPE_INDEX)
  if (a.clientData !== 'get' || a.challenge !== digest)
    refuse('PasskeyChallengeInvalid', CHALLENGE_INDEX, CHALLENGE_INDEX)
}

import { verifyTypedData } from 'ethers'
import fc from 'fast-check'
import { compactDecrypt, exportJWK, generateKeyPair, type JWK } from 'jose'
import { expect, test } from 'vitest'
import { DATA_CLASSES } from '../../src/domain/consent/data-classes.ts'
import { PURPOSES } from '../../src/domain/consent/purposes.ts'
import {
  type ActPlace,
  readHashedAct,
  readSignedAct,
  type SignedAct,
} from '../../src/domain/consent/read-signed-act.ts'
import { isGrantableKind, SENSITIVE_KINDS } from '../../src/domain/consent/sensitivities.ts'
import { digestOf, digestOfHashed, type TypedData } from '../../src/domain/consent/typed-data.ts'
import { type Hex, toHex } from '../../src/domain/hex.ts'
import { memberId } from '../../src/domain/identity/member-id.ts'
import { SIGN_IN_TYPES, signInDomain } from '../../src/domain/identity/sign-in.ts'
import {
  buildGrant,
  buildLock,
  buildObjection,
  buildRevocation,
  buildUnlock,
  buildWithdrawal,
  type Party,
  type SigningState,
} from '../../src/patient/acts.ts'
import { childKey, createWords } from '../../src/patient/seed.ts'
import { hashedForm, sealingKeyOf, sealToCustodian, signAct, signSignIn } from '../../src/patient/sign.ts'
import { seeded } from '../seeded.ts'
import { NO_SWITCH } from '../support/in-words.ts'

const place: ActPlace = {
  chainId: 78_230,
  consentRegistry: '0xCf7Ed3AccA5a467e9e704C703E8D87F634fB0Fc9',
  patientRegistry: '0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0',
}
const CLASSES = Object.keys(DATA_CLASSES)
const KINDS = Object.keys(SENSITIVE_KINDS).filter(isGrantableKind)
const key = childKey(createWords(), memberId('urn:oid:2.999.1|hospital-a'))

const a32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const aParty: fc.Arbitrary<Party> = fc.oneof(
  fc.record({
    granteeType: fc.constantFrom('Organization', 'Group'),
    grantee: fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }),
  }),
  fc.constant({ granteeType: 'Everyone' as const, grantee: '' }),
)
const aState: fc.Arbitrary<SigningState> = fc
  .record({ handle: a32.map(toHex), scopeSecret: a32, epoch: fc.nat(2 ** 32 - 2), locked: fc.boolean() })
  .map(({ handle, scopeSecret, epoch, locked }) => ({
    handle,
    scopeSecret,
    place,
    state: { handle, locked, epoch, lockSignedUpTo: -1, emergency: NO_SWITCH, consents: [] },
  }))

/** One act of every kind that goes through `/relay`. */
const someActs = fc
  .record({
    s: aState,
    to: aParty,
    purpose: fc.constantFrom(...Object.keys(PURPOSES)),
    classes: fc.subarray(CLASSES, { minLength: 1 }),
    sensitivities: fc.subarray(KINDS),
    at: fc.record({ now: fc.integer({ min: 0, max: 4e12 }), salt: a32.map(toHex) }),
  })
  .map(({ s, at, ...wish }): TypedData[] => [
    buildGrant(s, wish, at),
    buildRevocation(s, wish),
    buildObjection(s, wish, at),
    buildWithdrawal(s, wish, at),
    buildLock(s),
    buildUnlock(s, at),
  ])

async function custodianKeys(): Promise<{ privateKey: CryptoKey; jwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair('ECDH-ES+A256KW', { extractable: true })
  return {
    privateKey,
    jwk: { ...(await exportJWK(publicKey)), kid: 'sealing-1', use: 'enc', alg: 'ECDH-ES+A256KW' },
  }
}

test('a signed act is what a wallet would have signed, and what a broker reads', async () => {
  const property = fc.asyncProperty(someActs, async (acts) => {
    for (const act of acts) {
      const signed = await signAct(key.privateKey, act)
      expect(signed.signer).toBe(key.signer)
      const { domain, types, message } = act
      expect(verifyTypedData(domain, types, message, signed.signature).toLowerCase()).toBe(key.signer)
      const onTheWire: unknown = JSON.parse(JSON.stringify(signed))
      expect(readSignedAct(onTheWire, place)).toEqual(signed)
    }
  })
  await fc.assert(property, seeded({ numRuns: 25 }))
})

test('the hashed form carries the same digest and no body', async () => {
  const { jwk } = await custodianKeys()
  const property = fc.asyncProperty(someActs, async (acts) => {
    for (const act of acts) {
      const signed = await signAct(key.privateKey, act)
      const form = hashedForm(signed, await sealToCustodian(signed, jwk))
      const read = readHashedAct(JSON.parse(JSON.stringify(form)), place)
      expect(digestOfHashed(read.act, read.domain, read.message)).toBe(digestOf(act))
      expect(Object.values(form.typedData.message).every((v) => typeof v !== 'object')).toBe(true)
      expect(form.typedData).not.toHaveProperty('types')
    }
  })
  await fc.assert(property, seeded({ numRuns: 15 }))
})

test('a relayer cannot read the sealed form, and the custodian reads exactly what was signed', async () => {
  const [custodian, relayer] = [await custodianKeys(), await custodianKeys()]
  const property = fc.asyncProperty(someActs, async ([act]) => {
    const signed = await signAct(key.privateKey, act as TypedData)
    const sealed = await sealToCustodian(signed, custodian.jwk)
    await expect(compactDecrypt(sealed, relayer.privateKey)).rejects.toThrow()
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, custodian.privateKey)
    expect(protectedHeader).toMatchObject({ alg: 'ECDH-ES+A256KW', enc: 'A256GCM', kid: 'sealing-1' })
    const clear: unknown = JSON.parse(new TextDecoder().decode(plaintext))
    expect(clear).toEqual(signed)
    expect(readSignedAct(clear, place).signature).toBe(signed.signature)
  })
  await fc.assert(property, seeded({ numRuns: 10 }))
})

test('the largest grant there can be still fits a sealed form', async () => {
  const handle: Hex = `0x${'ab'.repeat(32)}`
  const state = { handle, locked: false, epoch: 0, lockSignedUpTo: -1, emergency: NO_SWITCH, consents: [] }
  const wish = {
    to: { granteeType: 'Organization' as const, grantee: 'é'.repeat(512) },
    purpose: 'PurposeOfUse',
    classes: CLASSES,
    sensitivities: KINDS,
  }
  const s = { handle, scopeSecret: new Uint8Array(32), place, state }
  const signed = await signAct(key.privateKey, buildGrant(s, wish, { now: Date.now(), salt: handle }))
  const form = hashedForm(signed, await sealToCustodian(signed, (await custodianKeys()).jwk))
  expect(readHashedAct(form, place).act).toBe('Grant')
})

test('typed data whose types are not the published ones is not signed', async () => {
  const handle: Hex = `0x${'ab'.repeat(32)}`
  const state = { handle, locked: false, epoch: 0, lockSignedUpTo: -1, emergency: NO_SWITCH, consents: [] }
  const act = buildLock({ handle, scopeSecret: new Uint8Array(32), place, state })
  const types = { Lock: [...(act.types.Lock ?? [])].reverse() }
  await expect(signAct(key.privateKey, { ...act, types })).rejects.toThrow('does not hash')
})

test('a changed field makes the signature another key’s', async () => {
  const handle: Hex = `0x${'ab'.repeat(32)}`
  const state = { handle, locked: false, epoch: 0, lockSignedUpTo: -1, emergency: NO_SWITCH, consents: [] }
  const act = buildLock({ handle, scopeSecret: new Uint8Array(32), place, state })
  const { signature } = await signAct(key.privateKey, act)
  const changed = { ...act.message, upToEpoch: act.message.upToEpoch + 1 }
  expect(verifyTypedData(act.domain, act.types, changed, signature).toLowerCase()).not.toBe(key.signer)
})

test('a sign-in is good for one origin, one nonce and one chain', async () => {
  const challenge = { origin: 'https://a.example', nonce: 'n-1' }
  const signature = await signSignIn(key.privateKey, place.chainId, challenge)
  const signerOf = (chainId: number, message: typeof challenge) =>
    verifyTypedData(signInDomain(chainId), SIGN_IN_TYPES, message, signature).toLowerCase()
  expect(signerOf(place.chainId, challenge)).toBe(key.signer)
  expect(signerOf(place.chainId, { ...challenge, origin: 'https://b.example' })).not.toBe(key.signer)
  expect(signerOf(place.chainId, { ...challenge, nonce: 'n-2' })).not.toBe(key.signer)
  expect(signerOf(1, challenge)).not.toBe(key.signer)
})

test('neither form of a signed act holds the private key, the words or the scope secret', async () => {
  const words = createWords()
  const { privateKey } = childKey(words, memberId('urn:oid:2.999.1|hospital-a'))
  const scopeSecret = crypto.getRandomValues(new Uint8Array(32))
  const handle: Hex = `0x${'ab'.repeat(32)}`
  const state = { handle, locked: false, epoch: 0, lockSignedUpTo: -1, emergency: NO_SWITCH, consents: [] }
  const wish = { to: { granteeType: 'Everyone' as const, grantee: '' }, purpose: 'TREAT' }
  const signed: SignedAct = await signAct(
    privateKey,
    buildRevocation({ handle, scopeSecret, place, state }, wish),
  )
  const text = JSON.stringify([
    signed,
    hashedForm(signed, await sealToCustodian(signed, (await custodianKeys()).jwk)),
  ])
  expect(text).not.toContain(privateKey.slice(2))
  expect(text).not.toContain(toHex(scopeSecret).slice(2))
  expect(text).not.toContain(Buffer.from(scopeSecret).toString('base64url'))
  expect(text).not.toContain(words)
})

test('messages are sealed to the encryption key of a member, never to its signing key', async () => {
  const { jwk } = await custodianKeys()
  const signing = { ...jwk, use: 'sig', alg: 'ES256' }
  expect(sealingKeyOf({ keys: [signing, jwk] })).toBe(jwk)
  expect(() => sealingKeyOf({ keys: [signing] })).toThrow('no key to seal to')
})

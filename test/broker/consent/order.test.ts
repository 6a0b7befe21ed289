import { Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SignedAct } from '../../../src/domain/consent/read-signed-act.ts'
import { type ActMessages, typedData } from '../../../src/domain/consent/typed-data.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import { slotOf } from '../../../src/patient/acts.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { createWords } from '../../../src/patient/seed.ts'
import { signAct } from '../../../src/patient/sign.ts'
import { admit, indexed, ownSecrets, partyOf, relay, signedBy, submit, wordOf } from '../../support/acts.ts'
import { refusedAt } from '../../support/inside.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
const words = createWords()
let anna: PatientClient
let bram: PatientClient
let ANNA: Identifier
let record: string

const slot = () => ({ to: partyOf(b), purpose: 'TREAT' })
const wish = () => ({ ...slot(), classes: ['problems'] })
const open = () => b.his.open(record, 'TREAT')

async function word() {
  const { handle, scopeSecret } = await ownSecrets(anna)
  return wordOf(world, handle, slotOf(scopeSecret, partyOf(b), 'TREAT').hash)
}

async function isRefused(...reasons: string[]) {
  const { answer, gained } = await refusedAt(a, undefined, open)
  expect([answer.status, answer.code]).toEqual([404, 'not-available'])
  expect(reasons).toContain(gained.find(({ kind }) => kind === 'refusal')?.reason)
}

/** Until the chain and the custodian's index both have it. */
async function settled(version: number) {
  await eventually(async () => (await word()).version === version)
  await indexed(world, a)
}

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  ANNA = await admit(a, 'anna', 0)
  const BRAM = await admit(a, 'bram', 1)
  await a.settled()
  anna = await world.enrol(a, ANNA, words)
  bram = await world.enrol(a, BRAM)
  await anna.grant(wish())
  await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.total === 1)
  record = (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id ?? ''
}, 60_000)

afterAll(() => world?.close())

describe('A signature serves for what it says, where it says, once:', () => {
  /** Signs a grant anew with something else in it. */
  async function changed(change: Partial<ActMessages['Grant']>) {
    const { signed } = await anna.grant(wish(), { signOnly: true })
    const { domain, message } = signed.typedData
    return signedBy(words, a, typedData('Grant', domain, { ...message, ...change }))
  }
  const seconds = (ahead: number) => Math.floor(Date.now() / 1000) + ahead

  const WRONG: [string, Partial<ActMessages['Grant']>, string][] = [
    ['a deadline that has passed', { deadline: seconds(-60) }, 'deadline-passed'],
    ['an epoch that has passed or is to come', { epoch: 7 }, 'epoch-wrong'],
    ['a version that is not the next one', { version: 9 }, 'version-wrong'],
    ['the version that stands', { version: 1 }, 'version-wrong'],
    [
      'a period that ends before it begins',
      { from: '2027-07-01', until: '2027-06-30' },
      'typed-data-invalid',
    ],
  ]

  test.each(WRONG)(
    'a grant with %s is refused, by the broker and by the contract',
    async (_what, change, code) => {
      const signed = await changed(change)
      const answer = await relay(a, signed)
      expect([answer.code, answer.status >= 400]).toEqual([code, true])
      expect(await submit(world, signed)).toBe(false)
      expect((await word()).version).toBe(1)
    },
  )

  test('a deadline that passes on the way ends the grant', async () => {
    const signed = await changed({ deadline: seconds(2) })
    await new Promise((done) => setTimeout(done, 4_500))
    expect(await submit(world, signed)).toBe(false)
    expect((await relay(a, signed)).code).toBe('deadline-passed')
  })

  test('a signature for another chain or another contract is refused, and so is one for another version of the domain', async () => {
    const { signed } = await anna.grant(wish(), { signOnly: true })
    const { domain, message } = signed.typedData
    const patientRegistry = world.chain.contracts.patientRegistry.toLowerCase() as Hex
    const cases = [
      [{ ...domain, chainId: 1 }, 'wrong-chain'],
      [{ ...domain, verifyingContract: patientRegistry }, 'wrong-contract'],
      [
        { ...domain, verifyingContract: Wallet.createRandom().address.toLowerCase() as Hex },
        'wrong-contract',
      ],
      [{ ...domain, version: '2' }, 'typed-data-invalid'],
    ] as const
    for (const [other, code] of cases) {
      const forOther = await signedBy(words, a, typedData('Grant', other, message))
      expect((await relay(a, forOther)).code).toBe(code)
      // Dressed up as one for here, the signature no longer fits.
      const dressed = { ...forOther, typedData: { ...forOther.typedData, domain } }
      expect((await relay(a, dressed)).code).toBe('signature-invalid')
      expect(await submit(world, dressed)).toBe(false)
    }
  })

  test('whatever is changed after signing is refused, field by field', async () => {
    const { signed } = await anna.grant(wish(), { signOnly: true })
    const { message } = signed.typedData
    const tampered: Partial<ActMessages['Grant']>[] = [
      { terms: { ...message.terms, dataClasses: ['observations', 'problems'] } },
      { terms: { ...message.terms, sensitivities: ['HIV'] } },
      { scope: { ...message.scope, purpose: 'PurposeOfUse' } },
      { scope: { ...message.scope, granteeType: 'Everyone', grantee: '' } },
      { until: '2099-12-31' },
      { from: '2026-01-01' },
      { laterMembersToo: true },
      { deadline: message.deadline + 1 },
    ]
    for (const change of tampered) {
      const other = {
        ...signed,
        typedData: { ...signed.typedData, message: { ...message, ...change } },
      } as SignedAct
      expect((await relay(a, other)).code).toBe('signature-invalid')
      expect(await submit(world, other)).toBe(false)
    }
    expect((await word()).version).toBe(1)
  })

  test('another person’s key signs nothing for this patient, bound at the hospital or not', async () => {
    const { signed } = await anna.grant(wish(), { signOnly: true })
    const { handle } = await anna.signIn()
    const { signed: own } = await bram.grant(wish(), { signOnly: true })
    const forAnna = typedData('Grant', own.typedData.domain, signed.typedData.message)
    const strange = await signAct(Wallet.createRandom().privateKey as Hex, forAnna)
    expect((await relay(a, strange)).code).toBe('signer-unknown')
    expect(await submit(world, strange)).toBe(false)
    // Claiming to be the bound signer does not help.
    expect((await relay(a, { ...strange, signer: anna.signer })).code).toBe('signature-invalid')
    // Bram's own signed acts do not become Anna's by naming her handle.
    const moved = { ...own, typedData: { ...own.typedData, message: { ...own.typedData.message, handle } } }
    expect((await relay(a, moved)).code).toBe('signature-invalid')
    const stranger = await signAct(
      Wallet.createRandom().privateKey as Hex,
      (await anna.lock({ signOnly: true })).signed.typedData,
    )
    expect((await relay(a, stranger)).code).toBe('signer-unknown')
    expect((await open()).status).toBe(200)
  })

  test('a grant whose salt is not the slot’s own, or whose terms nobody can enforce, is refused when it is signed', async () => {
    const { signed } = await anna.grant(wish(), { signOnly: true })
    const { scope, terms } = signed.typedData.message
    const salt = `0x${'ab'.repeat(32)}` as Hex
    for (const change of [
      { scope: { ...scope, salt } },
      { terms: { ...terms, dataClasses: ['everything'] } },
      { terms: { ...terms, sensitivities: ['V'] } },
    ]) {
      expect((await relay(a, await changed(change))).code).toBe('typed-data-invalid')
    }
    const other = await relay(a, await changed({ terms: { ...terms, body: salt } }))
    expect(other.code).toBe('consent-body-missing')
  })
})

describe('Of acts that come late, twice or out of order', () => {
  test('a revocation up to N ends also a grant that was signed before it and slipped in between', async () => {
    expect((await open()).status).toBe(200)
    const { signed: interposed } = await anna.grant(wish(), { signOnly: true })
    const { signed: revocation } = await anna.revoke(slot(), { signOnly: true })
    expect(revocation.typedData.message.upToVersion).toBeGreaterThanOrEqual(
      interposed.typedData.message.version,
    )
    expect((await relay(a, interposed)).status).toBe(202)
    await eventually(async () => (await word()).version === 2)
    expect((await open()).status).toBe(200)
    const { body } = await relay(a, revocation)
    expect(body.receipt?.counts).toBe('now')
    await isRefused('revocation-pending', 'revoked')
    await settled(revocation.typedData.message.upToVersion + 1)
    expect((await word()).state).toBe('silent')
    await isRefused('revoked')
    // And again with the grant arriving last: its version has gone by.
    expect(await submit(world, interposed)).toBe(false)
  })

  test('a grant that went to the chain past the hospital opens nothing while the hospital lacks its terms', async () => {
    const { signed } = await anna.grant(wish(), { signOnly: true })
    expect(await submit(world, signed)).toBe(true)
    await isRefused('terms-missing')
    const { signed: revocation } = await anna.revoke(slot())
    await settled(revocation.typedData.message.upToVersion + 1)
  })

  test('an old revocation sent again changes nothing against a later grant, and the receipt says so', async () => {
    const { signed: old } = await anna.revoke(slot())
    await settled(old.typedData.message.upToVersion + 1)
    await anna.grant(wish())
    await eventually(async () => (await open()).status === 200)
    const before = await word()
    // A receipt says what the hospital's index has seen; the chain's word opened the record before that.
    await indexed(world, a)

    const again = await relay(a, old)
    expect([again.status, again.body.receipt?.counts]).toEqual([202, 'no longer'])
    expect(await submit(world, old)).toBe(true)
    expect(await word()).toEqual(before)
    expect((await open()).status).toBe(200)
    await eventually(async () => (await anna.history()).some(({ kind }) => kind === 'consent-unchanged'))
  })

  test('a grant sent again after its revocation is refused, by the broker and by the contract', async () => {
    const { signed: grant } = await anna.grant(wish())
    await eventually(async () => (await word()).version === grant.typedData.message.version)
    expect((await relay(a, grant)).status).toBe(202) // one act, however often it is sent
    const { signed: revocation } = await anna.revoke(slot())
    await settled(revocation.typedData.message.upToVersion + 1)
    expect((await relay(a, grant)).code).toBe('version-wrong')
    expect(await submit(world, grant)).toBe(false)
    await isRefused('revoked')
  })

  test('an old lock sent again does not lock anew, and an old unlocking opens nothing', async () => {
    const { signed: lock } = await anna.lock()
    const { signed: unlock } = await anna.unlock()
    await eventually(async () => !(await anna.consents()).locked && (await anna.consents()).epoch > 0)
    await indexed(world, a)
    const again = await relay(a, lock)
    expect(again.body.receipt?.counts).toBe('no longer')
    expect(await submit(world, lock)).toBe(true)
    expect((await anna.consents()).locked).toBe(false)
    const { signed: second } = await anna.lock()
    await eventually(async () => (await anna.consents()).locked)
    await indexed(world, a)
    expect(second.typedData.message.upToEpoch).toBeGreaterThan(lock.typedData.message.upToEpoch)
    expect(await submit(world, unlock)).toBe(false)
    expect((await relay(a, unlock)).code).toBe('epoch-wrong')
    expect((await anna.consents()).locked).toBe(true)
    await anna.unlock()
  })

  test('a grant signed before a lock is void after it', async () => {
    await eventually(async () => !(await anna.consents()).locked)
    const { signed: grant } = await anna.grant(wish(), { signOnly: true })
    await anna.lock()
    await anna.unlock()
    await eventually(async () => !(await anna.consents()).locked)
    expect((await relay(a, grant)).code).toBe('epoch-wrong')
    expect(await submit(world, grant)).toBe(false)
  })
})

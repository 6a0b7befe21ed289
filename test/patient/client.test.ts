import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OwnConsents } from '../../src/domain/consent/own-consents.ts'
import type { ActPlace } from '../../src/domain/consent/read-signed-act.ts'
import { digestOf } from '../../src/domain/consent/typed-data.ts'
import { identifierText } from '../../src/domain/identity/member-id.ts'
import type { Party } from '../../src/patient/acts.ts'
import { BrokerRefused, createPatientClient, type PatientClient } from '../../src/patient/client.ts'
import { ShownDiffers } from '../../src/patient/prepare.ts'
import { childKey, createWords } from '../../src/patient/seed.ts'
import { sealedForm } from '../../src/patient/sign.ts'
import { publicJwks } from '../../src/store/keyring.ts'
import { ANNA, patient } from '../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let place: ActPlace
let toB: Party
const words = createWords()
let anna: PatientClient

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  const { chainId, contracts } = world.chain
  place = { chainId, consentRegistry: contracts.consentRegistry, patientRegistry: contracts.patientRegistry }
  toB = { granteeType: 'Organization', grantee: identifierText(b.config.identifier) }
  await a.put(patient('anna', ANNA))
  anna = await world.enrol(a, ANNA, words)
}, 60_000)

afterAll(() => world?.close())

const device = (own = words, more: Partial<Parameters<typeof createPatientClient>[0]> = {}) =>
  createPatientClient({ broker: a.broker.base, member: a.member, words: own, chain: place, ...more })

async function untilMined(holds: (own: OwnConsents) => boolean): Promise<OwnConsents> {
  return eventually(async () => {
    const own = await anna.consents()
    return holds(own) ? own : undefined
  }) as Promise<OwnConsents>
}

const slotFor = (own: OwnConsents, purpose: string) =>
  own.consents.find(({ scope }) => scope.purpose === purpose)

test('a device that has only the words gets in, and learns handle, scopes and terms', async () => {
  await anna.grant({ to: toB, purpose: 'TREAT', classes: ['problems'] })
  await untilMined((own) => slotFor(own, 'TREAT')?.state === 'permit')
  const other = device()
  expect(await other.signIn()).toEqual(await anna.signIn())
  expect(await other.consents()).toEqual(await anna.consents())
  const slot = slotFor(await other.consents(), 'TREAT')
  expect(slot).toMatchObject({ scope: { ...toB, purpose: 'TREAT' }, terms: { dataClasses: ['problems'] } })
})

test('other words, and the same person’s key for another hospital, get in nowhere', async () => {
  const stranger = device(createWords())
  const elsewhere = device(words, { member: b.member })
  const astray = device(words, { broker: b.broker.base })
  for (const client of [stranger, elsewhere, astray]) {
    await expect(client.consents()).rejects.toMatchObject({ code: 'signer-unknown', status: 403 })
  }
})

test('grant, revoke, grant: each waits for what it must follow, and all of them land', async () => {
  const wish = { to: toB, purpose: 'COC', classes: ['problems'] }
  const first = await anna.grant(wish)
  const revocation = await anna.revoke(wish)
  const second = await anna.grant(wish)
  const receipts = [first, revocation, second].map(({ receipt }) => receipt?.counts)
  expect(receipts).toEqual(['when mined', 'now', 'when mined'])
  expect(second.jws?.split('.')).toHaveLength(3)
  const { version } = second.signed.typedData.message
  const stands = (own: OwnConsents) => slotFor(own, 'COC')?.version === version
  expect(slotFor(await untilMined(stands), 'COC')?.state).toBe('permit')
})

test('what is shown is what is signed: of an act that was changed, shown or built, nothing is signed', async () => {
  const act = await anna.prepare.grant({ to: toB, purpose: 'HPAYMT', classes: ['problems'] })
  const { message } = act.data
  const changed = [
    { ...act.data, message: { ...message, until: '2099-01-01' } },
    { ...act.data, message: { ...message, laterMembersToo: true } },
    {
      ...act.data,
      message: { ...message, terms: { ...message.terms, dataClasses: ['imaging', 'problems'] } },
    },
    { ...act.data, domain: { ...act.data.domain, chainId: act.data.domain.chainId + 1 } },
  ]
  for (const shown of changed) await expect(act.sign(shown)).rejects.toThrow(ShownDiffers)
  expect(() => message.terms.dataClasses.push('imaging')).toThrow(TypeError)
  expect(slotFor(await anna.consents(), 'HPAYMT')).toBeUndefined()
  let kept: unknown
  const sent = await act.sign(JSON.parse(JSON.stringify(act.data)), {
    keep: async (signed) => {
      kept = signed
    },
  })
  expect(sent.signed.typedData.message).toEqual(message)
  expect(kept).toEqual(sent.signed)
})

test('what was kept sealed is one act, however often it is sent', async () => {
  const act = await anna.prepare.revoke({ to: toB, purpose: 'HPAYMT' })
  const { signed } = await act.sign(act.data, { signOnly: true })
  const form = await sealedForm(signed, publicJwks(a.files.keyring))
  expect(JSON.stringify(form)).not.toContain(toB.grantee)
  const [first, second] = [await anna.deliver(form), await anna.deliver(form)]
  expect(first.receipt).toMatchObject({ counts: 'now', digest: digestOf(act.data) })
  expect(second.receipt?.receivedAt).toBe(first.receipt?.receivedAt)
})

test('an objection forbids, and its withdrawal ends it', async () => {
  const wish = { to: toB, purpose: 'HRESCH' }
  expect((await anna.object(wish)).receipt?.counts).toBe('now')
  await untilMined((own) => slotFor(own, 'HRESCH')?.state === 'objection')
  await anna.withdraw(wish)
  await untilMined((own) => slotFor(own, 'HRESCH')?.state === 'silent')
})

test('nothing is granted while locked, and unlocking brings back what stood before', async () => {
  const before = await anna.consents()
  expect((await anna.lock()).receipt?.counts).toBe('now')
  await untilMined(({ locked }) => locked)
  const refused = anna.grant({ to: toB, purpose: 'TREAT', classes: ['problems'] })
  await expect(refused).rejects.toBeInstanceOf(BrokerRefused)
  await anna.unlock()
  const after = await untilMined(({ locked }) => !locked)
  expect(after.epoch).toBeGreaterThan(before.epoch)
  expect(after.consents).toEqual(before.consents)
  // A grant right after unlocking names the new epoch.
  await anna.grant({ to: toB, purpose: 'TREAT', classes: ['problems', 'medications'] })
  await untilMined((own) => slotFor(own, 'TREAT')?.terms?.dataClasses.length === 2)
})

test('an act signed only is nowhere until somebody posts it', async () => {
  const wish = { to: toB, purpose: 'DONAT', classes: ['problems'] }
  const { form, receipt } = await anna.grant(wish, { signOnly: true })
  expect(receipt).toBeUndefined()
  expect(slotFor(await anna.consents(), 'DONAT')).toBeUndefined()
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${a.broker.base}/relay`, {
    method: 'POST',
    headers,
    body: JSON.stringify(form),
  })
  expect(answer.status).toBe(202)
  await untilMined((own) => slotFor(own, 'DONAT')?.state === 'permit')
})

test('an act goes through another hospital, which learns neither whom nor what for', async () => {
  const via = { base: b.broker.base, custodianKeys: publicJwks(a.files.keyring) }
  const { form, receipt } = await anna.revoke({ to: toB, purpose: 'DONAT' }, { via })
  expect(receipt).toMatchObject({ relayer: b.member, forwardedTo: a.member })
  expect(JSON.stringify(form)).not.toMatch(/DONAT|Organization/)
  expect(JSON.stringify(form)).not.toContain(toB.grantee)
  const own = await untilMined((now) => slotFor(now, 'DONAT')?.state === 'silent')
  await eventually(async () => (slotFor(await anna.consents(), 'DONAT')?.signedUpTo ?? -1) > 0)
  expect(slotFor(own, 'DONAT')?.version).toBeGreaterThan(1)
})

test('the history tells in sentences what the patient did', async () => {
  const history = await eventually(async () => {
    const lines = await anna.history(200)
    return lines.some(({ kind }) => kind === 'consent-revoked') ? lines : undefined
  })
  expect(history?.every(({ sentence }) => sentence.length > 10)).toBe(true)
  expect((await anna.history(1)).length).toBe(1)
})

test('a wrong code binds nothing, and says so with its code', async () => {
  const invitation = { enrolment: 'no-such-enrolment', code: '00000000' }
  await expect(device(createWords()).enrol(invitation)).rejects.toMatchObject({
    code: 'enrolment-code-wrong',
    status: 403,
  })
})

test('a broker that is restarted meanwhile is waited for', async () => {
  const patiently = device(words, { retry: true })
  await patiently.signIn()
  const restarting = a.restart()
  expect(await patiently.consents()).toMatchObject({ locked: false })
  const { receipt } = await patiently.revoke({ to: toB, purpose: 'COC' })
  expect(receipt?.counts).toBe('now')
  await restarting
})

test('a session that has ended is renewed without a word', async () => {
  const client = device()
  const before = await client.consents()
  a.clock.advance(16 * 60_000)
  expect((await client.consents()).handle).toBe(before.handle)
})

test('the broker’s files and database hold neither the words nor the child key', async () => {
  const { privateKey } = childKey(words, a.member)
  const rows: string[] = []
  for (const table of ['acts', 'sessions', 'challenges', 'patients', 'enrolments'] as const) {
    rows.push(
      JSON.stringify(
        await a.database.db
          .withSchema('broker')
          .selectFrom(table as never)
          .selectAll()
          .execute(),
      ),
    )
  }
  rows.push(readFileSync(a.files.contactFile, 'utf8'))
  for (const text of rows) {
    expect(text).not.toContain(privateKey.slice(2))
    expect(text).not.toContain(words)
  }
})

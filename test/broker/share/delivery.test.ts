import { importJWK, type JWK } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import { type Share, sealShare } from '../../../src/exchange/share.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { answerOf } from '../../../src/sandbox/his-client.ts'
import { publicJwks } from '../../../src/store/keyring.ts'
import { openJson } from '../../../src/store/vault.ts'
import { admit, partyOf } from '../../support/acts.ts'
import { insideOf, refusedAt } from '../../support/inside.ts'
import { condition } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let c: TestHospital
let anna: PatientClient
let bram: PatientClient
let ANNA: Identifier
let BRAM: Identifier

const slot = (to: TestHospital) => ({ to: partyOf(to), purpose: 'TREAT' })
const wish = (to: TestHospital) => ({ ...slot(to), classes: ['problems'] })
const total = async (at: TestHospital, who: Identifier) => (await at.his.list(who, 'TREAT')).body.total

beforeAll(async () => {
  world = await createWorld({ hospitals: 3 })
  ;[a, b, c] = world.hospitals as [TestHospital, TestHospital, TestHospital]
  ANNA = await admit(a, 'anna', 0)
  BRAM = await admit(a, 'bram', 1)
  await a.settled()
  anna = await world.enrol(a, ANNA)
  bram = await world.enrol(a, BRAM)
}, 60_000)

afterAll(() => world?.close())

/** The sealed messages that A has for a member, in order, as they go over the wire. */
async function sentTo(member: TestHospital): Promise<string[]> {
  const rows = await insideOf(a)
    .db()
    .selectFrom('exchange_outbox')
    .select('body')
    .where('member', '=', member.member)
    .orderBy('id')
    .execute()
  return rows.map(({ body }) => body)
}

async function deliver(to: TestHospital, body: string) {
  return answerOf(
    await fetch(`${to.broker.base}/exchange/share`, {
      method: 'POST',
      headers: { 'content-type': 'application/jose' },
      body,
    }),
  )
}

async function receivedAt(at: TestHospital): Promise<Share[]> {
  const { db, vault } = insideOf(at)
  const rows = await db().selectFrom('shares_received').select('sealed').orderBy('id').execute()
  return rows.map(({ sealed }) => openJson<Share>(vault.storeKey, sealed))
}

const sharesTold = async (at: TestHospital) =>
  (await insideOf(at).trail()).filter(({ kind }) => kind === 'share-received').length

test('A share for a member that is down reaches it when it is back, also when the sender was restarted meanwhile', async () => {
  await b.stop()
  await anna.grant(wish(b))
  await eventually(async () => (await sentTo(b)).length > 0)
  // A member that is down keeps nothing from the others.
  await anna.grant(wish(c))
  await eventually(async () => (await total(c, ANNA)) === 1)
  await a.restart()
  expect(await receivedAt(c)).toHaveLength(1)
  await b.start()
  await eventually(async () => (await total(b, ANNA)) === 1)
  expect(await receivedAt(b)).toHaveLength(1)
})

test('A share delivered twice is one share, and told once', async () => {
  const told = await sharesTold(b)
  const before = await receivedAt(b)
  for (const body of await sentTo(b)) expect((await deliver(b, body)).status).toBe(204)
  expect(await receivedAt(b)).toEqual(before)
  expect(await sharesTold(b)).toBe(told)
  expect(await total(b, ANNA)).toBe(1)
})

test('A share that arrives after a newer one, its own end even, changes nothing', async () => {
  await anna.revoke(slot(b))
  await eventually(async () => (await total(b, ANNA)) === 0)
  const ended = await receivedAt(b)
  expect(ended).toMatchObject([{ ended: true, identifiers: [], compartments: [] }])
  for (const body of (await sentTo(b)).toReversed()) await deliver(b, body)
  expect(await receivedAt(b)).toEqual(ended)
  expect(await total(b, ANNA)).toBe(0)
})

test('A new record in a class that was open brings its key to whom it is open to, and to nobody else', async () => {
  await bram.grant({ ...wish(b), classes: ['problems', 'allergies'] })
  await eventually(async () => (await total(b, BRAM)) === 1)
  await a.put({
    resourceType: 'AllergyIntolerance',
    id: 'bram-a1',
    patient: { reference: 'Patient/bram' },
  } as never)
  await a.put(condition('bram-c4', 'bram', 'HIV infection', '86406008'))
  await eventually(async () => (await total(b, BRAM)) === 2)
  expect(await total(c, BRAM)).toBe(0)
  const names = (await receivedAt(b)).flatMap(({ compartments }) => compartments.map(({ name }) => name))
  expect(names.sort()).toEqual(['allergies', 'problems'])
})

test('A share that is sealed to another, signed by another, or not in its form is refused and keeps none from being listed', async () => {
  const recipient = publicJwks(b.files.keyring).keys.find(({ use }) => use === 'enc') as JWK
  // Each names the key of whom it pretends to come from.
  const keyOf = async ({ files }: TestHospital, { custodian }: { custodian?: unknown }) => ({
    key: (await importJWK(files.keyring.signing, 'ES256')) as CryptoKey,
    kid: world.hospitals.find(({ member }) => member === custodian)?.files.keyring.signing.kid ?? '',
  })
  const good: Share = {
    reference: 'made-up',
    sequence: 1,
    custodian: c.member,
    grantee: b.member,
    ended: false,
    identifiers: [BRAM],
    scope: { ...partyOf(b), purpose: 'TREAT' },
    terms: { dataClasses: ['problems'], sensitivities: [] },
    fromDay: 0,
    untilDay: 60_000,
    listing: 'chain',
    compartments: [{ name: 'problems', keyNumber: 1, key: Buffer.alloc(32).toString('base64url') }],
  }
  const wrong: [Share | object, TestHospital][] = [
    [{ ...good, custodian: a.member }, c], // C signs in A's name
    [{ ...good, grantee: c.member }, c],
    [{ ...good, compartments: [{ name: 'problems', keyNumber: 1, key: 'short' }] }, c],
    [{ ...good, compartments: 'all' }, c],
    [{ ...good, identifiers: [null] }, c],
    [{ ...good, terms: undefined }, c],
    [{ ...good, sequence: 1.5 }, c],
  ]
  const before = await receivedAt(b)
  for (const [share, signer] of wrong) {
    const answer = await deliver(b, await sealShare(share as Share, await keyOf(signer, share), recipient))
    expect([answer.status, answer.code]).toEqual([400, 'share-invalid'])
  }
  expect((await deliver(b, (await sentTo(c))[0] ?? '')).code).toBe('share-invalid') // sealed to C
  expect((await deliver(b, 'x.y.z')).code).toBe('share-invalid')
  expect(await receivedAt(b)).toEqual(before)

  // In its form, a made-up share opens nothing: C never registered what it names.
  expect((await deliver(b, await sealShare(good, await keyOf(c, good), recipient))).status).toBe(204)
  expect(await total(b, BRAM)).toBe(2)
})

test('When a consent ends its share ends, and a record that was listed before is refused', async () => {
  const record = (await b.his.list(BRAM, 'TREAT')).body.entry?.[0]?.resource?.id ?? ''
  await bram.revoke(slot(b))
  const { answer } = await refusedAt(a, undefined, () => b.his.open(record, 'TREAT'))
  expect([answer.status, answer.code]).toEqual([404, 'not-available'])
  await eventually(async () => (await total(b, BRAM)) === 0)
})

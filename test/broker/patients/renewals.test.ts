import { afterAll, beforeAll, expect, test } from 'vitest'
import { dateOfDay, dayOf } from '../../../src/domain/days.ts'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { publicJwks } from '../../../src/store/keyring.ts'
import { admit, handleWordOf, partyOf } from '../../support/acts.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
let id: Identifier
let list: () => Promise<number>

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  id = await admit(a, 'anna', 0)
  await a.settled()
  anna = await world.enrol(a, id)
  list = async () => (await b.his.list(id, 'TREAT')).body.total ?? 0
}, 120_000)

afterAll(() => world?.close())

const inDays = (days: number) => dateOfDay(dayOf(Date.now()) + days)
const permits = async () => (await anna.consents()).consents.filter(({ state }) => state === 'permit')
const wish = (purpose: string) => ({ to: partyOf(b), purpose, classes: ['problems'], until: inDays(10) })

test('A renewal lets a permit last longer by one signature, on the terms that it has, which the hospital goes on knowing', async () => {
  await anna.grant({ ...wish('TREAT'), sensitivities: ['HIV'] })
  await eventually(async () => (await list()) === 2)
  const [before] = await permits()
  if (!before) throw new Error('no permit')
  await anna.renew(before, inDays(100))
  const [after] = await eventually(async () => {
    const found = await permits()
    return found[0]?.until === inDays(100) && found
  })
  expect(after).toEqual({ ...before, until: inDays(100), version: 2 })
  expect(await list()).toBe(2)
  await expect(anna.renew(before, '2026-02-30')).rejects.toThrow(RangeError)
  await expect(anna.renew(before, inDays(4_000))).rejects.toThrow(RangeError)
  await expect(anna.renew({ scopeHash: `0x${'11'.repeat(32)}` }, inDays(5))).rejects.toThrow(RangeError)
}, 60_000)

test('All sharing stops by one signature, from when the hospital has it, and a permit signed later stands', async () => {
  for (const purpose of ['HPAYMT', 'HRESCH']) await anna.grant(wish(purpose))
  await eventually(async () => (await permits()).length === 3)
  const { body } = await b.his.list(id, 'TREAT')
  const opened = async () => (await b.his.open(body.entry?.[0]?.resource?.id ?? '', 'TREAT')).status
  expect(await opened()).toBe(200)
  const { receipt, signed } = await anna.revokeAll()
  expect(receipt?.counts).toBe('now')
  expect(await opened()).toBe(404)
  expect(signed.typedData.message.items).toHaveLength(3)
  await eventually(async () => (await permits()).length === 0)
  await anna.grant(wish('TREAT'))
  await eventually(async () => (await opened()) === 200)
  await expect(anna.revokeAll([])).rejects.toThrow(RangeError)

  // Through another hospital, which cannot read whom it is about.
  const custodianKeys = publicJwks(a.files.keyring)
  const sent = await anna.revokeAll(undefined, { via: { base: b.broker.base, custodianKeys } })
  expect(sent.receipt).toMatchObject({ forwardedTo: a.member })
  expect(JSON.stringify(sent.form)).not.toContain('TREAT')
  await eventually(async () => (await opened()) === 404)
  await eventually(async () => {
    const ended = (await anna.history(200)).filter(({ kind }) => kind === 'consent-revoked')
    return ended.length === 4
  })
}, 60_000)

test('The patient forbids emergency access, which always lands, and allows it again', async () => {
  const { handle, emergency } = await anna.consents()
  expect(emergency).toEqual({ off: false, version: 0, signedUpTo: -1 })
  expect((await anna.forbidEmergencyAccess()).receipt?.counts).toBe('now')
  await eventually(async () => (await anna.consents()).emergency.off)
  expect((await anna.consents()).emergency).toEqual({ off: true, version: 1, signedUpTo: 0 })
  expect(await handleWordOf(world, handle)).toMatchObject({ breakGlassOff: true })
  await anna.allowEmergencyAccess()
  await eventually(async () => !(await anna.consents()).emergency.off)
  expect(await handleWordOf(world, handle)).toMatchObject({ breakGlassOff: false, breakGlassVersion: 2 })
}, 60_000)

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dateOfDay, dayOf } from '../../../src/domain/days.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import { HelperCodeInvalid } from '../../../src/domain/identity/helper-code.ts'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { codeToHelp } from '../../../src/patient/helpers.ts'
import { createWords } from '../../../src/patient/seed.ts'
import { admit, handleWordOf, partyOf } from '../../support/acts.ts'
import { codeSent, deskOf, deviceAt } from '../../support/desk.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let kumsId: Identifier
let kum: PatientClient
let bram: PatientClient
const laila = createWords()

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  kumsId = await admit(a, 'kum', 0)
  const other = await admit(a, 'bram', 1)
  await a.settled()
  kum = await world.enrol(a, kumsId)
  bram = await world.enrol(a, other)
}, 120_000)

afterAll(() => world?.close())

const inDays = (days: number) => dateOfDay(dayOf(Date.now()) + days)
const slot = (purpose = 'TREAT') => ({ to: partyOf(b), purpose })
const wish = (purpose = 'TREAT') => ({ ...slot(purpose), classes: ['problems'] })
const code = (number: number, words = laila) => codeToHelp(words, a.member, number)
const helperFor = (number: number, words = laila) => deviceAt(world, a, words, { helper: number })
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  )
const isListed = async () => ((await b.his.list(kumsId, 'TREAT')).body.total ?? 0) > 0
const stands = (state: string, client: PatientClient, at = 0) =>
  eventually(async () => {
    const one = (await client.delegates())[at]
    return one?.state === state && one
  })

test('A helper acts within its bounds, sees only what it may use, and is seen by the patient in all that it does', async () => {
  await kum.grant(wish())
  await kum.grant(wish('HPAYMT'))
  await kum.appoint(
    { code: code(0), name: 'Laila' },
    { may: ['mayGrant', 'mayRevoke'], until: inDays(60), scopes: [slot()], longestDays: 30 },
  )
  expect(await stands('in-force', kum)).toMatchObject({
    ...{ name: 'Laila', version: 1, scopes: [slot().to].map((to) => ({ ...to, purpose: 'TREAT' })) },
    bounds: { mayGrant: true, mayRevoke: true, mayObject: false, mayLock: false, longestDays: 30 },
  })

  const helper = helperFor(0)
  const signedIn = await helper.signIn(20_000)
  expect(signedIn).toMatchObject({ as: 'delegate', scopeSecret: undefined })
  expect(await helper.helping()).toMatchObject({ handle: signedIn.handle, scopes: [{ purpose: 'TREAT' }] })
  const { consents } = await helper.consents()
  expect(consents.map(({ scope }) => scope.purpose)).toEqual(['TREAT'])
  for (const ask of ['history', 'record', 'auditEvents', 'requests', 'delegates', 'recovery'] as const)
    expect([ask, await codeOf(helper[ask]())]).toEqual([ask, 'session-expired'])

  // Within the bounds.
  const [entry] =
    (await eventually(async () => (await isListed()) && b.his.list(kumsId, 'TREAT'))).body.entry ?? []
  const opened = async () => (await b.his.open(entry?.resource?.id ?? '', 'TREAT')).status
  expect(await opened()).toBe(200)
  expect((await helper.revoke(slot())).receipt?.counts).toBe('now')
  expect(await opened()).toBe(404)
  await eventually(async () => !(await isListed()))
  await helper.grant({ ...wish(), until: inDays(20) })
  await eventually(isListed)
  const [permit] = (await helper.consents()).consents
  await helper.renew(permit as never, inDays(25))
  await eventually(async () => (await helper.consents()).consents[0]?.until === inDays(25))

  // Outside of them.
  expect(await codeOf(helper.grant({ ...wish(), until: inDays(40) }))).toBe('not-within-bounds')
  expect(await codeOf(helper.object(slot()))).toBe('not-within-bounds')
  expect(await codeOf(helper.lock())).toBe('not-within-bounds')
  expect(await codeOf(helper.grant(wish('HPAYMT')))).toMatch(/may not sign/)
  expect(await codeOf(helper.appoint({ code: code(9) }, { may: ['mayRevoke'], until: inDays(9) }))).not.toBe(
    'done',
  )

  // The patient sees who it was.
  const told = await eventually(async () => {
    const lines = (await kum.history()).filter(({ helper: by }) => by)
    return lines.length >= 3 && lines
  })
  expect(new Set(told.map(({ helper: by }) => by?.name))).toEqual(new Set(['Laila']))
  expect(told[0]?.sentence).toMatch(/^The patient allowed Hospital B .*Signed by a helper: Laila\.$/)
}, 120_000)

test('An end counts when it is signed: the helper’s session is over, and nothing of its is taken', async () => {
  const [delegate] = await kum.delegates()
  const helper = helperFor(0)
  await helper.signIn()
  const { receipt } = await kum.endDelegation(delegate as { delegate: Hex })
  expect(receipt?.counts).toBe('now')
  expect(await codeOf(helper.consents())).toBe('session-expired')
  expect(await codeOf(helper.helping())).toMatch(/session-expired|signer-unknown/)
  await stands('ended', kum)
  await eventually(async () => (await codeOf(helperFor(0).signIn())) === 'signer-unknown')
  // Appointed again, with other bounds, by the same code; and the helper ends it, as it may.
  await kum.appoint({ code: code(0), name: 'Laila' }, { may: ['mayLock'], until: inDays(9) })
  await stands('in-force', kum)
  const again = helperFor(0)
  await again.signIn(20_000)
  expect((await again.consents()).consents).toEqual([])
  expect((await again.lock()).receipt?.counts).toBe('now')
  expect(await codeOf(again.unlock())).toBe('not-within-bounds')
  await again.stopHelping()
  await stands('ended', kum)
  const { handle } = await kum.signIn()
  await eventually(async () => (await handleWordOf(world, handle)).locked)
  await kum.unlock()
}, 120_000)

test('A helper’s key signs for one person, and a patient’s own key for nobody else', async () => {
  await kum.appoint({ code: code(1), name: 'Somebody' }, { may: ['mayRevoke'], until: inDays(9) })
  await eventually(async () =>
    (await kum.delegates()).some(({ name, state }) => name === 'Somebody' && state === 'in-force'),
  )
  const bounds = { may: ['mayRevoke'], until: inDays(9) } as const
  expect(await codeOf(bram.appoint({ code: code(1) }, bounds))).toBe('key-taken')
  const { helperCode } = await import('../../../src/domain/identity/helper-code.ts')
  expect(await codeOf(bram.appoint({ code: helperCode(a.member, kum.signer) }, bounds))).toBe('key-taken')
})

describe('A helper’s code', () => {
  test('is refused with any one letter mistaken, two exchanged, one missing, or for another hospital', () => {
    const given = code(5)
    expect(given).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){7}[0-9A-HJKMNP-TV-Z]{5}$/)
    const read = (text: string) => codeOf(kum.appoint({ code: text }, { may: [], until: inDays(1) }))
    const wrong = async (text: string) => expect(await read(text)).toBe('helper-code-invalid')
    return Promise.all([
      wrong(given.slice(1)),
      wrong(''),
      wrong(codeToHelp(laila, b.member, 5)),
      ...[...given].flatMap((letter, i) =>
        letter === '-'
          ? []
          : [wrong(`${given.slice(0, i)}${letter === 'Z' ? 'Y' : 'Z'}${given.slice(i + 1)}`)],
      ),
    ])
  })

  test('forgives small letters, spaces and letters that look like numbers', async () => {
    const { readHelperCode } = await import('../../../src/domain/identity/helper-code.ts')
    const given = code(5)
    const typed = given.toLowerCase().replaceAll('-', '  ').replaceAll('0', 'o').replaceAll('1', 'l')
    expect(readHelperCode(a.member, typed)).toBe(readHelperCode(a.member, given))
    expect(() => readHelperCode(a.member, given.replace(/.$/, 'U'))).toThrow(HelperCodeInvalid)
  })
})

test('A guardian is bound by two registrars with what was shown, until the end of a quarter, and not a day longer', async () => {
  const child = await admit(a, 'child', 2)
  const year = new Date().getUTCFullYear() + 1
  const desk = deskOf(a, 0, 'jan')
  for (const guardian of [{ until: `${year}-03-31` }, { until: `${year}-03-30`, proof: 'court order' }, {}])
    expect((await desk.startEnrolment(child, { guardian })).code).toBe('request-invalid')
  const guardian = { until: `${year}-03-31`, proof: 'Birth certificate 12/2020, seen by the desk' }
  const { enrolment = '' } = (await desk.startEnrolment(child, { guardian })).body
  await deskOf(a, 1, 'piet').confirmEnrolment(enrolment)
  const parent = deviceAt(world, a)
  await parent.enrol({ enrolment, code: codeSent(a, enrolment) })
  expect(await parent.signIn(20_000)).toMatchObject({ as: 'owner' })
  await parent.grant({ ...wish(), until: inDays(9) })
  await eventually(async () => (await parent.consents()).consents[0]?.state === 'permit')
  expect((await parent.history()).map(({ note }) => note)).toContain('GuardianSet')

  // By the hospital’s clock: the chain’s own stays, so that other tests go on.
  await eventually(async () => (await parent.consents()).consents.length === 1)
  a.clock.advance(Date.parse(`${year}-04-01T00:00:00Z`) - a.clock.now())
  expect(await codeOf(parent.revoke(slot()))).toBe('signer-unknown')
  expect(await codeOf(parent.consents())).toBe('signer-unknown')
}, 60_000)

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { createWords } from '../../../src/patient/seed.ts'
import { admit, handleWordOf, partyOf, passDays } from '../../support/acts.ts'
import { codeSent, deskOf, deviceAt } from '../../support/desk.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let ids: Identifier[]

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  ids = []
  for (const [i, name] of ['anna', 'bram', 'cees', 'dirk'].entries()) ids.push(await admit(a, name, i))
  await a.settled()
}, 120_000)

afterAll(() => world?.close())

const id = (n: number) => ids[n] as Identifier
const slot = () => ({ to: partyOf(b), purpose: 'TREAT' })
const wish = () => ({ ...slot(), classes: ['problems'] })
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  )

async function invitation(nationalId: Identifier, more: object = {}) {
  const { body, code } = await deskOf(a, 0, 'jan').startRecovery(nationalId, more)
  const { recovery } = body
  if (!recovery) throw new Error(`no recovery: ${code}`)
  expect((await deskOf(a, 1, 'piet').confirmRecovery(recovery)).status).toBe(204)
  return { recovery, code: codeSent(a, recovery) }
}

/** Waits until both keys are told the same state. */
const stands = (state: string, ...keys: PatientClient[]) =>
  eventually(async () => {
    const told = await Promise.all(keys.map((key) => key.recovery()))
    return told.every((one) => one.state === state) && told
  })

const isListed = async (nationalId: Identifier) =>
  ((await b.his.list(nationalId, 'TREAT')).body.total ?? 0) > 0

test('A lost key is replaced after seven days: neither key widens meanwhile, both narrow, and then the new one is the patient’s', async () => {
  const old = await world.enrol(a, id(0))
  await old.grant(wish())
  await old.grant({ to: partyOf(b), purpose: 'HPAYMT', classes: ['problems'] })
  await eventually(() => isListed(id(0)))
  const next = deviceAt(world, a, createWords())
  expect(await codeOf(next.signIn())).toBe('signer-unknown')
  expect(await old.recovery()).toMatchObject({ state: 'none', as: 'owner', attempt: 0, mayVeto: false })

  await next.recover(await invitation(id(0)))
  expect((await next.signIn(20_000)).scopeSecret).toBeUndefined()
  const [byOld, byNew] = (await stands('pending', old, next)) as [never, never]
  expect(byOld).toMatchObject({ as: 'owner', attempt: 1, mayVeto: true })
  expect(byNew).toMatchObject({ as: 'candidate', attempt: 1, mayVeto: false })
  const { startedAt, readyAt } = byNew as { startedAt: string; readyAt: string }
  expect(Date.parse(readyAt) - Date.parse(startedAt)).toBe(7 * 86_400_000)

  // Neither widens.
  expect(await codeOf(old.grant({ ...wish(), purpose: 'HRESCH' }))).toBe('recovery-pending')
  const seen = await next.consents()
  expect(seen).toMatchObject({ recovering: true, locked: false })
  expect(seen.consents).toHaveLength(2)
  expect(await codeOf(next.grant(wish()))).toBe('signer-unknown')
  expect(await codeOf(next.grant({ ...wish(), purpose: 'HRESCH' }))).toMatch(/may not sign/)
  // It reads nothing but what it needs to narrow.
  for (const ask of ['history', 'record', 'auditEvents', 'requests', 'proposals'] as const)
    expect(await codeOf(next[ask]())).toBe('session-expired')
  // What was granted stands, until either key narrows it.
  expect(await isListed(id(0))).toBe(true)
  const { receipt } = await next.revoke({ to: partyOf(b), purpose: 'HPAYMT' })
  expect(receipt?.counts).toBe('now')

  // The chain's own clock decides, and the broker completes it by itself.
  await passDays(world, 7)
  await eventually(async () => (await next.recovery()).state === 'none')
  expect(await next.recovery()).toMatchObject({ as: 'owner', mayVeto: false })
  await eventually(async () => (await codeOf(old.consents())) === 'signer-unknown')
  const { consents, epoch } = await next.consents()
  expect(epoch).toBe(1)
  const permit = consents.find(({ state }) => state === 'permit')
  expect(permit).toMatchObject({ unconfirmed: true, scope: { purpose: 'TREAT' } })
  await eventually(async () => !(await isListed(id(0))))

  // The new key signs it anew, and it permits again: in a later second than that of the new key, which counts as before it.
  await world.provider.send('evm_increaseTime', [2])
  await world.provider.send('evm_mine', [])
  await next.grant(wish())
  await eventually(() => isListed(id(0)))
  expect((await next.consents()).consents.some(({ unconfirmed }) => unconfirmed)).toBe(false)
  const kinds = (await next.history()).filter(({ kind }) => kind === 'recovery').map(({ note }) => note)
  expect(kinds.sort()).toEqual(['RecoveryCompleted', 'RecoveryStarted'])
}, 120_000)

test('The old key vetoes a recovery, once; two registrars and a new proof override it, and no veto stops that', async () => {
  const old = await world.enrol(a, id(1))
  const thief = deviceAt(world, a)
  const first = await invitation(id(1))
  await thief.recover(first)
  await thief.signIn(20_000)
  await stands('pending', old, thief)
  await old.vetoRecovery()
  await stands('vetoed', old, thief)
  expect(await codeOf(old.vetoRecovery())).toMatch(/no recovery/)
  expect(await codeOf(thief.vetoRecovery())).toMatch(/no recovery/)
  expect(await codeOf(thief.consents())).toBe('session-expired')
  await old.grant(wish())

  const desk = deskOf(a, 0, 'jan')
  expect((await desk.startRecovery(id(1))).code).toBe('recovery-not-open')
  const next = deviceAt(world, a)
  const again = await invitation(id(1), { overrides: true })
  await next.recover(again)
  const [byOld] = await eventually(async () => {
    const told = [await old.recovery()]
    return told[0]?.state === 'overriding' && told
  })
  expect(byOld).toMatchObject({ attempt: 2, mayVeto: false })
  expect(await codeOf(old.vetoRecovery())).toMatch(/no recovery/)
  expect(await codeOf(thief.recovery())).toMatch(/signer-unknown|session-expired/)
  expect((await desk.lookAtRecovery(again.recovery)).body).toMatchObject({
    ...{ state: 'overriding', confirmed: true, offered: true, attempt: 2 },
  })

  // The hospital takes it back: the veto stays spent.
  expect((await desk.cancelRecovery(again.recovery)).status).toBe(202)
  await stands('vetoed', old)
  expect((await desk.cancelRecovery(again.recovery)).code).toBe('recovery-not-open')
}, 120_000)

test('Nothing is replaced without a second registrar, the code, a free key, and a bound one to replace', async () => {
  const desk = deskOf(a, 0, 'jan')
  expect((await desk.startRecovery(id(2))).code).toBe('recovery-not-open')
  const old = await world.enrol(a, id(2))
  expect((await desk.startRecovery({ ...id(2), value: '12' })).code).toBe('identifier-invalid')
  expect((await desk.startRecovery(id(2), { overrides: true })).code).toBe('recovery-not-open')
  expect((await desk.startRecovery(id(2), { guardian: { until: '2030-03-30', proof: 'order' } })).code).toBe(
    'request-invalid',
  )
  const { recovery = '' } = (await desk.startRecovery(id(2))).body
  const invited = { recovery, code: codeSent(a, recovery) }
  const next = deviceAt(world, a)
  expect(await codeOf(next.recover(invited))).toBe('enrolment-needs-second-registrar')
  expect((await deskOf(a, 1, 'jan').confirmRecovery(recovery)).code).toBe('enrolment-needs-second-registrar')
  expect((await deskOf(a, 1, 'piet').confirmRecovery('unknown')).code).toBe('not-available')
  await deskOf(a, 1, 'piet').confirmRecovery(recovery)
  expect(await codeOf(next.recover({ ...invited, code: '00000000' }))).toBe('enrolment-code-wrong')

  // The old key itself, and another patient's, take over nothing.
  const words = createWords()
  const other = await world.enrol(a, id(3), words)
  expect(await codeOf(deviceAt(world, a, words).recover(invited))).toBe('key-taken')
  expect((await other.consents()).recovering).toBeUndefined()

  await next.recover(invited)
  expect(await codeOf(next.recover(invited))).toBe('enrolment-code-wrong')
  await stands('pending', old)
  expect((await desk.startRecovery(id(2))).code).toBe('recovery-not-open')
  const { handle } = await old.signIn()
  expect(await handleWordOf(world, handle)).toMatchObject({ recovery: 1, epoch: 0 })

  // It may lock, and the lock outlives the change of keys.
  await next.signIn(20_000)
  await next.lock()
  await passDays(world, 7)
  await eventually(async () => (await handleWordOf(world, handle)).recovery === 0)
  expect(await handleWordOf(world, handle)).toMatchObject({ locked: true, epoch: 3 })
}, 120_000)

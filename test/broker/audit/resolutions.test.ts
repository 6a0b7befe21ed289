import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RESOLUTION_LIMITS } from '../../../src/broker/audit/resolutions.ts'
import type { AuditEntry } from '../../../src/domain/audit/audit-entry.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { createHisClient } from '../../../src/sandbox/his-client.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, condition, patient, somebody } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
let handle: string
let elsewhere: string

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  for (const [hospital, person] of [
    [a, ANNA],
    [b, somebody(2)],
  ] as const) {
    await hospital.put(patient('anna', person))
    await hospital.put(condition('c1', 'anna', 'Hypertension'))
    await hospital.settled()
  }
  anna = await world.enrol(a, ANNA)
  await world.enrol(b, somebody(2))
  handle = await handleOn(a)
  elsewhere = await handleOn(b)
}, 60_000)

afterAll(() => world?.close())

/** As everybody can read it from the chain. */
async function handleOn(hospital: TestHospital): Promise<string> {
  const bound = await eventually(async () => {
    const rows = await insideOf(a)
      .index()
      .selectFrom('events')
      .select('args')
      .where('name', '=', 'HandleBound')
      .execute()
    return rows
      .map(({ args }) => JSON.parse(args) as { handle: string; custodian: string })
      .find(({ custodian }) => custodian === hospital.member)
  })
  return bound.handle
}

const asked = { reason: 'misuse-inquiry', note: 'Complaint 2026-014 of the ward' }

const officer = (id: string, client = a.files.auditor) =>
  createHisClient({
    ...{ client, broker: a.broker.base, organization: a.config.identifier },
    user: { id, name: `Officer ${id}`, role: 'privacy officer' },
    now: () => a.clock.now(),
  })

const resolve = (id: string, body: object, client = a.files.auditor) =>
  officer(id, client).post('/audit/resolutions', { ...asked, ...body })

const resolved = async () => (await insideOf(a).trail()).filter(({ kind }) => kind === 'handle-resolved')

describe('whose handle it is', () => {
  test('is told to a named person of the custodian, who said why; the log has who, when, which and why', async () => {
    const { status, body } = await resolve('po-1', { handle })
    expect([status, body]).toEqual([200, { patient: 'Patient/anna' }])
    const entry = (await resolved()).at(-1) as AuditEntry
    expect(entry).toMatchObject({
      ...{ handle, outcome: '0', reason: 'misuse-inquiry', note: asked.note },
      user: { id: 'po-1', name: 'Officer po-1', role: 'privacy officer' },
      client: { id: a.files.auditor.clientId },
      patient: { reference: 'Patient/anna' },
    })
    const leaf = await insideOf(a)
      .db()
      .selectFrom('access_log')
      .select('seq')
      .where('at', '=', entry.recorded)
      .execute()
    expect(leaf.length).toBeGreaterThan(0)
  })

  test('is in the patient’s own trail: who asked, and why', async () => {
    const history = (await anna.history()) as unknown as (AuditEntry & { sentence: string })[]
    const line = history.find(({ kind }) => kind === 'handle-resolved')
    expect(line?.sentence).toBe(
      'Officer po-1 (privacy officer) at Hospital A found out whose handle this is. The hospital looks into whether records were misused. Complaint 2026-014 of the ward',
    )
  })

  test('is answered alike for another hospital’s patient’s handle and for one that nobody has, and both are logged', async () => {
    const before = (await resolved()).length
    const answers = []
    for (const other of [elsewhere, `0x${'12'.repeat(32)}`]) {
      const started = performance.now()
      const { status, code, body } = await resolve('po-2', { handle: other })
      const steps = Math.round((performance.now() - started) / 120)
      const { issue } = body as { issue: { diagnostics?: string }[] }
      for (const one of issue) delete one.diagnostics
      answers.push({ status, code, issue })
      expect(steps).toBeGreaterThan(0)
    }
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0]).toMatchObject({ status: 404, code: 'not-available' })
    const gained = (await resolved()).slice(before)
    expect(gained.map(({ outcome, handle: which, patient: who }) => [outcome, which, who])).toEqual([
      ['4', elsewhere, undefined],
      ['4', `0x${'12'.repeat(32)}`, undefined],
    ])
  })

  test('is told to no program that names no person, and to none without the permission', async () => {
    const nobody = await a.auditor.post('/audit/resolutions', { ...asked, handle })
    expect(nobody.code).toBe('user-missing')
    const reader = { ...a.files.auditor, scopes: ['system/AuditEvent.rs'] }
    expect((await resolve('po-3', { handle }, reader)).code).toBe('scope-insufficient')
    for (const client of [a.files.his, a.files.admin, ...a.files.registrars])
      expect((await resolve('po-3', { handle }, client)).code).toBe('scope-insufficient')
    expect((await resolved()).filter(({ user }) => user?.id === 'po-3')).toEqual([])
  })

  test('is told to nobody without a reason, and words with a number of a person are refused before anything is looked up', async () => {
    for (const change of [
      { reason: 'curiosity' },
      { note: 'short' },
      { note: `It is ${ANNA.value}, I think` },
    ])
      expect((await resolve('po-4', { handle, ...change })).code).toBe('resolution-reason')
    const own = (await resolved()).filter(({ user }) => user?.id === 'po-4')
    expect(own).toEqual([])
  })

  test('is told to one person a few times an hour, however many ask at once; those that are refused are in the log', async () => {
    const tries = RESOLUTION_LIMITS.ofPerson + 4
    const answers = await Promise.all(Array.from({ length: tries }, () => resolve('po-5', { handle })))
    const told = answers.filter(({ status }) => status === 200).length
    expect(told).toBeLessThanOrEqual(RESOLUTION_LIMITS.ofPerson)
    expect(told + answers.filter(({ code }) => code === 'rate-limited').length).toBe(tries)
    const own = (await resolved()).filter(({ user }) => user?.id === 'po-5')
    expect(own.filter(({ outcome }) => outcome === '0')).toHaveLength(told)
    expect(own).toHaveLength(tries)
    expect((await resolve('po-5', { handle })).code).toBe('rate-limited')
    expect((await resolve('po-6', { handle })).status).toBe(200)
  })

  test('is told to a whole hospital some times a day: another name does not help for ever', async () => {
    const at = new Date(a.clock.now() - 12 * 3_600_000).toISOString()
    const others = Array.from({ length: RESOLUTION_LIMITS.ofHospital }, (_, i) => ({
      ...{ id: `other-${i}`, at, client_id: a.files.auditor.clientId, person_lookup: `other-${i}` },
    }))
    await insideOf(a).db().insertInto('resolutions').values(others).execute()
    expect((await resolve('po-7', { handle })).code).toBe('rate-limited')
    a.clock.advance(25 * 3_600_000)
    await eventually(async () => (await resolve('po-7', { handle })).status === 200)
    a.clock.advance(-25 * 3_600_000)
  })
})

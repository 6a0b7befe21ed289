import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { admit, partyOf } from '../../support/acts.ts'
import { createAsker } from '../../support/asker.ts'
import { insideOf, refusedAt } from '../../support/inside.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
let ANNA: Identifier
let BRAM: Identifier

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  ANNA = await admit(a, 'anna', 0)
  BRAM = await admit(a, 'bram', 1)
  await a.settled()
  anna = await world.enrol(a, ANNA)
  await world.enrol(a, BRAM)
  await anna.grant({ to: partyOf(b), purpose: 'TREAT', classes: ['problems'] })
  await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.total === 1)
}, 60_000)

afterAll(() => world?.close())

const tagOf = (resourceType: string, id: string) => insideOf(a).tagOf(resourceType, id)

/** As B's own broker would ask, whatever B was shown: with B's keys and the tag, which anybody reads on the chain. */
async function askDirectly(resourceType: string, id: string, purpose = 'TREAT') {
  const asker = await createAsker(b, a)
  const assertion = await asker.assertion({ asker: { ...asker.who, purpose } })
  return asker.token(await tagOf(resourceType, id), { assertion })
}

describe('A record is refused', () => {
  test('where the patient never consented: nothing is listed, and nothing handed out to whoever knows its tag', async () => {
    expect((await b.his.list(BRAM, 'TREAT')).body.total).toBe(0)
    const { answer } = await refusedAt(a, 'no-consent', () => askDirectly('Condition', 'bram-c1'))
    expect([answer.status, answer.code]).toEqual([404, 'not-available'])
  })

  test('for a purpose that the patient did not name', async () => {
    expect((await b.his.list(ANNA, 'HRESCH')).body.total).toBe(0)
    const id = (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id ?? ''
    const { answer } = await refusedAt(a, 'wrong-purpose', () => b.his.open(id, 'HRESCH'))
    expect([answer.status, answer.code]).toEqual([404, 'not-available'])
  })

  test('of a class that the patient did not name', async () => {
    const { answer } = await refusedAt(a, 'class-not-covered', () => askDirectly('Observation', 'anna-o1'))
    expect([answer.status, answer.code]).toEqual([404, 'not-available'])
  })

  test('of a sensitive kind that the patient did not allow: neither listed nor counted, nor handed out by its tag', async () => {
    const { body } = await b.his.list(ANNA, 'TREAT')
    expect([body.total, body.entry?.length]).toEqual([1, 1])
    const opened = await b.his.open(body.entry?.[0]?.resource?.id ?? '', 'TREAT')
    expect(opened.body.id).toBe('anna-c1')
    const { answer } = await refusedAt(a, 'sensitivity-not-covered', () =>
      askDirectly('Condition', 'anna-c2'),
    )
    expect([answer.status, answer.code]).toEqual([404, 'not-available'])
  })

  test('to a member that the patient did not name, even one that asks in the right way', async () => {
    const asker = await createAsker(a, a)
    const { answer } = await refusedAt(a, 'no-consent', async () =>
      asker.token(await tagOf('Condition', 'anna-c1')),
    )
    expect([answer.status, answer.code]).toEqual([404, 'not-available'])
  })

  test('and the patient reads each refusal of hers in plain words, and nobody else reads it', async () => {
    const history = await anna.history(100)
    const refusals = history.filter(({ kind }) => kind === 'refusal')
    expect(new Set(refusals.map(({ reason }) => reason))).toEqual(
      new Set(['wrong-purpose', 'class-not-covered', 'sensitivity-not-covered', 'no-consent']),
    )
    for (const { sentence } of refusals) expect(sentence).toMatch(/^[A-Z].*[.]$/)
    expect(history.every(({ patient }) => patient?.reference === 'Patient/anna')).toBe(true)
  })
})

test('The compliance officer finds each refusal in the audit trail, with its reason', async () => {
  const { body } = await a.auditor.audit({
    'patient.identifier': `${ANNA.system}|${ANNA.value}`,
    _count: '100',
  })
  const refusals = (body.entry ?? []).flatMap(({ resource }) => (resource?.outcome === '8' ? [resource] : []))
  expect(refusals).toHaveLength(4)
  for (const reason of ['wrong-purpose', 'class-not-covered', 'sensitivity-not-covered', 'no-consent']) {
    expect(refusals.some((event) => JSON.stringify(event.extension).includes(`"${reason}"`))).toBe(true)
  }
  expect(JSON.stringify(body)).not.toContain(BRAM.value)
})

test('A sensitive kind that the patient allows is listed and handed out, and only that', async () => {
  await anna.grant({ to: partyOf(b), purpose: 'TREAT', classes: ['problems'], sensitivities: ['HIV'] })
  await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.total === 2)
  expect((await askDirectly('Condition', 'anna-c2')).status).toBe(200)
  expect((await askDirectly('Observation', 'anna-o1')).status).toBe(404)
})

test('Narrowing a consent ends what it no longer covers at once', async () => {
  await anna.grant({ to: partyOf(b), purpose: 'TREAT', classes: ['observations'] })
  await eventually(async () => (await askDirectly('Observation', 'anna-o1')).status === 200)
  const { answer } = await refusedAt(a, 'class-not-covered', () => askDirectly('Condition', 'anna-c1'))
  expect(answer.code).toBe('not-available')
  await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.total === 1)
})

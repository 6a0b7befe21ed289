import type { Parameters } from 'fhir/r4.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { admit, EVERYONE, partyOf } from '../../support/acts.ts'
import { clinicalReads } from '../../support/inside.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let ANNA: Identifier
let anna: PatientClient

const TREAT = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }

const call = (operation: string, ...parameter: object[]) =>
  a.his.fhir<Parameters>('POST', `Consent/${operation}`, {
    resourceType: 'Parameters',
    parameter: [{ name: 'patient', valueReference: { reference: 'Patient/anna' } }, ...parameter],
  })

async function explained(dataClass: string, ...kinds: string[]) {
  const { status, body } = await call(
    '$explain',
    { name: 'recipient', valueIdentifier: b.config.identifier },
    { name: 'purpose', valueCoding: TREAT },
    { name: 'class', valueCode: dataClass },
    ...kinds.map((valueCode) => ({ name: 'kind', valueCode })),
  )
  expect(status).toBe(200)
  const value = (name: string) => body.parameter?.find((one) => one.name === name)
  const rule = value('rule')?.part?.find(({ name }) => name === 'consent')?.valueReference?.reference
  return { decision: value('decision')?.valueCode, reason: value('reason')?.valueCode, rule, body }
}

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  ANNA = await admit(a, 'anna', 0)
  await a.settled()
  anna = await world.enrol(a, ANNA)
}, 60_000)

afterAll(() => world?.close())

describe('Would this be allowed, and why not?', () => {
  test('the answer is the one that a request would get, with its reason, and nothing is read for it', async () => {
    const reads = clinicalReads(a).length
    expect(await explained('problems')).toMatchObject({ decision: 'refuse', reason: 'no-consent' })
    await anna.grant({ to: partyOf(b), purpose: 'TREAT', classes: ['problems'] })
    await eventually(async () => (await explained('problems')).decision === 'permit')
    expect(await explained('observations')).toMatchObject({ decision: 'refuse', reason: 'class-not-covered' })
    expect(await explained('problems', 'HIV')).toMatchObject({
      decision: 'refuse',
      reason: 'sensitivity-not-covered',
    })
    expect(clinicalReads(a).length).toBe(reads)
  })

  test('it names the consent that decides, and those that it wins over', async () => {
    await anna.object({ to: EVERYONE, purpose: 'TREAT' })
    await eventually(
      async () => (await explained('problems')).body.parameter?.some((p) => p.name === 'beaten') ?? false,
    )
    const { decision, rule } = await explained('problems')
    expect(decision).toBe('permit')
    const { body } = await a.his.fhir<{ status: string }>('GET', rule ?? '')
    expect(body.status).toBe('active')
  })

  test('the patient asks the same for herself', async () => {
    const told = await anna.explain({ requester: b.member, purpose: 'TREAT', dataClass: 'observations' })
    expect(told.decision).toBe('refuse')
    // It counts before it is mined.
    expect(told.reason).toMatch(/^objection/)
    expect(told.sentence).toMatch(/objects to this sharing|has signed an objection/)
    const wrong = { requester: b.member, purpose: 'CURIOSITY', dataClass: 'problems' }
    await expect(anna.explain(wrong)).rejects.toMatchObject({ code: 'purpose-unknown' })
    const everything = { requester: b.member, purpose: 'TREAT', dataClass: 'everything' }
    await expect(anna.explain(everything)).rejects.toMatchObject({ code: 'request-invalid' })
  })

  test('of one record, by its name; a record that is none is no answer', async () => {
    const ask = { requester: b.member, purpose: 'TREAT', record: 'Condition/anna-c2' }
    const told = await anna.explain(ask)
    expect(told.decision).toBe('refuse')
    expect(told.rule?.decision).toBe('refuse')
    expect((await anna.explain({ ...ask, record: 'Condition/anna-c1' })).decision).toBe('permit')
    await expect(anna.explain({ ...ask, record: 'Condition/none' })).rejects.toMatchObject({
      code: 'request-invalid',
    })
  })

  test('nobody else is told: a HIS without the scope, a device of nobody, another hospital', async () => {
    expect((await a.auditor.fhir('POST', 'Consent/$explain', {})).status).toBe(403)
    expect(
      (await fetch(`${a.broker.base}/patient/explain`, { method: 'POST', body: '{}' })).status,
    ).toBeGreaterThan(399)
    const abroad = await b.his.fhir('POST', 'Consent/$explain', {
      resourceType: 'Parameters',
      parameter: [
        { name: 'patient', valueIdentifier: ANNA },
        { name: 'recipient', valueIdentifier: b.config.identifier },
        { name: 'purpose', valueCoding: TREAT },
        { name: 'class', valueCode: 'problems' },
      ],
    })
    expect(abroad).toMatchObject({ status: 422, code: 'consent-unenforceable' })
  })
})

describe('Which of my records would this open?', () => {
  test('the patient sees what opens and what stays back, and why', async () => {
    const { opened, withheld } = await anna.preview({ dataClasses: ['problems'] })
    expect(opened.map(({ record }) => record)).toEqual(['Condition/anna-c1'])
    expect(withheld.map(({ record, reason }) => [record, reason])).toEqual([
      ['Condition/anna-c2', 'sensitivity-not-covered'],
      ['Observation/anna-o1', 'class-not-covered'],
    ])
    const all = await anna.preview({ dataClasses: ['problems', 'observations'], sensitivities: ['HIV'] })
    expect(all.withheld).toEqual([])
  })

  test('the hospital asks it of a Consent before it files it', async () => {
    const consent = {
      resourceType: 'Consent',
      status: 'proposed',
      scope: { coding: [{ code: 'patient-privacy' }] },
      patient: { reference: 'Patient/anna' },
      provision: {
        type: 'permit',
        class: [{ system: 'https://wayleave.example/fhir/CodeSystem/data-class', code: 'observations' }],
      },
    }
    const { body } = await call('$preview', { name: 'consent', resource: consent })
    const opened = body.parameter?.filter(({ name }) => name === 'opened')
    expect(opened?.map(({ valueReference }) => valueReference?.reference)).toEqual(['Observation/anna-o1'])
    const recent = { ...consent, provision: { ...consent.provision, dataPeriod: { start: '2025-01-01' } } }
    const later = await call('$preview', { name: 'consent', resource: recent })
    expect(later.body.parameter?.find(({ name }) => name === 'opened')).toBeUndefined()
    const kept = later.body.parameter?.find(({ part }) => JSON.stringify(part).includes('anna-o1'))
    expect(kept?.part?.find(({ name }) => name === 'reason')?.valueCode).toBe('provision-silent')
    const wrong = { ...consent, provision: { ...consent.provision, dataPeriod: { start: 'then' } } }
    expect(await call('$preview', { name: 'consent', resource: wrong })).toMatchObject({
      code: 'consent-unenforceable',
    })
  })

  test('what was deleted is not among them', async () => {
    await fetch(`${a.fhir}/Observation/anna-o1`, { method: 'DELETE' })
    await eventually(async () => (await anna.preview({ dataClasses: ['observations'] })).opened.length === 0)
  })
})

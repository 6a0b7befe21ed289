import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { admit, EVERYONE, partyOf } from '../../support/acts.ts'
import { somebody } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let ANNA: Identifier
let anna: PatientClient

const TYPES = 'http://hl7.org/fhir/resource-types'

const asked = (context: object = {}) => ({
  hook: 'patient-consent-consult',
  hookInstance: '1',
  context: { patientId: [ANNA], actor: [b.config.identifier], purposeOfUse: ['TREAT'], ...context },
})

async function consulted(context: object = {}) {
  const { status, body } = await a.his.consult(asked(context))
  expect(status).toBe(200)
  const [card] = body.cards
  expect(card?.summary).toBe(card?.extension.decision)
  const redact = card?.extension.obligations.flatMap(({ parameters }) =>
    parameters.codes.map(({ code }) => code),
  )
  return { decision: card?.summary, redact: redact ?? [], basedOn: card?.extension.basedOn }
}

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  ANNA = await admit(a, 'anna', 0)
  await a.settled()
  anna = await world.enrol(a, ANNA)
}, 60_000)

afterAll(() => world?.close())

describe('A program of the custodian that asks by CDS Hooks', () => {
  test('finds the service listed', async () => {
    const answer = await fetch(`${a.broker.base}/cds-services`)
    expect(await answer.json()).toMatchObject({ services: [{ hook: 'patient-consent-consult' }] })
  })

  test('is told what a release would be decided by, and what to keep back', async () => {
    expect(await consulted()).toMatchObject({ decision: 'NO_CONSENT', redact: [] })
    await anna.grant({ to: partyOf(b), purpose: 'TREAT', classes: ['problems'], sensitivities: ['HIV'] })
    await eventually(async () => (await consulted()).decision === 'CONSENT_PERMIT')
    const { redact, basedOn } = await consulted()
    expect(redact).toContain('PSY')
    expect(redact).not.toContain('HIV')
    expect((await a.his.fhir<{ status: string }>('GET', basedOn ?? '')).body.status).toBe('active')
  })

  test('may ask for classes, and for several purposes, which must all be permitted', async () => {
    const type = (code: string) => ({ class: [{ system: TYPES, code }] })
    expect((await consulted(type('Condition'))).decision).toBe('CONSENT_PERMIT')
    expect((await consulted(type('Observation'))).decision).toBe('NO_CONSENT')
    expect((await consulted({ purposeOfUse: ['ETREAT'] })).decision).toBe('CONSENT_PERMIT')
    expect((await consulted({ purposeOfUse: ['TREAT', 'HRESCH'] })).decision).toBe('NO_CONSENT')
  })

  test('hears of a lock and of an objection as a denial', async () => {
    await anna.lock()
    expect((await consulted()).decision).toBe('CONSENT_DENY')
    await anna.unlock()
    await eventually(async () => (await consulted()).decision === 'CONSENT_PERMIT')
    await anna.revoke({ to: partyOf(b), purpose: 'TREAT' })
    await anna.object({ to: EVERYONE, purpose: 'TREAT' })
    expect((await consulted()).decision).toBe('CONSENT_DENY')
  })

  test('is told of a stranger, and for a stranger, as where there is no consent', async () => {
    expect((await consulted({ patientId: [somebody(9)] })).decision).toBe('NO_CONSENT')
  })

  test.each<[string, () => object, string]>([
    ['another hook', () => ({ ...asked(), hook: 'patient-view' }), 'request-invalid'],
    ['no context', () => ({ hook: 'patient-consent-consult' }), 'request-invalid'],
    ['no patient', () => asked({ patientId: [] }), 'request-invalid'],
    ['no actor', () => asked({ actor: [] }), 'request-invalid'],
    ['no purpose', () => asked({ purposeOfUse: [] }), 'purpose-missing'],
    ['a purpose that is none', () => asked({ purposeOfUse: ['CURIOSITY'] }), 'purpose-unknown'],
    [
      'a class that is none',
      () => asked({ class: [{ system: TYPES, code: 'Everything' }] }),
      'request-invalid',
    ],
  ])('is refused with %s', async (_what, body, code) => {
    expect(await a.his.consult(body())).toMatchObject({ status: 400, code })
  })

  test('is refused without the scope for it', async () => {
    expect((await a.auditor.consult(asked())).status).toBe(403)
  })
})

import type { Bundle, Consent, OperationOutcome } from 'fhir/r4.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { wishesOfConsent } from '../../../src/domain/consent/fhir/wishes-of-consent.ts'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { admit, partyOf } from '../../support/acts.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let ANNA: Identifier
let anna: PatientClient

const CLASSES = 'https://wayleave.example/fhir/CodeSystem/data-class'

/** As a hospital's consent desk writes it. */
function written(provision: object = {}, more: object = {}) {
  return {
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: 'Patient/anna' },
    provision: {
      type: 'permit',
      actor: [{ role: { coding: [{ code: 'IRCP' }] }, reference: { identifier: b.config.identifier } }],
      purpose: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }],
      class: [{ system: CLASSES, code: 'problems' }],
      securityLabel: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }],
      ...provision,
    },
    ...more,
  }
}

const file = (body: object, path = 'Consent') => a.his.fhir<Consent>('POST', path, body)
const read = (id: string | undefined) => a.his.fhir<Consent>('GET', `Consent/${id}`)
const listed = async () => (await b.his.list(ANNA, 'TREAT')).body.total

/** Everything is as at first: nothing filed, nothing shared. */
async function cleared(): Promise<void> {
  for (const proposal of await anna.proposals()) await anna.decline(proposal)
  await anna.revoke({ to: partyOf(b), purpose: 'TREAT' })
  await eventually(async () => (await listed()) === 0)
}

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  ANNA = await admit(a, 'anna', 0)
  await a.settled()
  anna = await world.enrol(a, ANNA)
}, 60_000)

afterAll(() => world?.close())

describe('A Consent that a hospital files', () => {
  test('changes nothing until the patient signs it, and the state in between shows', async () => {
    const { status, body } = await file(written())
    expect(status).toBe(201)
    expect(body).toMatchObject({ status: 'proposed', patient: { reference: 'Patient/anna' } })
    expect(body.meta?.tag?.[0]?.code).toBe('filed')
    expect(await listed()).toBe(0)

    const [proposal] = await anna.proposals()
    expect(proposal).toMatchObject({
      id: body.id,
      effect: 'permit',
      filedBy: { id: 'dr-1', role: 'physician' },
    })
    if (!proposal) throw new Error('nothing was filed')
    await anna.accept(proposal)
    await eventually(async () => (await listed()) === 1)
    expect((await read(body.id)).body).toMatchObject({ id: body.id, status: 'active' })
    expect(await anna.proposals()).toEqual([])
    await cleared()
  })

  test('comes back as it was filed', async () => {
    const { body } = await file(
      written({ period: { start: '2026-01-01', end: '2035-12-31' } }),
      'Consent/$fileConsent',
    )
    const wishes = (consent: unknown) => wishesOfConsent(consent).wishes
    expect(wishes({ ...body, status: 'active' })).toEqual(
      wishes(written({ period: { start: '2026-01-01', end: '2035-12-31' } })),
    )
    await cleared()
  })

  test('that forbids is signed as an objection', async () => {
    await file(written({ type: 'deny', securityLabel: undefined, class: undefined }))
    const [proposal] = await anna.proposals()
    if (!proposal) throw new Error('nothing was filed')
    expect(proposal.effect).toBe('deny')
    expect(await anna.accept(proposal)).toMatchObject({ receipt: { counts: 'now' } })
    await eventually(async () => (await read(proposal.id)).body.status === 'active')
    expect((await read(proposal.id)).body.provision?.type).toBe('deny')
    await anna.withdraw({ to: partyOf(b), purpose: 'TREAT' })
    await eventually(async () => (await read(proposal.id)).body.status === 'inactive')
  })

  test('is revoked by the patient only: a hospital asks for it, and it stays in force till then', async () => {
    await file(written())
    const [proposal] = await anna.proposals()
    if (!proposal) throw new Error('nothing was filed')
    await anna.accept(proposal)
    await eventually(async () => (await listed()) === 1)
    const asked = await file({}, `Consent/${proposal.id}/$revokeConsent`)
    expect(asked.body.status).toBe('active')
    expect(await listed()).toBe(1)
    const [end] = await anna.proposals()
    expect(end).toMatchObject({ id: proposal.id, effect: 'end' })
    if (!end) throw new Error('nothing was filed')
    await anna.accept(end)
    await eventually(async () => (await read(proposal.id)).body.status === 'inactive')
    await eventually(async () => (await listed()) === 0)
  })

  test('that waits for a signature is taken back by the hospital, or declined by the patient', async () => {
    const { body } = await file(
      written({
        purpose: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HPAYMT' }],
      }),
    )
    expect((await file({}, `Consent/${body.id}/$revokeConsent`)).status).toBe(204)
    expect(await anna.proposals()).toEqual([])
    expect(await read(body.id)).toMatchObject({ status: 404, code: 'consent-unknown' })
    await file(written())
    const [proposal] = await anna.proposals()
    if (!proposal) throw new Error('nothing was filed')
    await anna.decline(proposal)
    await expect(anna.decline(proposal)).rejects.toMatchObject({ code: 'consent-unknown' })
  })

  test('is refused as a whole where part of it cannot be enforced, and told where and why', async () => {
    const person = { type: 'Practitioner', identifier: { system: 'urn:x', value: 'p' } }
    const wrong = written({
      actor: [{ role: { coding: [{ code: 'IRCP' }] }, reference: person }],
      purpose: [{ system: 'urn:x', code: 'TREAT' }],
      dataPeriod: { start: '2020-01-01' },
    })
    const { status, body } = await a.his.fhir<OperationOutcome>('POST', 'Consent', wrong)
    expect(status).toBe(422)
    const told = body.issue.map(({ expression, details }) => [expression?.[0], details?.coding?.[0]?.code])
    expect(told).toContainEqual(['provision.actor[0].reference', 'consent-unenforceable'])
    expect(told).toContainEqual(['provision.purpose[0]', 'consent-unenforceable'])
    expect(await anna.proposals()).toEqual([])
  })

  test.each<[string, object, string, RegExp]>([
    ['more than ten years', { end: '2099-01-01' }, 'end', /ten years at most/],
    ['more than ten years, to the hour', { end: '2099-01-01T10:00:00Z' }, 'end', /ten years at most/],
    [
      'longer than the chain can say',
      { start: '2030-01-01', end: '9999-12-31' },
      'end',
      /here to 2040-01-02/,
    ],
    ['no longer', { start: '2020-01-01', end: '2020-12-31' }, 'end', /is over/],
  ])(
    'that runs for %s cannot be signed, and whoever files it is told where and why',
    async (_what, period, end, why) => {
      const { status, body } = await a.his.fhir<OperationOutcome>('POST', 'Consent', written({ period }))
      expect([status, body.issue.map(({ expression }) => expression?.[0])]).toEqual([
        422,
        [`provision.period.${end}`],
      ])
      expect(body.issue[0]?.details?.text).toMatch(why)
      expect(await anna.proposals()).toEqual([])
    },
  )

  test.each<[string, () => object, number, string]>([
    [
      'for nobody here',
      () => written({}, { patient: { reference: 'Patient/nobody' } }),
      422,
      'consent-unenforceable',
    ],
    ['for nobody at all', () => written({}, { patient: undefined }), 422, 'consent-unenforceable'],
    ['that is none', () => ({ resourceType: 'Patient' }), 422, 'consent-unenforceable'],
    [
      'with a number that is none',
      () => written({}, { patient: { identifier: { ...ANNA, value: '1' } } }),
      400,
      'identifier-invalid',
    ],
  ])('%s is refused', async (_what, body, status, code) => {
    expect(await file(body())).toMatchObject({ status, code })
  })
})

describe('A Consent that is filed can', () => {
  const put = (id: string | undefined, body: object) => a.his.fhir<Consent>('PUT', `Consent/${id}`, body)
  const remove = (id: string | undefined) => a.his.fhir('DELETE', `Consent/${id}`)

  test('be replaced or taken back as long as it is not signed, and nothing was ever in force', async () => {
    const { body } = await file(written())
    const narrower = written({ period: { end: '2030-01-01' } })
    expect(await put(body.id, narrower)).toMatchObject({ status: 200, body: { status: 'proposed' } })
    expect((await anna.proposals()).map(({ wish }) => wish.until)).toEqual(['2030-01-01'])
    expect((await remove(body.id)).status).toBe(204)
    expect(await anna.proposals()).toEqual([])
    // An earlier consent of this slot has ended; of a slot without any there is nothing to read.
    expect((await read(body.id)).body.status).toBe('inactive')
    expect(await listed()).toBe(0)
  })

  test('be changed once it is in force, by another signature only, and is never deleted', async () => {
    const { body } = await file(written())
    for (const proposal of await anna.proposals()) await anna.accept(proposal)
    await eventually(async () => (await read(body.id)).body.status === 'active')
    expect(await remove(body.id)).toMatchObject({ status: 422, code: 'consent-unenforceable' })
    const changed = await put(body.id, written({ period: { end: '2030-01-01' } }))
    expect(changed.body).toMatchObject({ status: 'active' })
    expect(changed.body.meta?.tag?.map(({ code }) => code)).toEqual(['in-force', 'change-filed'])
    expect(changed.body.provision?.period?.end).not.toBe('2030-01-01')
    for (const proposal of await anna.proposals()) await anna.accept(proposal)
    await eventually(async () => (await read(body.id)).body.provision?.period?.end === '2030-01-01')
    expect((await read(body.id)).body.meta?.tag?.map(({ code }) => code)).toEqual(['in-force'])
    await cleared()
  })

  test('not become one for another party, purpose or patient', async () => {
    const { body } = await file(written())
    const research = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HRESCH' }]
    for (const other of [
      written({ purpose: research }),
      written({ actor: undefined }),
      written({}, { patient: { reference: 'Patient/nobody' } }),
    ])
      expect(await put(body.id, other)).toMatchObject({ status: 422, code: 'consent-unenforceable' })
    await cleared()
  })
})

describe('A hospital reads', () => {
  const search = (query: string) => a.his.fhir<Bundle<Consent>>('GET', `Consent?${query}`)

  test('the consents of its own patient, by reference and by number, with their state', async () => {
    await file(written())
    const number = encodeURIComponent(`${ANNA.system}|${ANNA.value}`)
    for (const query of ['patient=Patient/anna', `patient.identifier=${number}`]) {
      const { body } = await search(`${query}&status=proposed`)
      expect(body.total).toBe(1)
      expect(body.entry?.[0]?.resource?.status).toBe('proposed')
    }
    expect((await search('patient=Patient/nobody')).body.total).toBe(0)
    expect(await search('patient=Patient/anna&date=2026')).toMatchObject({ code: 'unsupported-parameter' })
    expect(await search('status=active')).toMatchObject({ code: 'request-invalid' })
    await cleared()
  })

  test('and each reading is in the patient’s own history, by name', async () => {
    const before = (await anna.history(200)).filter(({ kind }) => kind === 'consents-read').length
    await search('patient=Patient/anna')
    const seen = (await anna.history(200)).filter(({ kind }) => kind === 'consents-read')
    expect(seen).toHaveLength(before + 1)
    expect(seen[0]).toMatchObject({ user: { id: 'dr-1' }, custodian: { id: a.member } })
    expect(seen[0]?.sentence).toMatch(/read the patient's consents\.$/)
  })

  test('nothing without the scope for it', async () => {
    expect((await a.auditor.fhir('GET', 'Consent?patient=Patient/anna')).status).toBe(403)
    expect((await a.auditor.fhir('POST', 'Consent', written())).status).toBe(403)
  })

  test('nothing of another hospital’s patients', async () => {
    expect((await b.his.fhir<Bundle>('GET', 'Consent?patient=Patient/anna')).body.total).toBe(0)
  })
})

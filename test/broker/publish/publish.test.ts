import type { Bundle, DocumentReference, OperationOutcome } from 'fhir/r4.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SUBMISSION_LIMIT } from '../../../src/broker/http/publish-routes.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { answerOf } from '../../../src/sandbox/his-client.ts'
import { partyOf } from '../../support/acts.ts'
import { ANNA, BRAM, patient, STRANGER } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'
import { N, sha1, simplified, submission } from './submissions.ts'

let world: World
let a: TestHospital
let b: TestHospital

/** Anna is a patient of A and B; Bram of A and B too, Caro of nobody. What A's FHIR server answers is bounded at 300 kB. */
beforeAll(async () => {
  world = await createWorld({ fronts: { fhir: ['a'] }, bounds: { fhir: { maxBytes: 300_000 } } })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  for (const hospital of [a, b]) {
    await hospital.put(patient('anna', ANNA))
    await hospital.put(patient('bram', BRAM))
    await hospital.settled()
  }
  const anna = await world.enrol(a, ANNA)
  await anna.grant({ to: partyOf(b), purpose: 'TREAT', classes: ['documents'] })
}, 60_000)

afterAll(() => world?.close())

/** What a refusal says in its place. */
type Pushed = { issue?: OperationOutcome['issue'] }

const PDF = Buffer.from('%PDF-1.7 a letter, not text\x00\xff')
const ANNA_HERE = { reference: 'Patient/anna' }

const provide = (body: unknown) => a.his.fhir<Bundle & Pushed>('POST', '', body)
const publish = (body: unknown) => a.his.fhir<DocumentReference & Pushed>('POST', 'DocumentReference', body)
const documentsAt = async (hospital: TestHospital, patientId = 'anna') =>
  (await (
    await fetch(`${hospital.fhir}/DocumentReference?patient=${patientId}&_count=500`)
  ).json()) as Bundle<DocumentReference>
/** Waits until B finds so many of Anna's documents. */
const foundAtB = (count: number) =>
  eventually(async () => {
    const { body } = await b.his.list(ANNA, 'TREAT')
    const types = (body.entry ?? []).map(({ resource }) => resource?.type?.coding?.[0]?.code)
    return types.filter((type) => type === 'DocumentReference').length === count
  })
/** What B finds and opens of Anna's documents, by masterIdentifier. */
async function seenAtB(): Promise<Map<string, DocumentReference>> {
  const { body } = await b.his.list(ANNA, 'TREAT')
  const seen = new Map<string, DocumentReference>()
  for (const { resource } of body.entry ?? []) {
    if (resource?.resourceType !== 'DocumentReference') continue
    const opened = (await b.his.open(resource.id ?? '', 'TREAT')).body as unknown as DocumentReference
    if (opened.resourceType === 'DocumentReference') seen.set(opened.masterIdentifier?.value ?? '', opened)
  }
  return seen
}
const writes = () => a.fhirAccess.filter(({ method }) => method !== 'GET').length
/** A push that must be refused: its code, and where the faults are; nothing may be stored of it. */
async function refused(push: Promise<{ status: number; code?: string; body: Pushed }>) {
  const before = writes()
  const { status, code, body } = await push
  expect(writes()).toBe(before)
  return { status, code, at: (body.issue ?? []).flatMap(({ expression = [] }) => expression) }
}

describe('A document that a HIS pushes', () => {
  test('as a Provide Document Bundle is stored whole, and found and opened elsewhere byte for byte', async () => {
    const { status, body } = await provide(submission(1, PDF, ANNA_HERE))
    expect(status).toBe(200)
    expect(body.type).toBe('transaction-response')
    expect(body.entry?.map(({ response }) => response?.status?.slice(0, 3))).toEqual(['201', '201', '201'])
    const [list, document, binary] = body.entry?.map(({ response }) => response?.location ?? '') ?? []
    expect(list).toMatch(new RegExp(`^${a.fhirFront?.base}/fhir/List/`))
    expect(binary).toBe(document)
    await foundAtB(1)
    const opened = (await seenAtB()).get('urn:oid:1.2.3.1')
    const { attachment } = opened?.content[0] ?? {}
    expect(Buffer.from(attachment?.data ?? '', 'base64').equals(PDF)).toBe(true)
    expect(attachment).toMatchObject({ contentType: 'application/pdf', size: PDF.length, hash: sha1(PDF) })
    expect(opened?.subject).toEqual(ANNA_HERE)
    const stored = (await (await fetch(list?.replace(`${a.fhirFront?.base}/fhir`, a.fhir) ?? '')).json()) as {
      subject: unknown
      entry: { item: { reference: string } }[]
    }
    expect(stored.subject).toEqual(ANNA_HERE)
    expect(document).toContain(stored.entry[0]?.item.reference)
  })

  test('in one DocumentReference, for a patient named by a national identifier, is stored and found alike', async () => {
    const note = Buffer.from('Seen today. Well.')
    const { status, body } = await publish(simplified(2, note, { identifier: ANNA }))
    expect(status).toBe(201)
    expect(body.subject).toMatchObject({ reference: 'Patient/anna' })
    await foundAtB(2)
    const opened = (await seenAtB()).get('urn:oid:1.2.3.2')
    expect(opened?.content[0]?.attachment).toMatchObject({ size: note.length, hash: sha1(note) })
    // It holds what the profile wants elsewhere, and says nothing else.
    expect(opened?.meta?.profile).toBeUndefined()
  })

  test('is labelled by its security labels: without one it is restricted, and a sensitive one is kept to the letter', async () => {
    const hiv = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' }] }
    await publish(simplified(3, PDF, ANNA_HERE, { securityLabel: undefined }))
    await publish(simplified(4, PDF, ANNA_HERE, { securityLabel: [N, hiv] }))
    await publish(simplified(5, PDF, ANNA_HERE))
    await foundAtB(3)
    expect([...(await seenAtB()).keys()].sort()).toEqual([
      'urn:oid:1.2.3.1',
      'urn:oid:1.2.3.2',
      'urn:oid:1.2.3.5',
    ])
  })

  test('replaces another one, which is then superseded, in one transaction', async () => {
    const { body } = await publish(simplified(6, PDF, ANNA_HERE))
    const relatesTo = [{ code: 'replaces', target: { reference: `DocumentReference/${body.id}` } }]
    expect((await publish(simplified(7, PDF, ANNA_HERE, { relatesTo }))).status).toBe(201)
    const old = (await (await fetch(`${a.fhir}/DocumentReference/${body.id}`)).json()) as DocumentReference
    expect(old.status).toBe('superseded')
    const again = await refused(publish(simplified(8, PDF, ANNA_HERE, { relatesTo })))
    expect(again).toMatchObject({ code: 'document-invalid', at: ['DocumentReference.relatesTo'] })
    const { body: brams } = await publish(simplified(9, PDF, { reference: 'Patient/bram' }))
    const theirs = [{ code: 'replaces', target: { reference: `DocumentReference/${brams.id}` } }]
    const other = await refused(publish(simplified(10, PDF, ANNA_HERE, { relatesTo: theirs })))
    expect(other.code).toBe('document-invalid')
  })

  test('is stored once, however often it is pushed, and at one time', async () => {
    const pushed = await Promise.all([1, 2, 3].map(() => publish(simplified(11, PDF, ANNA_HERE))))
    expect(pushed.filter(({ status }) => status === 201).length).toBeGreaterThan(0)
    const { status, code } = await refused(publish(simplified(11, PDF, ANNA_HERE)))
    expect([status, code]).toEqual([409, 'document-duplicate'])
    const stored = (await documentsAt(a)).entry?.filter(
      ({ resource }) => resource?.masterIdentifier?.value === 'urn:oid:1.2.3.11',
    )
    expect(stored?.length).toBe(1)
    const twice = submission(12, PDF, ANNA_HERE)
    const [set, document] = twice.entry
    const more = { ...document, fullUrl: 'urn:uuid:00000000-0000-4000-8000-000000000009' }
    const item = { item: { reference: more.fullUrl } }
    const both = {
      ...set,
      resource: { ...set?.resource, entry: [...((set?.resource.entry ?? []) as []), item] },
    }
    const bundle = { ...twice, entry: [both, document, twice.entry[2], more] }
    expect((await refused(provide(bundle))).code).toBe('document-duplicate')
  })

  test('is registered even where several together are more than one answer of the FHIR server may hold', async () => {
    const large = Buffer.alloc(140_000, 7)
    for (const n of [13, 14, 15]) expect((await publish(simplified(n, large, ANNA_HERE))).status).toBe(201)
    await foundAtB(9)
  })

  test('is noted with who pushed it for whom', async () => {
    const { body } = await a.auditor.audit({ 'patient.identifier': identifierText(ANNA), _count: '500' })
    const noted = body.entry?.filter(
      ({ resource }) => resource?.meta?.tag?.[0]?.code === 'document-published',
    )
    expect(noted?.length).toBeGreaterThan(5)
    expect(noted?.[0]?.resource?.text?.div).toContain('Dr One (physician) at Hospital A added documents')
  })
})

describe('Nothing is stored of a push', () => {
  test('whose document is not what its DocumentReference says: size, hash or content type', async () => {
    const attachment = {
      contentType: 'application/pdf',
      url: 'urn:uuid:00000000-0000-4000-8000-000000000003',
    }
    for (const [name, value] of Object.entries({
      size: PDF.length + 1,
      hash: sha1(Buffer.from('another')),
      contentType: 'text/plain',
      url: 'urn:uuid:00000000-0000-4000-8000-000000000007',
    })) {
      const content = [{ attachment: { ...attachment, [name]: value } }]
      const found = await refused(provide(submission(20, PDF, ANNA_HERE, { content })))
      // A Binary that nobody names is a fault of the Bundle already.
      if (name === 'url') expect(found.code).toBe('document-invalid')
      else
        expect([name, found]).toEqual([
          name,
          {
            status: 422,
            code: 'document-mismatch',
            at: [`Bundle.entry[1].resource.content.attachment.${name}`],
          },
        ])
    }
    const empty = [{ attachment: { contentType: 'text/plain', data: '!!' } }]
    expect((await refused(publish(simplified(20, PDF, ANNA_HERE, { content: empty })))).code).toBe(
      'document-mismatch',
    )
  })

  test('that lacks what MHD requires: each element is named', async () => {
    const without = async (change: (bundle: ReturnType<typeof submission>) => void) => {
      const bundle = submission(21, PDF, ANNA_HERE)
      change(bundle)
      const { code, at } = await refused(provide(bundle))
      expect(code).toBe('document-invalid')
      return at
    }
    const set = (bundle: ReturnType<typeof submission>) =>
      bundle.entry[0]?.resource as Record<string, unknown>
    const document = (bundle: ReturnType<typeof submission>) =>
      bundle.entry[1]?.resource as Record<string, unknown>
    for (const name of ['status', 'mode', 'identifier', 'date', 'extension'])
      expect(await without((bundle) => delete set(bundle)[name])).toEqual([
        `Bundle.entry[0].resource.${name}`,
      ])
    expect(await without((bundle) => delete set(bundle).code)).toContain('Bundle.entry')
    expect(await without((bundle) => delete set(bundle).entry)).toEqual(['Bundle.entry[1]'])
    for (const name of ['status', 'masterIdentifier', 'subject'])
      expect(await without((bundle) => delete document(bundle)[name])).toEqual([
        `Bundle.entry[1].resource.${name}`,
      ])
    expect(await without((bundle) => delete document(bundle).content)).toContain(
      'Bundle.entry[1].resource.content',
    )
    expect(await without((bundle) => Object.assign(document(bundle), { docStatus: 'final' }))).toHaveLength(1)
    expect(await without((bundle) => Object.assign(bundle.meta, { profile: [] }))).toEqual([
      'Bundle.meta.profile',
    ])
    const comprehensive = [
      'https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.Comprehensive.ProvideBundle|4.2.2',
    ]
    expect(await without((bundle) => Object.assign(bundle.meta, { profile: comprehensive }))).toEqual([
      ...['extension', 'subject'].map((name) => `Bundle.entry[0].resource.${name}`),
      ...['category', 'content.attachment.language', 'content.attachment.creation', 'content.format'].map(
        (name) => `Bundle.entry[1].resource.${name}`,
      ),
      ...['facilityType', 'practiceSetting', 'sourcePatientInfo'].map(
        (name) => `Bundle.entry[1].resource.context.${name}`,
      ),
    ])
  })

  test('that does more than to add documents, or refers to what is not there', async () => {
    const changed = async (change: (bundle: ReturnType<typeof submission>) => void) => {
      const bundle = submission(22, PDF, ANNA_HERE)
      change(bundle)
      return (await refused(provide(bundle))).code
    }
    const put = { method: 'PUT', url: 'Patient/anna' }
    expect(await changed(({ entry }) => Object.assign(entry[1] ?? {}, { request: put }))).toBe(
      'document-invalid',
    )
    expect(
      await changed(({ entry }) => Object.assign(entry[1]?.resource ?? {}, { resourceType: 'Condition' })),
    ).toBe('document-invalid')
    expect(await changed(({ entry }) => Object.assign(entry[2] ?? {}, { fullUrl: 'Binary/1' }))).toBe(
      'document-invalid',
    )
    expect(await changed(({ entry }) => Object.assign(entry[2] ?? {}, { fullUrl: entry[1]?.fullUrl }))).toBe(
      'document-invalid',
    )
    const author = [{ reference: 'urn:uuid:00000000-0000-4000-8000-000000000008' }]
    expect(await changed(({ entry }) => Object.assign(entry[1]?.resource ?? {}, { author }))).toBe(
      'document-invalid',
    )
    const many = Array.from({ length: 101 }, () => ({}))
    expect(await changed((bundle) => Object.assign(bundle, { entry: many }))).toBe('document-invalid')
    expect(await changed((bundle) => Object.assign(bundle, { type: 'batch' }))).toBe('document-invalid')
    expect((await refused(provide([]))).code).toBe('document-invalid')
    expect((await refused(publish({ resourceType: 'Condition' }))).code).toBe('request-invalid')
  })

  test('that is about nobody here, another hospital’s patient, or two people', async () => {
    const at = async (subject: unknown, document = {}) => {
      const { status, code, at } = await refused(publish(simplified(23, PDF, subject, document)))
      expect([status, code]).toEqual([422, 'document-patient'])
      return at[0]
    }
    for (const subject of [
      { reference: 'Patient/nobody' },
      { reference: `${b.fhir}/Patient/anna` },
      { reference: 'Practitioner/anna' },
      { reference: 'Patient?identifier=1' },
      { identifier: STRANGER },
      { identifier: { ...ANNA, value: '123456789' } },
      { reference: '#p' },
    ])
      expect(await at(subject)).toBe('DocumentReference.subject')
    expect(await at({ ...ANNA_HERE, identifier: BRAM })).toBe('DocumentReference.subject.identifier')
    const contained = [{ resourceType: 'Patient', id: 'p', identifier: [BRAM] }]
    expect(await at(ANNA_HERE, { contained })).toBe('DocumentReference.contained')
    expect(await at(ANNA_HERE, { author: [{ reference: 'Patient/bram' }] })).toBe('DocumentReference')
    const other = submission(23, PDF, ANNA_HERE)
    Object.assign(other.entry[0]?.resource ?? {}, { subject: { reference: 'Patient/bram' } })
    expect((await refused(provide(other))).code).toBe('document-patient')
  })

  test('that comes without the right token, is too large, or cannot be read in one way only', async () => {
    const send = async (body: BodyInit, headers: Record<string, string> = {}) =>
      answerOf(
        await fetch(`${a.broker.base}/fhir`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/fhir+json', ...headers },
        }),
      )
    const bearer = { authorization: `Bearer ${await a.his.token('TREAT')}` }
    const before = writes()
    // Refused by its head: of these bytes nothing is kept.
    expect((await send('x'.repeat(1_000_000))).code).toBe('token-missing')
    expect((await send('{}', { authorization: `Bearer ${await a.auditor.token('TREAT')}` })).code).toBe(
      'scope-insufficient',
    )
    expect((await send('x'.repeat(SUBMISSION_LIMIT + 1), bearer)).code).toBe('body-too-large')
    expect((await send('{"resourceType":"Bundle"', bearer)).code).toBe('malformed-json')
    expect((await send('{"type":1,"type":2}', bearer)).code).toBe('duplicate-key')
    expect((await send('['.repeat(70) + ']'.repeat(70), bearer)).code).toBe('too-deep')
    expect((await send('{"n":0.10000000000000000001}', bearer)).code).toBe('number-not-exact')
    expect((await send(new Uint8Array([0x7b, 0xff, 0x7d]), bearer)).code).toBe('malformed-json')
    expect((await send('a=1', { ...bearer, 'content-type': 'text/plain' })).code).toBe(
      'content-type-unsupported',
    )
    expect((await send('{"__proto__":{"resourceType":"Bundle","type":"transaction"}}', bearer)).code).toBe(
      'document-invalid',
    )
    expect(writes()).toBe(before)
  })

  test('where the FHIR server is down or takes it not, and the trail says that nothing came of it', async () => {
    const behaves = async (status: number) => {
      if (a.fhirFront)
        a.fhirFront.behave = async ({ method }, forward) =>
          method === 'POST' ? { status, headers: {}, body: '{}' } : forward()
      const { code } = await publish(simplified(24, PDF, ANNA_HERE))
      if (a.fhirFront) a.fhirFront.behave = undefined
      return code
    }
    expect(await behaves(500)).toBe('source-unavailable')
    expect(await behaves(422)).toBe('document-refused')
    expect(await behaves(200)).toBe('source-unavailable')
    const { body } = await a.auditor.audit({ _count: '20' })
    const failed = body.entry?.filter(
      ({ resource }) => resource?.meta?.tag?.[0]?.code === 'document-published' && resource.outcome === '8',
    )
    expect(failed?.length).toBe(3)
    expect((await publish(simplified(24, PDF, ANNA_HERE))).status).toBe(201)
  })
})

test('A Patient that is pushed along names the patient by a national identifier, and is not stored', async () => {
  const fullUrl = 'urn:uuid:00000000-0000-4000-8000-000000000004'
  const bundle = submission(
    30,
    PDF,
    { reference: fullUrl },
    { context: { sourcePatientInfo: { reference: fullUrl } } },
  )
  const known = { resourceType: 'Patient', identifier: [ANNA], name: [{ family: 'Changed' }] }
  const { status, body } = await provide({
    ...bundle,
    entry: [...bundle.entry, { fullUrl, resource: known }],
  })
  expect(status).toBe(200)
  expect(body.entry?.[3]?.response).toMatchObject({
    status: '200 OK',
    location: expect.stringContaining('Patient/anna'),
  })
  const stored = (await documentsAt(a)).entry?.find(
    ({ resource }) => resource?.masterIdentifier?.value === 'urn:oid:1.2.3.30',
  )?.resource
  expect([stored?.subject, stored?.context?.sourcePatientInfo]).toEqual([ANNA_HERE, ANNA_HERE])
  expect(await (await fetch(`${a.fhir}/Patient/anna`)).text()).not.toContain('Changed')
  const other = { ...known, identifier: [STRANGER] }
  const foreign = { ...bundle, entry: [...bundle.entry, { fullUrl, resource: other }] }
  expect((await refused(provide(foreign))).code).toBe('document-patient')
})

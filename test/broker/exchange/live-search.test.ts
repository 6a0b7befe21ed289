import type { Bundle, Observation, Provenance } from 'fhir/r4.js'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import type { Front, FrontAnswer } from '../../support/front.ts'
import { clinicalReads, insideOf } from '../../support/inside.ts'
import { ANNA, BRAM, condition, observation, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
let broker: Front
let fhir: Front
const HIV_LAB = {
  code: { coding: [{ system: 'http://loinc.org', code: '25836-8', display: 'HIV 1 RNA' }], text: 'HIV' },
}

const toB = () => ({ granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) })
const grant = () => anna.grant({ to: toB(), purpose: 'TREAT', classes: ['observations'] })

/**
 * By the search itself: B's list may still be that of the share before. Nor is anything granted before B has heard of that
 * share's end, which would else come later and stop what follows.
 */
async function grantAnew(): Promise<void> {
  const inForce = () =>
    insideOf(b).db().selectFrom('shares_received').select('id').where('ended', '=', false).execute()
  await eventually(async () => (await inForce()).length === 0)
  await grant()
  await eventually(async () => (await search('Observation')).ids.length === 5)
}

beforeAll(async () => {
  world = await createWorld({ fronts: { broker: ['a'], fhir: ['a'] } })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  ;[broker, fhir] = [a.brokerFront as Front, a.fhirFront as Front]
  await a.put(patient('anna', ANNA))
  await a.put(patient('bram', BRAM))
  // Every third one is sensitive, and the last ones are all.
  for (let i = 0; i < 9; i++) {
    const one = observation(`o${i}`, 'anna', 60 + i)
    await a.put(i % 3 === 2 || i > 6 ? { ...one, ...HIV_LAB } : one)
  }
  await a.put(observation('bram1', 'bram', 99))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
  anna = await world.enrol(a, ANNA)
  await grant()
  await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.total === 5)
}, 60_000)
afterEach(() => {
  broker.behave = undefined
  fhir.behave = undefined
  a.afterIntent = undefined
})
afterAll(() => world?.close())

type Page = Bundle<Observation | Provenance>

/** What B's HIS gets for a search, or for the page at an address. */
async function search(query: string, purpose = 'TREAT', person = ANNA) {
  const whose = new URLSearchParams({
    'patient.identifier': identifierText(person),
    'custodian.identifier': identifierText(a.config.identifier),
  })
  const url = query.startsWith('http')
    ? query
    : `${b.broker.base}/shared/fhir/${query}${query.includes('?') ? '&' : '?'}${whose}`
  const answer = await fetch(url, { headers: { authorization: `Bearer ${await b.his.token(purpose)}` } })
  const text = await answer.text()
  const body = JSON.parse(text) as Page
  const entries = body.entry ?? []
  const code = (body as { issue?: { details?: { coding?: { code?: string }[] } }[] }).issue?.[0]?.details
    ?.coding?.[0]?.code
  return {
    status: answer.status,
    ...{ code, text, body },
    ids: entries.filter(({ search: s }) => s?.mode === 'match').map(({ resource }) => resource?.id),
    next: body.link?.find(({ relation }) => relation === 'next')?.url,
  }
}

const gained = async (hospital: TestHospital, from: number) =>
  (await insideOf(hospital).trail()).slice(from).filter(({ chain }) => !chain)
const lines = async (hospital: TestHospital) => (await insideOf(hospital).trail()).length

test('a search is answered live, resource by resource as consent is, with what each page is signed by', async () => {
  const [atA, atB] = [await lines(a), await lines(b)]
  const { status, ids, body, next } = await search('Observation')
  expect(status).toBe(200)
  expect(ids.sort()).toEqual(['o0', 'o1', 'o3', 'o4', 'o6'])
  expect(next).toBeUndefined()
  expect(body.total).toBeUndefined()
  const marks = (body.entry ?? []).flatMap(
    ({ extension }) => extension?.map(({ valueBoolean }) => valueBoolean) ?? [],
  )
  expect(marks).toEqual([true, true, true, true, true])
  const provenance = body.entry?.at(-1)?.resource as Provenance
  expect(provenance.resourceType).toBe('Provenance')
  expect(provenance.target).toHaveLength(5)
  expect(provenance.entity).toHaveLength(5)
  expect(provenance.signature).toHaveLength(1)

  const told = await gained(a, atA)
  expect(told.map(({ kind }) => kind)).toEqual(['intent', ...Array(5).fill('disclosure')])
  const received = (await gained(b, atB)).filter(({ kind }) => kind === 'receipt')
  expect(new Set([...told, ...received].map(({ exchange }) => exchange)).size).toBe(1)
})

test('parameters narrow it, and what is of another patient or class is not in it', async () => {
  expect((await search('Observation?_id=o1')).ids).toEqual(['o1'])
  expect((await search('Observation?_id=bram1')).ids).toEqual([])
  expect((await search('Observation?_id=o2')).ids).toEqual([])
  expect((await search('Condition')).ids).toEqual([])
})

test('pages tell nothing of what is withheld: no totals, and a next page only where something is on it', async () => {
  const pages: (string | undefined)[][] = []
  let at = await search('Observation?_count=2&_sort=_id')
  for (;;) {
    pages.push(at.ids)
    expect(at.text).not.toMatch(/total|HIV|25836/)
    if (!at.next) break
    at = await search(at.next)
  }
  // o7 and o8 are sensitive: behind o6 nothing more is promised.
  expect(pages.map((page) => page.length)).toEqual([2, 2, 1])
  expect(new Set(pages.flat())).toEqual(new Set(['o0', 'o1', 'o3', 'o4', 'o6']))
})

test('the name of a page tells nothing, and is good for nobody else and for no other purpose', async () => {
  const { next = '' } = await search('Observation?_count=2')
  const name = new URL(next).searchParams.get('_page') ?? ''
  expect(Buffer.from(name, 'base64url').toString('latin1')).not.toMatch(/anna|Observation|http/)
  expect((await search(next, 'HRESCH')).code).toBe('not-available')
  expect((await search(next.replace('Observation', 'Condition'))).code).toBe('not-available')
  expect((await search(`${next.slice(0, -2)}AA`)).code).toBe('not-available')
})

test('a revocation between two pages stops the next, and the FHIR server is not even asked', async () => {
  const { next = '' } = await search('Observation?_count=2')
  await anna.revoke({ to: toB(), purpose: 'TREAT' })
  const from = a.fhirAccess.length
  const refused = await search(next)
  expect(refused).toMatchObject({ status: 404, code: 'not-available' })
  expect(clinicalReads(a, from)).toEqual([])
  await grantAnew()
})

test('a revocation while the FHIR server answers counts: nothing of its answer goes out', async () => {
  a.afterIntent = async () => {
    a.afterIntent = undefined
    await anna.revoke({ to: toB(), purpose: 'TREAT' })
  }
  const { ids, text } = await search('Observation')
  expect(ids).toEqual([])
  expect(text).not.toMatch(/Heart rate/)
  await grantAnew()
})

test('no consent, another purpose, another patient and a patient whom nobody knows are refused alike', async () => {
  const said = [await search('Observation', 'HRESCH'), await search('Observation', 'TREAT', BRAM)]
  for (const { status, code } of said)
    expect({ status, code }).toEqual({ status: 404, code: 'not-available' })
})

test('a search cannot reach beyond the patient and the type, nor ask for counts', async () => {
  const bent = [
    'patient=bram',
    'subject=Patient/bram',
    '_include=*',
    '_revinclude=List:item',
    '_has:Group:member:_id=1',
  ]
  const more = [
    '_summary=count',
    '_total=accurate',
    '_elements=id',
    'subject.name=x',
    'patient:Patient=bram',
    'no-such=1',
  ]
  for (const query of [...bent, ...more])
    expect({ query, code: (await search(`Observation?${query}`)).code }).toEqual({
      query,
      code: 'unsupported-parameter',
    })
  expect((await search('Patient')).code).toBe('unsupported-parameter')
})

test('a version that is not registered yet is marked so, and one that is another than registered is withheld, with an alarm', async () => {
  let lie: (text: string) => string = (text) => text
  fhir.behave = async ({ path }, forward) => {
    const honest = await forward()
    if (!path.startsWith('/fhir/Observation?')) return honest
    return { ...honest, body: lie(Buffer.from(honest.body as Uint8Array).toString()) }
  }
  lie = (text) => text.replace('"versionId":"1"', '"versionId":"7"')
  const marked = await search('Observation?_id=o1')
  expect(marked.ids).toEqual(['o1'])
  expect(marked.body.entry?.[0]?.extension?.[0]?.valueBoolean).toBe(false)

  const from = await lines(a)
  lie = (text) => text.replace('"value":61', '"value":62')
  expect((await search('Observation?_id=o1')).ids).toEqual([])
  expect((await gained(a, from)).map(({ kind, reason }) => reason ?? kind)).toContain('record-changed')

  // Another patient's, and something of another type: withheld as everywhere.
  lie = (text) => text.replaceAll('Patient/anna', 'Patient/bram')
  expect((await search('Observation?_id=o1')).ids).toEqual([])
  lie = (text) => text.replace('"resourceType":"Observation"', '"resourceType":"Practitioner"')
  expect((await search('Observation?_id=o1')).ids).toEqual([])
})

test('a FHIR server that leads elsewhere, answers no Bundle or not at all: refused, nothing released', async () => {
  const answers: ((honest: FrontAnswer) => FrontAnswer)[] = [
    () => ({ status: 503, headers: {}, body: '' }),
    () => ({ status: 200, headers: {}, body: '<html>' }),
    () => ({ status: 200, headers: {}, body: '{"resourceType":"Observation"}' }),
    () => ({
      ...{ status: 200, headers: {} },
      body: '{"resourceType":"Bundle","type":"searchset","link":[{"relation":"next","url":"http://169.254.169.254/"}]}',
    }),
  ]
  for (const answer of answers) {
    fhir.behave = async ({ path }, forward) =>
      path.startsWith('/fhir/Observation?') ? answer(await forward()) : forward()
    expect((await search('Observation')).code).toBe('not-available')
  }
})

describe('nothing of a page is handed on, and an alarm is raised, when the custodian', () => {
  const lie = (change: (text: string, headers: FrontAnswer['headers']) => FrontAnswer) => {
    broker.behave = async ({ path }, forward) => {
      const honest = await forward()
      if (!path.startsWith('/exchange/search/')) return honest
      const { 'content-length': _, ...headers } = honest.headers
      return change(Buffer.from(honest.body as Uint8Array).toString(), headers)
    }
  }
  const refused = async () => {
    const from = await lines(b)
    const { code, text } = await search('Observation')
    expect(text).not.toMatch(/Heart rate/)
    const kinds = (await gained(b, from)).map(({ kind }) => kind)
    expect(kinds).toEqual(['alarm'])
    return code
  }

  test('changes a resource, leaves one out, or names another page', async () => {
    for (const [from, to] of [
      ['"value":61', '"value":62'],
      ['"registered":[', '"registered":[],"was":['],
      ['{"bundle"', '{"next":"x","bundle"'],
    ] as const) {
      lie((text, headers) => ({ status: 200, headers, body: text.replace(from, to) }))
      expect(await refused()).toBe('response-invalid')
    }
  })

  test('replays an earlier page', async () => {
    let earlier: FrontAnswer | undefined
    lie((body, headers) => {
      earlier = { status: 200, headers, body }
      return earlier
    })
    expect((await search('Observation')).ids).toHaveLength(5)
    lie(() => earlier as FrontAnswer)
    expect(await refused()).toBe('response-invalid')
  })

  test('leaves out its signature, or answers what is no page', async () => {
    lie((body, { 'wayleave-response-signature': _, ...headers }) => ({ status: 200, headers, body }))
    expect(await refused()).toBe('response-invalid')
    lie((_body, headers) => ({ status: 200, headers, body: '[]' }))
    expect(await refused()).toBe('response-invalid')
  })
})

test('what is searched for stands in no address between the brokers', async () => {
  const paths: string[] = []
  let subject = ''
  broker.behave = async ({ path, headers }, forward) => {
    paths.push(path)
    subject ||= String(headers.authorization ?? '').startsWith('DPoP ')
      ? JSON.stringify(decodeJwt(String(headers.authorization).slice(5)))
      : ''
    return forward()
  }
  await search('Observation?_id=o1')
  expect(paths.join(' ')).not.toMatch(/o1|Observation|999/)
  expect(subject).not.toMatch(/999939841/)
})

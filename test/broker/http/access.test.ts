import pMap from 'p-map'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OPERATIONS } from '../../../src/broker/http/api/operations.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { createWords } from '../../../src/patient/seed.ts'
import { answerOf } from '../../../src/sandbox/his-client.ts'
import { insideOf } from '../../support/inside.ts'
import { condition, patient, somebody } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'
import { type Credential, callersOf } from './access-callers.ts'
import {
  ACCESS,
  type CallerName,
  FOREIGN_CALLERS,
  OWN_CALLERS,
  type Place,
  type Row,
} from './access-table.ts'

type Tenant = {
  hospital: TestHospital
  place: Place
  callers: Record<CallerName, Credential>
  /** Of each endpoint, the statuses that its broker declares. */
  declared: Map<string, Set<string>>
}

let world: World
let tenants: [Tenant, Tenant]

beforeAll(async () => {
  world = await createWorld({ requestsPerMinuteOfClient: 100_000 })
  const [a, b] = world.hospitals as [TestHospital, TestHospital]
  const pairs = [
    [a, b, 1],
    [b, a, 3],
  ] as const
  const words = { patient: createWords(), another: createWords() }
  await Promise.all(
    pairs.map(async ([hospital, other, number]) => {
      await hospital.put(patient('one', somebody(number)))
      await hospital.put(patient('two', somebody(number + 1)))
      await hospital.put(condition('c1', 'one', 'Hypertension'))
      await hospital.put(condition('c2', 'two', 'Asthma', '195967001'))
      await hospital.settled()
      const one = await world.enrol(hospital, somebody(number), words.patient)
      await world.enrol(hospital, somebody(number + 1), words.another)
      const to = { granteeType: 'Organization' as const, grantee: identifierText(other.config.identifier) }
      await one.grant({ to, purpose: 'TREAT', classes: ['problems'] })
    }),
  )
  tenants = (await Promise.all(
    pairs.map(async ([hospital, other, number]) => {
      const place = await placeOf(hospital, other, somebody(number === 1 ? 3 : 1))
      const callers = await callersOf(world, [hospital, other], place, words)
      return { hospital, place, callers, declared: await declaredBy(hospital) }
    }),
  )) as [Tenant, Tenant]
}, 60_000)

afterAll(() => world?.close())

/** @param person whose record the other hospital shares */
async function placeOf(
  hospital: TestHospital,
  other: TestHospital,
  person: Parameters<typeof identifierText>[0],
): Promise<Place> {
  const record = await eventually(
    async () => (await hospital.his.list(person, 'TREAT')).body.entry?.[0]?.resource?.id ?? '',
  )
  const share = await eventually(() =>
    insideOf(other).db().selectFrom('shares_received').select('reference').executeTakeFirst(),
  )
  const filed = await hospital.his.fhir<{ id: string }>('POST', 'Consent', {
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: 'Patient/one' },
    provision: {
      type: 'permit',
      actor: [
        {
          role: { coding: [{ code: 'IRCP' }] },
          reference: { identifier: other.config.identifier },
        },
      ],
      purpose: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HRESCH' }],
      class: [{ system: 'https://wayleave.example/fhir/CodeSystem/data-class', code: 'problems' }],
      securityLabel: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }],
    },
  })
  expect(filed.status).toBe(201)
  return {
    ...{ record, consent: filed.body.id, proposal: filed.body.id },
    tag: await insideOf(hospital).tagOf('Condition', 'c1'),
    reference: share.reference,
    person: identifierText(person),
    custodian: identifierText(other.config.identifier),
  }
}

async function declaredBy(hospital: TestHospital): Promise<Map<string, Set<string>>> {
  const { paths } = (await (await fetch(`${hospital.broker.base}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { responses: object }>>
  }
  return new Map(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { responses }]) => [
        `${method.toUpperCase()} ${path.replaceAll(/\{[^}]+\}/g, '{}')}`,
        new Set(Object.keys(responses)),
      ]),
    ),
  )
}

const nameIn = (operation: string) => operation.replaceAll(/:\w+|\*/g, '{}')

/** What somebody is answered who asks for this at a broker: a status where it succeeds, else a code. */
async function answered(at: Tenant, operation: string, row: Row, credential: Credential) {
  const [method = '', template = ''] = operation.split(' ')
  const { params = {}, query, type, body } = row.ask(at.place)
  const path = template.replaceAll(/:(\w+)|\*/g, (_all, name = '*') => params[name] ?? 'x')
  const search = query ? `?${new URLSearchParams(query)}` : ''
  const url = `${at.hospital.broker.base}${path}`
  const response = await fetch(`${url}${search}`, {
    method,
    headers: { ...(await credential(method, url)), ...(type ? { 'content-type': type } : {}) },
    ...(body === undefined ? {} : { body }),
  })
  const { status, code, bytes } = await answerOf(response)
  const isDeclared = at.declared.get(nameIn(operation))?.has(String(status)) ?? false
  return { said: code ?? status, status, isDeclared, text: Buffer.from(bytes).toString() }
}

/** Every cell of the table at a hospital, for the callers that a hospital knows; those that are not as they should be. */
async function wrongCells(
  at: Tenant,
  callers: readonly CallerName[],
  from: Tenant,
  expected: (row: Row, caller: CallerName) => string | number,
) {
  let cells = 0
  const wrong: string[] = []
  await pMap(
    Object.entries(ACCESS),
    async ([operation, row]) => {
      for (const caller of callers) {
        const want = isOfStrangePage(operation, caller) ? 'origin-refused' : expected(row, caller)
        const { said, status, isDeclared } = await answered(at, operation, row, from.callers[caller])
        cells++
        // Whether a broker under this many requests is ready is its own to say; everybody may hear it.
        if (operation === 'GET /ready' && want === 200 && status === 503) continue
        if (said !== want || !isDeclared || status >= 500)
          wrong.push(
            `${operation}, ${caller}: ${said} (${status}${isDeclared ? '' : ', undeclared'}), not ${want}`,
          )
      }
    },
    { concurrency: 8 },
  )
  return { cells, wrong }
}

/** What a page of the console has no business with: the browser says where the call comes from, save when it only reads. */
const isOfStrangePage = (operation: string, caller: CallerName) =>
  caller.endsWith('the console') && /^POST \/(patient\/|relay$)/.test(operation)

const other = (at: Tenant) => (at === tenants[0] ? tenants[1] : tenants[0])

const letIn = (row: Row, caller: CallerName) =>
  caller === 'another patient' ? (row.anotherPatient ?? row.answer) : row.answer

test('whoever is to say who may call an endpoint has said so for every one', () => {
  expect(Object.keys(ACCESS).sort()).toEqual(Object.keys(OPERATIONS).sort())
})

test.each([0, 1] as const)(
  'at hospital %i every caller is let in or refused at every endpoint as it is written',
  async (at) => {
    const tenant = tenants[at]
    const { cells, wrong } = await wrongCells(tenant, OWN_CALLERS, tenant, (row, caller) => {
      const word = row.door.own[caller]
      return word === 'in' ? letIn(row, caller) : word
    })
    expect(wrong).toEqual([])
    expect(cells).toBe(Object.keys(OPERATIONS).length * OWN_CALLERS.length)
  },
  60_000,
)

test.each([0, 1] as const)(
  'at hospital %i what another hospital’s broker gave out opens nothing',
  async (at) => {
    const tenant = tenants[at]
    const { cells, wrong } = await wrongCells(tenant, FOREIGN_CALLERS, other(tenant), (row, caller) => {
      const word = row.door.foreign[caller as (typeof FOREIGN_CALLERS)[number]]
      return word === 'in' ? row.answer : word
    })
    expect(wrong).toEqual([])
    expect(cells).toBe(Object.keys(OPERATIONS).length * FOREIGN_CALLERS.length)
  },
  60_000,
)

test('a patient’s session shows what is that patient’s, and nothing of another’s', async () => {
  for (const at of tenants)
    for (const path of ['consents', 'history', 'record', 'proposals', 'requests']) {
      const operation = `GET /patient/${path}`
      const of = (caller: CallerName) => answered(at, operation, ACCESS[operation] as Row, at.callers[caller])
      const [own, another] = [await of('patient'), await of('another patient')]
      expect([path, own.status, another.status]).toEqual([path, 200, 200])
      expect(another.text, path).not.toMatch(/Patient\/one\b|Hypertension|"c1"/)
      expect(own.text, path).not.toMatch(/Patient\/two\b|Asthma|"c2"/)
    }
})

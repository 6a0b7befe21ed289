import { createHash, randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import type { Front, FrontAnswer } from '../../support/front.ts'
import { clinicalReads, insideOf } from '../../support/inside.ts'
import { ANNA, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
/** Before A's broker, and before A's FHIR server. */
let broker: Front
let fhir: Front
/** What B's HIS calls A's record. */
let record: string

const SCAN = randomBytes(3 * 1024 * 1024)
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const toB = () => ({ granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) })

const scanOf = (id: string, url: string) => ({
  resourceType: 'DocumentReference',
  id,
  meta: {
    security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }],
  },
  status: 'current',
  subject: { reference: 'Patient/anna' },
  content: [{ attachment: { contentType: 'application/dicom', url, title: 'CT' } }],
})

/** Puts a Binary as it is, and not as JSON. */
async function putContent(id: string, bytes: Uint8Array): Promise<void> {
  const headers = { 'content-type': 'application/dicom' }
  const answer = await fetch(`${a.fhir}/Binary/${id}`, { method: 'PUT', headers, body: bytes as BodyInit })
  if (!answer.ok) throw new Error(`PUT Binary: ${answer.status} ${await answer.text()}`)
}

beforeAll(async () => {
  world = await createWorld({ fronts: { broker: ['a'], fhir: ['a'] } })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  ;[broker, fhir] = [a.brokerFront as Front, a.fhirFront as Front]
  await a.put(patient('anna', ANNA))
  await putContent('scan', SCAN)
  await a.put(scanOf('d1', 'Binary/scan'))
  await a.settled()
  anna = await world.enrol(a, ANNA)
  await anna.grant({ to: toB(), purpose: 'TREAT', classes: ['documents'] })
  record = await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id)
}, 60_000)
afterEach(() => {
  broker.behave = undefined
  fhir.behave = undefined
})
afterAll(() => world?.close())

/** What B's HIS gets of a content: bytes, or that the transfer broke off, and what the trails gained by it. */
async function openContent(number: number | string = 0, id = record) {
  const lines = await Promise.all([a, b].map(async (h) => (await insideOf(h).trail()).length))
  const answer = await fetch(`${b.broker.base}/fhir/Binary/${id}/attachment/${number}`, {
    headers: { authorization: `Bearer ${await b.his.token('TREAT')}` },
  })
  let got = 0
  let broken = false
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of answer.body ?? []) {
      pieces.push(piece)
      got += piece.length
    }
  } catch {
    broken = true
  }
  const gained = async ([h, from]: [TestHospital, number]) =>
    (await insideOf(h).trail())
      .slice(from)
      .filter(({ chain }) => !chain)
      .map(({ kind, reason }) => (reason ? `${kind} ${reason}` : kind))
  const told = await Promise.all([gained([a, lines[0] ?? 0]), gained([b, lines[1] ?? 0])])
  return { answer, status: answer.status, bytes: Buffer.concat(pieces), got, broken, told }
}

test('what a record has outside of itself is fetched with it, and is what was registered', async () => {
  const opened = await fetch(`${b.broker.base}/fhir/Binary/${record}`, {
    headers: { authorization: `Bearer ${await b.his.token('TREAT')}` },
  })
  const url = `${b.broker.base}/fhir/Binary/${record}/attachment/0`
  expect(opened.headers.get('link')?.split(', ')[1]).toBe(`<${url}>; rel="related"; type="application/dicom"`)

  const { answer, status, bytes, told } = await openContent()
  expect(status).toBe(200)
  expect(hashOf(bytes)).toBe(hashOf(SCAN))
  expect(answer.headers.get('content-type')).toBe('application/dicom')
  expect(answer.headers.get('repr-digest')).toBe(
    `sha-256=:${createHash('sha256').update(SCAN).digest('base64')}:`,
  )
  expect(told).toEqual([
    ['intent', 'disclosure', 'intent', 'disclosure'],
    ['receipt', 'receipt'],
  ])
  const books = [await insideOf(a).trail(), await insideOf(b).trail()]
  const last = books.map((book) => book.findLast(({ kind }) => kind === 'disclosure' || kind === 'receipt'))
  expect(last.map((entry) => entry?.record?.hash)).toEqual([hashOf(SCAN), hashOf(SCAN)])
})

test('a number that the record does not have, or none at all, is nothing', async () => {
  expect((await openContent(1)).status).toBe(404)
  expect((await openContent('x')).status).toBe(400)
  expect((await openContent(0, 'f0000000-0000-8000-8000-000000000000')).status).toBe(404)
})

describe('a HIS can tell that it does not have the content', () => {
  const isContent = (path: string) => path.includes('/content/')
  const contentLie = (lie: (bytes: Buffer, honest: FrontAnswer) => FrontAnswer) => {
    broker.behave = async ({ path }, forward) => {
      const honest = await forward()
      return isContent(path) && honest.status === 200
        ? lie(Buffer.from(honest.body as Uint8Array), honest)
        : honest
    }
  }

  test.each([
    [
      'the last bit of it is changed',
      (bytes: Buffer) => bytes.fill((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1),
    ],
    ['the first bit of it is changed', (bytes: Buffer) => bytes.fill((bytes.at(0) ?? 0) ^ 1, 0, 1)],
    [
      'two parts of it change places',
      (bytes: Buffer) => Buffer.concat([bytes.subarray(9), bytes.subarray(0, 9)]),
    ],
  ])('%s on the way: it breaks off before its end, with an alarm', async (_what, change) => {
    contentLie((bytes, honest) => ({ ...honest, body: change(Buffer.from(bytes)) }))
    const { got, broken, told } = await openContent()
    expect(broken).toBe(true)
    expect(got).toBeLessThan(SCAN.length)
    expect(told[1]).toEqual(['receipt', 'alarm commitment-mismatch'])
  })

  test('it ends early: no alarm, but no receipt either', async () => {
    contentLie((bytes, honest) => ({
      ...honest,
      body: (async function* () {
        yield bytes.subarray(0, 1_000_000)
        throw new Error('cut')
      })(),
    }))
    const { broken, told } = await openContent()
    expect(broken).toBe(true)
    expect(told[1]).toEqual(['receipt'])
  })

  test('it announces another length, or none: nothing of it goes on', async () => {
    contentLie((bytes, honest) => {
      const { 'content-length': _, ...headers } = honest.headers
      return { ...honest, headers, body: bytes }
    })
    const { status, got, told } = await openContent()
    expect(status).toBe(502)
    expect(got).toBeLessThan(1_000)
    expect(told[1]).toEqual(['receipt', 'alarm response-invalid'])
  })

  test('its custodian leaves the list of contents out, or changes it: the record itself does not verify', async () => {
    const lies: ((text: string) => string | undefined)[] = [
      () => undefined,
      () => Buffer.from('[{}]').toString('base64url'),
      (text) => {
        const [content] = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>[]
        return Buffer.from(JSON.stringify([{ ...content, sha256: `0x${'00'.repeat(32)}` }])).toString(
          'base64url',
        )
      },
    ]
    for (const lie of lies) {
      broker.behave = async ({ path }, forward) => {
        const honest = await forward()
        const { 'wayleave-contents': text, ...headers } = honest.headers
        if (!path.startsWith('/exchange/record/') || text === undefined) return honest
        const changed = lie(String(text))
        return { ...honest, headers: { ...headers, ...(changed ? { 'wayleave-contents': changed } : {}) } }
      }
      expect((await openContent()).status).toBe(502)
    }
  })
})

describe('nothing of a content goes out, or not all of it, when', () => {
  test('the FHIR server has another one under the registered version', async () => {
    fhir.behave = async ({ path }, forward) => {
      const honest = await forward()
      if (!path.includes('/Binary/')) return honest
      return { ...honest, body: Buffer.from(honest.body as Uint8Array).fill(0, 0, 10) }
    }
    const { status, got, told } = await openContent()
    expect(status).toBe(404)
    expect(got).toBeLessThan(1_000)
    expect(told[0]).toEqual(['intent', 'disclosure', 'intent', 'alarm record-changed'])
  })

  test('the FHIR server gives another one when it is read again: it breaks off before its end, with an alarm', async () => {
    let readings = 0
    fhir.behave = async ({ path }, forward) => {
      const honest = await forward()
      if (!path.includes('/Binary/') || ++readings < 2) return honest
      return { ...honest, body: Buffer.from(honest.body as Uint8Array).fill(0, 0, 10) }
    }
    // The front before A's broker waits for the end, which never comes.
    const { status, told } = await openContent()
    expect(status).toBe(504)
    expect(told[0]).toEqual(['intent', 'disclosure', 'intent', 'disclosure', 'alarm record-changed'])
  })

  test('the FHIR server does not answer, or has it no more', async () => {
    fhir.behave = async ({ path }, forward) =>
      path.includes('/Binary/') ? { status: 503, headers: {}, body: '' } : forward()
    expect((await openContent()).told[0]?.at(-1)).toBe('refusal source-unavailable')
    fhir.behave = async ({ path }, forward) =>
      path.includes('/Binary/') ? { status: 410, headers: {}, body: '' } : forward()
    expect((await openContent()).told[0]?.at(-1)).toBe('refusal record-gone')
  })

  test('the patient revokes between the record and its content: not even the FHIR server is asked for it', async () => {
    const from = a.fhirAccess.length
    a.afterIntent = async () => {
      a.afterIntent = async () => {
        await anna.revoke({ to: toB(), purpose: 'TREAT' })
      }
    }
    const { status, got } = await openContent()
    a.afterIntent = undefined
    expect(status).toBe(404)
    expect(got).toBeLessThan(1_000)
    expect(clinicalReads(a, from).filter(({ resourceType }) => resourceType === 'Binary')).toEqual([])
    expect((await openContent()).status).toBe(404)
  })
})

test('a newer content under the same address is another version, and the registered one is what goes out', async () => {
  await anna.grant({ to: toB(), purpose: 'TREAT', classes: ['documents'] })
  await putContent('scan', randomBytes(2_000_000))
  const { bytes, status } = await eventually(async () => {
    const opened = await openContent()
    return opened.status === 200 && opened
  })
  expect(status).toBe(200)
  expect(hashOf(bytes)).toBe(hashOf(SCAN))
})

test('an attachment that names what is not there, or no Binary of this server, has no content', async () => {
  await a.put(scanOf('d2', 'Binary/never-there'))
  await a.put(scanOf('d3', 'https://elsewhere.example/fhir/Binary/scan'))
  await a.put(scanOf('d4', '../Binary/scan'))
  const ids = await eventually(async () => {
    const entry = (await b.his.list(ANNA, 'TREAT')).body.entry ?? []
    return entry.length === 4 && entry.map(({ resource }) => resource?.id ?? '')
  })
  for (const id of ids.filter((one) => one !== record)) {
    expect((await b.his.open(id, 'TREAT')).status).toBe(200)
    expect((await openContent(0, id)).status).toBe(404)
  }
})

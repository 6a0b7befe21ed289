import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { createLog } from '../../../src/observe/log.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import type { FrontRequest } from '../../support/front.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
const lines: { hospital: string; request?: string; trace?: string; code?: string; msg: string }[] = []

const captured = (hospital: string) =>
  createLog({
    level: 'debug',
    hospital,
    out: { write: (line) => lines.push(JSON.parse(line) as (typeof lines)[number]) },
  })

beforeAll(async () => {
  world = await createWorld({ log: captured, fronts: { fhir: ['a'], broker: ['a'] } })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
  anna = await world.enrol(a, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.total === 1)
}, 60_000)

afterAll(() => world?.close())

/** What reaches hospital a's broker and FHIR server while `work` runs. */
async function reaching(work: () => Promise<unknown>) {
  const [broker, fhir]: [FrontRequest[], FrontRequest[]] = [[], []]
  const { brokerFront, fhirFront } = a
  if (!brokerFront || !fhirFront) throw new Error('no fronts')
  brokerFront.behave = (asked, forward) => {
    broker.push(asked)
    return forward()
  }
  fhirFront.behave = (asked, forward) => {
    fhir.push(asked)
    return forward()
  }
  await work()
  brokerFront.behave = undefined
  fhirFront.behave = undefined
  return { broker, fhir }
}

async function open(headers: Record<string, string>): Promise<Response> {
  const id = (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id
  const authorization = `Bearer ${await b.his.token('TREAT')}`
  return fetch(`${b.broker.base}/fhir/Binary/${id}`, { headers: { authorization, ...headers } })
}

describe('a call', () => {
  test('keeps its id and its trace from the HIS to the other hospital’s FHIR server, and in both logs', async () => {
    const [id, trace] = [randomUUID(), '4bf92f3577b34da6a3ce929d0e0e4736']
    const before = lines.length
    const { broker, fhir } = await reaching(async () => {
      const answer = await open({
        'x-request-id': id,
        traceparent: `00-${trace}-00f067aa0ba902b7-01`,
        tracestate: 'vendor=anna',
      })
      expect([answer.status, answer.headers.get('x-request-id')]).toEqual([200, id])
    })
    const exchange = broker.filter(({ path }) => path.startsWith('/exchange/'))
    expect(exchange.map(({ path }) => path.split('/')[2])).toEqual(['token', 'record'])
    const reads = fhir.filter(({ path }) => path.includes('/Condition/'))
    expect(reads.length).toBeGreaterThan(0)
    for (const { headers } of [...exchange, ...reads]) {
      expect(headers['x-request-id']).toBe(id)
      expect(headers.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`))
      expect(headers.tracestate).toBeUndefined()
    }
    // Each broker is a span of its own.
    const spans = new Set(
      [...exchange, ...reads].map(({ headers }) => String(headers.traceparent).split('-')[2]),
    )
    expect(spans.size).toBeGreaterThan(1)
    // A log has a caller's own id as the beginning of its hash.
    const name = createHash('sha256').update(id).digest('hex').slice(0, 16)
    const logged = lines.slice(before).filter(({ request }) => request === name)
    expect(new Set(logged.map(({ hospital, trace: of }) => [hospital, of].join()))).toEqual(
      new Set([`a,${trace}`, `b,${trace}`]),
    )
  })

  test('without an id, or with one that could name a patient, gets one, and an error tells it', async () => {
    for (const headers of [{}, { 'x-request-id': ANNA.value }]) {
      const answer = await fetch(`${b.broker.base}/fhir/Binary/x`, { headers })
      const id = answer.headers.get('x-request-id') ?? ''
      expect(id).toMatch(/^[0-9a-f-]{36}$/)
      expect(await answer.json()).toMatchObject({ issue: [{ diagnostics: id }] })
      expect(lines.some(({ request, code }) => request === id && code === 'token-missing')).toBe(true)
    }
    expect(JSON.stringify(lines)).not.toContain(ANNA.value)
  })
})

type Sent = { status: number; headers: Headers; body: Record<string, unknown>; code?: string }

/** A call of a program of hospital a, as it goes over the wire. */
async function call(method: string, path: string, body?: unknown, headers: object = {}): Promise<Sent> {
  const authorization = `Bearer ${await a.his.token('TREAT')}`
  const init = {
    method,
    headers: {
      authorization,
      ...(body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }
  const response = await fetch(`${a.broker.base}${path}`, init)
  const text = await response.text()
  const parsed = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
  const issue = (parsed.issue as { details?: { coding?: { code?: string }[] } }[] | undefined)?.[0]
  const code = issue?.details?.coding?.[0]?.code
  return { status: response.status, headers: response.headers, body: parsed, ...(code ? { code } : {}) }
}

const consent = (classes: string[], purpose = 'HRESCH') => ({
  resourceType: 'Consent',
  status: 'active',
  scope: { coding: [{ code: 'patient-privacy' }] },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  patient: { reference: 'Patient/anna' },
  provision: {
    type: 'permit',
    actor: [{ role: { coding: [{ code: 'IRCP' }] }, reference: { identifier: b.config.identifier } }],
    purpose: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: purpose }],
    class: classes.map((code) => ({ system: 'https://wayleave.example/fhir/CodeSystem/data-class', code })),
    securityLabel: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }],
  },
})

describe('a version', () => {
  test('is named by a weak ETag, and is not sent again to whoever has it', async () => {
    const made = await call('POST', '/fhir/Consent', consent(['problems']))
    const path = `/fhir/Consent/${String(made.body.id)}`
    const read = await call('GET', path)
    const etag = read.headers.get('etag') ?? ''
    expect(etag).toBe(`W/"${(read.body.meta as { versionId: string }).versionId}"`)
    expect(made.headers.get('etag')).toBe(etag)
    const again = await call('GET', path, undefined, { 'if-none-match': `W/"other", ${etag}` })
    expect([again.status, again.headers.get('etag'), again.body]).toEqual([304, etag, {}])
    expect((await call('GET', path, undefined, { 'if-none-match': 'W/"other"' })).status).toBe(200)
    const [entry] = (await call('GET', '/fhir/Consent?patient=Patient/anna')).body.entry as {
      resource: { id: string; meta: { versionId: string } }
    }[]
    expect(entry?.resource.meta.versionId).toMatch(/^[0-9a-f]{32}$/)
  })

  test('that has changed is not changed by whoever has not seen it, and of two who saw it one is told', async () => {
    const path = `/fhir/Consent/${String((await call('POST', '/fhir/Consent', consent(['problems']))).body.id)}`
    const seen = (await call('GET', path)).headers.get('etag') ?? ''
    const both = await Promise.all(
      [['observations'], ['medications']].map((classes) =>
        call('PUT', path, consent(classes), { 'if-match': seen }),
      ),
    )
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412])
    expect(both.find(({ status }) => status === 412)?.code).toBe('version-conflict')
    for (const [method, at] of [
      ['PUT', path],
      ['DELETE', path],
      ['POST', `${path}/$revokeConsent`],
    ] as const) {
      const body = method === 'PUT' ? consent(['problems']) : undefined
      for (const tag of [seen, 'no entity tag', '""'])
        expect([at, tag, (await call(method, at, body, { 'if-match': tag })).code]).toEqual([
          at,
          tag,
          'version-conflict',
        ])
    }
    const now = (await call('GET', path)).headers.get('etag') ?? ''
    expect((await call('DELETE', path, undefined, { 'if-match': now })).status).toBe(204)
  })

  test('of a request for access holds whoever decides on it to what they saw', async () => {
    const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
    const flags = { needsApproval: true }
    await anna.grant({ to, purpose: 'ETREAT', classes: ['problems'], flags })
    const id = (await a.his.tasks()).body.entry?.[0]?.resource?.id
    const etag = (await call('GET', `/fhir/Task/${id}`)).headers.get('etag') ?? ''
    expect(etag).toMatch(/^W\/"[0-9a-f]{32}"$/)
    const reject = (tag: string) => call('POST', `/fhir/Task/${id}/$reject`, undefined, { 'if-match': tag })
    expect((await reject('W/"other"')).code).toBe('version-conflict')
    expect((await reject(etag)).status).toBe(204)
  })
})

describe('a call that is sent again under its Idempotency-Key', () => {
  const keyed = (key: string, body: object = consent(['problems'], 'ETREAT'), path = '/fhir/Consent') =>
    call('POST', path, body, { 'idempotency-key': key })
  const filed = async () => (await anna.proposals()).map(({ filedAt }) => filedAt)

  test('gets the first answer again, and is done once', async () => {
    const key = randomUUID()
    const first = await keyed(`"${key}"`)
    const before = await filed()
    const second = await keyed(key)
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.body).toEqual(first.body)
    for (const name of ['location', 'etag', 'content-type'])
      expect(second.headers.get(name)).toBe(first.headers.get(name))
    expect([first, second].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true'])
    expect(await filed()).toEqual(before)
  })

  test('gets a refusal again, too, and after a restart', async () => {
    const key = randomUUID()
    const wrong = { ...consent(['problems']), patient: { reference: 'Patient/nobody' } }
    expect((await keyed(key, wrong)).code).toBe('consent-unenforceable')
    await a.restart()
    await eventually(async () => (await fetch(`${a.broker.base}/ready`)).ok)
    const again = await keyed(key, wrong)
    expect([again.code, again.headers.get('idempotency-replayed')]).toEqual(['consent-unenforceable', 'true'])
  })

  test('with another body, or at another address, is refused', async () => {
    const key = randomUUID()
    await keyed(key)
    expect(await keyed(key, consent(['observations'], 'ETREAT'))).toMatchObject({
      status: 422,
      code: 'idempotency-key-reused',
    })
    expect((await keyed(key, consent(['problems'], 'ETREAT'), '/fhir/Consent/$fileConsent')).code).toBe(
      'idempotency-key-reused',
    )
  })

  test('while the first is under way waits for nothing and is told so', async () => {
    const key = randomUUID()
    const all = await Promise.all([1, 2, 3, 4].map(() => keyed(key)))
    const made = all.filter(({ status, headers }) => status === 201 && !headers.has('idempotency-replayed'))
    expect(made).toHaveLength(1)
    for (const { status, code } of all)
      expect(status === 201 ? 'made' : code).toBe(status === 201 ? 'made' : 'idempotency-key-busy')
    expect((await keyed(key)).headers.get('idempotency-replayed')).toBe('true')
  })

  test('is another caller’s own affair: nobody gets an answer that was another’s', async () => {
    const key = randomUUID()
    await keyed(key)
    const authorization = `Bearer ${await b.his.token('TREAT')}`
    const elsewhere = await fetch(`${a.broker.base}/fhir/Consent`, {
      method: 'POST',
      headers: { authorization, 'idempotency-key': key, 'content-type': 'application/json' },
      body: JSON.stringify(consent(['problems'], 'ETREAT')),
    })
    expect(elsewhere.status).toBe(401)
    const unauthorised = await fetch(`${a.broker.base}/fhir/Consent`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await a.auditor.token('HCOMPL')}`,
        'idempotency-key': key,
        'content-type': 'application/json',
      },
      body: JSON.stringify(consent(['problems'], 'ETREAT')),
    })
    expect(unauthorised.status).toBe(403)
  })

  test('is forgotten after a day', async () => {
    const key = randomUUID()
    await keyed(key)
    a.clock.advance(25 * 60 * 60_000)
    try {
      const later = await keyed(key, consent(['observations'], 'ETREAT'))
      expect([later.status, later.headers.has('idempotency-replayed')]).toEqual([201, false])
    } finally {
      a.clock.advance(-25 * 60 * 60_000)
    }
  })

  test('needs a key that is one', async () => {
    for (const key of ['', ' ', 'a b', `"${'x'.repeat(300)}"`, '"a'])
      expect([key, (await keyed(key)).code]).toEqual([key, 'request-invalid'])
  })

  test('leaves nothing in clear in the database', async () => {
    for (let i = 0; i < 3; i++) await keyed(randomUUID())
    const rows = await insideOf(a).db().selectFrom('idempotency').selectAll().execute()
    expect(rows.length).toBeGreaterThan(2)
    const text = rows
      .map((row) =>
        Object.values(row).map((x) => (x instanceof Uint8Array ? Buffer.from(x).toString('latin1') : x)),
      )
      .join()
    for (const word of ['Consent', 'anna', 'problems', 'issue', a.files.his.clientId])
      expect(text).not.toContain(word)
  })
})

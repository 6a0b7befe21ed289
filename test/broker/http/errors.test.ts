import { connect } from 'node:net'
import { importJWK, SignJWT } from 'jose'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ERRORS, isErrorCode } from '../../../src/domain/errors.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { ASSERTION_TYPE } from '../../../src/exchange/client-assertion.ts'
import { type Answer, answerOf } from '../../../src/sandbox/his-client.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA } from '../../support/samples.ts'
import { BSN, createWorld, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let bearer: { authorization: string }

beforeAll(async () => {
  world = await createWorld({ hospitals: 1 })
  ;[a] = world.hospitals as [TestHospital]
  bearer = { authorization: `Bearer ${await a.his.token('TREAT')}` }
}, 60_000)

afterAll(() => world?.close())

/** A request whose refusal must be an OperationOutcome with one issue, a code of the table, and that code's status. */
async function refused(path: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(`${a.broker.base}${path}`, init)
  const answer = (await answerOf(response)) as Answer<{
    resourceType: string
    issue: { severity: string; diagnostics: string }[]
  }>
  expect(answer.body, `${init.method ?? 'GET'} ${path}`).toMatchObject({ resourceType: 'OperationOutcome' })
  expect(response.headers.get('content-type')).toMatch(/^application\/fhir\+json/)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(answer.body.issue).toHaveLength(1)
  const { code = '' } = answer
  if (!isErrorCode(code)) throw new Error(`${code} is not in the table`)
  expect(answer.status).toBe(ERRORS[code].status)
  expect(answer.body.issue[0]?.severity).toBe(ERRORS[code].severity)
  return code
}

/** A refusal of the token endpoint, in the words of OAuth (RFC 6749 §5.2); the stable code that it names. */
async function refusedToken(fields: Record<string, string>): Promise<string> {
  const response = await fetch(`${a.broker.base}/auth/token`, {
    method: 'POST',
    body: new URLSearchParams(fields),
  })
  const answer = (await answerOf(response)) as Answer<Record<string, string>>
  expect([400, 401]).toContain(answer.status)
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(Object.keys(answer.body).sort()).toEqual(['error', 'error_description', 'error_uri'])
  expect(answer.body.error).toMatch(/^[a-z_]+$/)
  // RFC 6749 §5.2 names the characters that a description may have.
  expect(answer.body.error_description).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
  const { code = '' } = answer
  if (!isErrorCode(code)) throw new Error(`${code} is not in the table`)
  return code
}

const json = { 'content-type': 'application/json' }
const search = (query: Record<string, string> | string, init: RequestInit = {}) =>
  refused(`/fhir/DocumentReference?${typeof query === 'string' ? query : new URLSearchParams(query)}`, {
    headers: bearer,
    ...init,
  })

describe('a search for records', () => {
  const patient = { 'patient.identifier': identifierText(ANNA) }

  test.each<[string, Record<string, string> | string, string]>([
    ['for a number that fails its check', { 'patient.identifier': `${BSN}|999939842` }, 'identifier-invalid'],
    ['for letters', { 'patient.identifier': `${BSN}|anna` }, 'identifier-invalid'],
    ['for noughts', { 'patient.identifier': `${BSN}|000000000` }, 'identifier-invalid'],
    [
      'for a number beyond all length',
      { 'patient.identifier': `${BSN}|${'9'.repeat(5_000)}` },
      'identifier-invalid',
    ],
    [
      'by an unknown system',
      { 'patient.identifier': 'urn:elsewhere|999939841' },
      'identifier-system-unknown',
    ],
    [
      'by a property of every object',
      { 'patient.identifier': 'constructor|999939841' },
      'identifier-system-unknown',
    ],
    ['by no system', { 'patient.identifier': '999939841' }, 'request-invalid'],
    ['by an empty system or value', { 'patient.identifier': '|999939841' }, 'identifier-invalid'],
    ['by an empty value', { 'patient.identifier': `${BSN}|` }, 'identifier-invalid'],
    ['for nobody', {}, 'request-invalid'],
    [
      'for two at once',
      `patient.identifier=${encodeURIComponent(`${BSN}|999939841`)}&patient.identifier=x|y`,
      'request-invalid',
    ],
    ['with a parameter that is not supported', { ...patient, date: 'ge2020' }, 'unsupported-parameter'],
    ['with a count', { ...patient, _count: '1' }, 'unsupported-parameter'],
    ['with an include', { ...patient, _include: 'DocumentReference:subject' }, 'unsupported-parameter'],
    ['with a modifier', { 'patient.identifier:not': 'x|y' }, 'unsupported-parameter'],
    ['with a name that every object has', '__proto__=x', 'unsupported-parameter'],
    ['for a status that there is not', { ...patient, status: 'everything' }, 'request-invalid'],
    ['in XML', { ...patient, _format: 'xml' }, 'not-acceptable'],
  ])('%s is refused', async (_what, query, code) => {
    expect(await search(query)).toBe(code)
  })

  test('by POST takes a form and nothing else', async () => {
    const post = (type: string, body: string) =>
      refused('/fhir/DocumentReference/_search', {
        method: 'POST',
        headers: { ...bearer, 'content-type': type },
        body,
      })
    expect(await post('application/json', JSON.stringify(patient))).toBe('content-type-unsupported')
    expect(await post('text/plain', 'patient.identifier=x')).toBe('content-type-unsupported')
    expect(await post('application/x-www-form-urlencoded', '__proto__=1&constructor=2')).toBe(
      'unsupported-parameter',
    )
    expect(await post('application/x-www-form-urlencoded', `patient.identifier=${'x'.repeat(300_000)}`)).toBe(
      'body-too-large',
    )
  })

  test('needs a token of this broker, of that scope, not expired', async () => {
    expect(await search(patient, { headers: {} })).toBe('token-missing')
    expect(await search(patient, { headers: { authorization: 'Basic YTpi' } })).toBe('token-missing')
    expect(await search(patient, { headers: { authorization: 'Bearer x.y.z' } })).toBe('token-invalid')
    const auditor = { authorization: `Bearer ${await a.auditor.token('HCOMPL')}` }
    expect(await search(patient, { headers: auditor })).toBe('scope-insufficient')
    a.clock.advance(301_000)
    expect(await search(patient)).toBe('token-expired')
    a.clock.advance(-301_000)
  })
})

describe('a HIS’s token', () => {
  async function ask(b2b: unknown, form: Record<string, string> = {}): Promise<string> {
    const { clientId, jwk, scopes } = a.files.his
    const url = `${a.broker.base}/auth/token`
    const assertion = await new SignJWT({ extensions: { 'hl7-b2b': b2b } })
      .setProtectedHeader({ alg: 'ES384', kid: jwk.kid ?? '' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(url)
      .setJti(crypto.randomUUID())
      .setExpirationTime(new Date(a.clock.now() + 60_000))
      .sign(await importJWK(jwk, 'ES384'))
    const fields = {
      grant_type: 'client_credentials',
      client_assertion_type: ASSERTION_TYPE,
      scope: scopes.join(' '),
      client_assertion: assertion,
      ...form,
    }
    return refusedToken(fields)
  }
  const whole = () => ({
    subject_id: 'dr-1',
    subject_role: 'physician',
    organization_id: identifierText(a.config.identifier),
    purpose_of_use: ['TREAT'],
  })

  test('is not given without a user, a role, an organisation and one known purpose', async () => {
    const without = (changes: object) => ask({ ...whole(), ...changes })
    expect(await without({ subject_id: undefined })).toBe('user-missing')
    expect(await without({ subject_id: ['dr-1'] })).toBe('user-missing')
    expect(await without({ subject_id: 'x'.repeat(300) })).toBe('user-missing')
    expect(await without({ subject_role: undefined })).toBe('user-missing')
    expect(await without({ organization_id: undefined })).toBe('user-missing')
    expect(await without({ organization_id: 'http://elsewhere.example|1' })).toBe('user-missing')
    expect(await without({ purpose_of_use: undefined })).toBe('purpose-missing')
    expect(await without({ purpose_of_use: [] })).toBe('purpose-missing')
    expect(await without({ purpose_of_use: 'TREAT' })).toBe('purpose-missing')
    expect(await without({ purpose_of_use: ['TREAT', 'ETREAT'] })).toBe('purpose-missing')
    expect(await without({ purpose_of_use: ['CURIOSITY'] })).toBe('purpose-unknown')
    expect(await without({ purpose_of_use: ['__proto__'] })).toBe('purpose-unknown')
    expect(await without({ purpose_of_use: [''] })).toBe('purpose-unknown')
    expect(await ask(undefined)).toBe('user-missing')
    expect(await ask('dr-1')).toBe('user-missing')
  })

  test('is not given for scopes that the program was not registered with, or by another flow', async () => {
    expect(await ask(whole(), { scope: 'system/AuditEvent.rs system/*.*' })).toBe('scope-insufficient')
    expect(await ask(whole(), { scope: '' })).toBe('scope-insufficient')
    expect(await ask(whole(), { grant_type: 'password' })).toBe('grant-type-unsupported')
    expect(await ask(whole(), { client_assertion_type: 'urn:elsewhere' })).toBe('request-invalid')
    expect(await ask(whole(), { client_assertion: '' })).toBe('assertion-invalid')
    expect(await ask(whole(), { client_assertion: 'x'.repeat(100_000) })).toBe('assertion-invalid')
  })
})

describe('a body', () => {
  const post = (body: string, type = 'application/json', path = '/relay') =>
    refused(path, { method: 'POST', headers: { 'content-type': type }, body })
  const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

  test.each<[string, string, string]>([
    ['that is cut off', '{"typedData":', 'malformed-json'],
    ['that is empty', '', 'malformed-json'],
    ['that is no object', '5', 'malformed-json'],
    ['that is null', 'null', 'malformed-json'],
    ['that sets a prototype', '{"__proto__":{"admin":true}}', 'malformed-json'],
    ['that sets a constructor’s prototype', '{"constructor":{"prototype":{"admin":true}}}', 'malformed-json'],
    ['that says nothing known', '{"hello":"world"}', 'typed-data-invalid'],
    ['that is a list', '[]', 'typed-data-invalid'],
    ['with a NUL where a name should be', '{"enrolment":"\\u0000","code":"\\u0000"}', 'typed-data-invalid'],
  ])('%s is refused', async (_what, body, code) => {
    expect(await post(body)).toBe(code)
  })

  test('nested beyond all measure is refused, and the server goes on', async () => {
    for (const path of [
      '/relay',
      '/patient/challenge',
      '/patient/session',
      '/patient/enrolment',
      '/patient/enrolment/offer',
    ]) {
      const code = await post(deep(20_000), 'application/json', path)
      expect(ERRORS[code as keyof typeof ERRORS].status).toBeLessThan(500)
    }
    expect(await post(`{"typedData":${deep(20_000)},"signer":"0x","signature":"0x"}`)).toBe(
      'typed-data-invalid',
    )
    expect((await fetch(`${a.broker.base}/health`)).status).toBe(200)
  })

  test('with a NUL in a text is refused by whoever would store or look it up', async () => {
    const nul = String.fromCharCode(0)
    const bodies = { enrolment: nul, code: nul, signer: nul, nonce: nul, signature: nul, deadline: nul }
    for (const path of [
      '/patient/challenge',
      '/patient/session',
      '/patient/enrolment',
      '/patient/enrolment/offer',
    ]) {
      const code = await post(JSON.stringify(bodies), 'application/json', path)
      expect(ERRORS[code as keyof typeof ERRORS].status).toBeLessThan(500)
    }
  })

  test('larger than the limit is refused, told or not', async () => {
    expect(await post(JSON.stringify({ a: 'x'.repeat(300 * 1024) }))).toBe('body-too-large')
    const stream = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 40; i++) controller.enqueue(new TextEncoder().encode('x'.repeat(10_000)))
        controller.close()
      },
    })
    const init = { method: 'POST', headers: json, body: stream, duplex: 'half' } as RequestInit
    expect(await refused('/relay', init).catch(() => 'body-too-large')).toBe('body-too-large')
  })

  test('of another type is refused', async () => {
    expect(await post('hello', 'text/plain')).toBe('content-type-unsupported')
    expect(await post('<a/>', 'application/xml')).toBe('content-type-unsupported')
    expect(await post('hello', 'application/octet-stream')).toBe('content-type-unsupported')
    expect(await post('hello', 'nonsense')).toBe('content-type-unsupported')
    expect(await post('--x', 'multipart/form-data; boundary=x')).toBe('content-type-unsupported')
    expect(await post('{}', 'application/json', '/exchange/share')).toBe('content-type-unsupported')
    expect(await post('not a JWE', 'application/jose', '/exchange/share')).toBe('share-invalid')
    expect(await post('not a JWE', 'application/jose')).toBe('typed-data-invalid')
  })
})

describe('an address', () => {
  test('that is not served is told so, and is not repeated', async () => {
    for (const path of ['/', '/fhir', '/fhir/Patient/anna', '/admin', '/.env', `/${'x'.repeat(2_000)}`]) {
      expect(await refused(path, { headers: bearer })).toBe('not-found')
    }
    expect(await refused('/fhir/AuditEvent', { method: 'DELETE', headers: bearer })).toBe('not-found')
    const body = await (await fetch(`${a.broker.base}/nowhere/999939841`)).text()
    expect(body).not.toContain('999939841')
  })

  test('that cannot be decoded is refused in the same form', async () => {
    for (const path of ['/%', '/fhir/Binary/%E0%A4%A', '/%c0%ae%c0%ae/']) {
      expect(await refused(path, { headers: bearer })).toBe('request-invalid')
    }
  })

  test('of a record may be anything, and is not available', async () => {
    for (const id of ['x', '..%2f..%2fetc', '%00', "'%20or%201=1", 'x'.repeat(90), '💥']) {
      expect(await refused(`/fhir/Binary/${id}`, { headers: bearer })).toBe('not-available')
    }
  })
})

test('what is no HTTP is answered in the same form, and the connection is closed', async () => {
  const { port, hostname } = new URL(a.broker.base)
  for (const bytes of ['NONSENSE\r\n\r\n', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`]) {
    const text = await new Promise<string>((done, fail) => {
      let all = ''
      const socket = connect(Number(port), hostname, () => socket.write(bytes))
      socket.on('data', (chunk) => (all += chunk.toString()))
      socket.on('close', () => done(all))
      socket.on('error', fail)
    })
    expect(text).toMatch(/^HTTP\/1.1 400 /)
    expect(JSON.parse(text.split('\r\n\r\n')[1] ?? '')).toMatchObject({ resourceType: 'OperationOutcome' })
  }
})

test('a fault of the server’s own is told by its number only, and nothing of it', async () => {
  await sql`alter table broker.replay rename to lost`.execute(a.database.db)
  try {
    const fields = { grant_type: 'client_credentials', scope: 'system/Binary.r', client_assertion: 'x' }
    expect(await refusedToken({ ...fields, client_assertion_type: ASSERTION_TYPE })).toBe('assertion-invalid')
    await sql`alter table broker.challenges rename to lost_too`.execute(a.database.db)
    const answer = await fetch(`${a.broker.base}/patient/challenge`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ signer: `0x${'11'.repeat(20)}` }),
    })
    const text = await answer.text()
    expect(answer.status).toBe(500)
    expect(text).not.toMatch(/challenges|relation|select|insert|at .*\.ts/i)
    expect(JSON.parse(text)).toMatchObject({
      issue: [{ severity: 'fatal', diagnostics: answer.headers.get('x-request-id') }],
    })
  } finally {
    await sql`alter table broker.lost rename to replay`.execute(a.database.db)
    await sql`alter table if exists broker.lost_too rename to challenges`.execute(a.database.db)
  }
  expect((await insideOf(a).trail()).length).toBeGreaterThan(0)
})

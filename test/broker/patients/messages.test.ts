import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { base64url, exportJWK, flattenedVerify, generateKeyPair, importJWK } from 'jose'
import type { Kysely } from 'kysely'
import { SMTPServer } from 'smtp-server'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createMessages, type Messages } from '../../../src/broker/patients/message-outbox.ts'
import { messageText } from '../../../src/broker/patients/message-texts.ts'
import { openSenders } from '../../../src/broker/patients/senders.ts'
import { LANGUAGES } from '../../../src/domain/identity/contact-points.ts'
import { createLog } from '../../../src/observe/log.ts'
import { createMetrics } from '../../../src/observe/metrics.ts'
import { certify, makeAuthority } from '../../../src/sandbox/certificates.ts'
import type { Database } from '../../../src/store/database.ts'
import { openBrokerTables } from '../../../src/store/migrate.ts'
import { createPatientStore, type StoredPatient } from '../../../src/store/patients.ts'
import type { BrokerTables } from '../../../src/store/schema.ts'
import { createVault } from '../../../src/store/vault.ts'
import { openFreshDatabase } from '../../support/databases.ts'

const PHONE = { system: 'phone', value: '+31612345678' } as const
const EMAIL = { system: 'email', value: 'anna@example.org' } as const
const CODE = { kind: 'enrolment-code', code: '01234567', hours: 24, enrolment: 'e-1' } as const

const dir = mkdtempSync(join(tmpdir(), 'wayleave-messages-'))
let offset = 0
const clock = { now: () => Date.now() + offset, monotonic: () => performance.now() + offset }
const metrics = createMetrics()
const logged: string[] = []

let database: Database
let db: Kysely<BrokerTables>
let anna: StoredPatient
let patients: ReturnType<typeof createPatientStore>
let signing: { key: CryptoKey; kid: string }
let publicKey: CryptoKey
let smtp: SMTPServer
let mails: { auth: string | undefined; secure: boolean; from: string; to: string[]; raw: string }[] = []
let mailIsDown = false
let gateway: Server
let texts: { signature: string; type: string | undefined; body: string }[] = []
let answers: number[] = []
const open: Messages[] = []

beforeAll(async () => {
  database = await openFreshDatabase()
  db = await openBrokerTables(database.db)
  patients = createPatientStore({ vault: createVault(randomBytes(32)), clock })
  anna = await patients.create(db, { fhirId: 'anna', identifiers: [] })
  const pair = await generateKeyPair('ES256', { extractable: true })
  signing = { key: pair.privateKey, kid: 'k-1' }
  publicKey = (await importJWK(await exportJWK(pair.publicKey), 'ES256')) as CryptoKey

  const authority = await makeAuthority('Test')
  writeFileSync(join(dir, 'ca.pem'), authority.cert)
  writeFileSync(join(dir, 'password'), 'sesame-open\n', { mode: 0o600 })
  smtp = new SMTPServer({
    ...(await certify(authority, 'mail')),
    onAuth: ({ username, password }, _session, done) =>
      username === 'wayleave' && password === 'sesame-open'
        ? done(null, { user: username })
        : done(new Error('no')),
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        if (mailIsDown) return done(Object.assign(new Error('later'), { responseCode: 451 }))
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          auth: typeof session.user === 'string' ? session.user : undefined,
          secure: session.secure,
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          raw: Buffer.concat(chunks).toString(),
        })
        done()
      })
    },
  })
  await new Promise<void>((done) => smtp.listen(0, '127.0.0.1', done))

  gateway = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const status = answers.shift() ?? 202
      if (status < 300)
        texts.push({
          signature: String(request.headers['wayleave-event-signature']),
          type: request.headers['content-type'],
          body: Buffer.concat(chunks).toString(),
        })
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((done) => gateway.listen(0, '127.0.0.1', done))
}, 30_000)

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
  await db.deleteFrom('messages').execute()
  ;[mails, texts, answers] = [[], [], []]
  mailIsDown = false
})

afterAll(async () => {
  await new Promise<void>((done) => smtp.close(() => done()))
  await new Promise((done) => gateway.close(done))
  await database.close()
  rmSync(dir, { recursive: true })
})

const port = (server: { address(): AddressInfo | string | null }) => (server.address() as AddressInfo).port
const url = () => `http://127.0.0.1:${port(gateway)}/sms`

function messages(change: { user?: string; ca?: string } = {}): Messages {
  const config = {
    messages: {
      email: {
        ...{ host: '127.0.0.1', port: port(smtp.server), security: 'starttls', user: 'wayleave' },
        ...{ passwordFile: join(dir, 'password'), from: 'Hospital A <noreply@hospital.example>' },
        ...{ ca: join(dir, 'ca.pem'), ...change },
      },
      sms: { url: url() },
    },
  }
  const made = createMessages({
    ...{ db, clock, patients, metrics, hospital: 'Hospital A', everyMs: 3_600_000 },
    log: createLog({ level: 'trace', hospital: 'A', out: { write: (line) => logged.push(line) } }),
    sender: openSenders({ config: config as never, clock, signing }),
  })
  open.push(made)
  return made
}

const waiting = () => db.selectFrom('messages').selectAll().execute()

test('An e-mail goes to the hospital’s mail server under TLS, signed in, to one address, in the patient’s language', async () => {
  const outbox = messages()
  await outbox.enqueue(db, anna, EMAIL, 'nl', CODE)
  await outbox.flush()
  expect(mails).toMatchObject([
    { auth: 'wayleave', secure: true, from: 'noreply@hospital.example', to: ['anna@example.org'] },
  ])
  const raw = (mails[0]?.raw ?? '').replaceAll('=\r\n', '')
  expect(raw).toContain('01234567')
  expect(raw).toContain('Auto-Submitted: auto-generated')
  expect(raw).toMatch(/^Content-Language: nl/m)
  expect(await waiting()).toEqual([])
})

test('What stands on file as an address is one address, whatever is written there', async () => {
  const outbox = messages()
  const to = { system: 'email', value: 'anna@example.org, eve@example.net' } as const
  await outbox.enqueue(db, anna, to, 'en', { kind: 'changed' })
  await outbox.flush()
  expect(mails.flatMap((mail) => mail.to)).not.toContain('eve@example.net')
})

test('A text message is posted to the gateway, signed over its bytes for that address', async () => {
  const outbox = messages()
  await outbox.enqueue(db, anna, PHONE, 'ar', CODE)
  await outbox.flush()
  const [{ signature, type, body } = { signature: '', type: '', body: '' }] = texts
  expect(type).toBe('application/json')
  const message = JSON.parse(body) as Record<string, string>
  expect(Object.keys(message).sort()).toEqual(['id', 'language', 'text', 'to'])
  expect(message).toMatchObject({ to: PHONE.value, language: 'ar' })
  expect(message.text).toContain('01234567')
  const [header = '', , mark = ''] = signature.split('.')
  const { protectedHeader } = await flattenedVerify(
    { protected: header, payload: base64url.encode(body), signature: mark },
    publicKey,
  )
  expect(protectedHeader).toMatchObject({ typ: 'wayleave-message', aud: url(), kid: 'k-1' })
})

test('A gateway that is down loses nothing: the same message comes once it is back, with the same id, and is gone then', async () => {
  const outbox = messages()
  answers = [503, 500]
  mailIsDown = true
  await outbox.enqueue(db, anna, PHONE, 'en', CODE)
  await outbox.enqueue(db, anna, EMAIL, 'en', CODE)
  await outbox.flush()
  expect((await waiting()).map(({ attempts }) => attempts)).toEqual([1, 1])
  offset += 10_000
  await outbox.flush()
  // As after a restart: another process, the same rows.
  await open.pop()?.close()
  const next = messages()
  mailIsDown = false
  offset += 10_000
  await next.flush()
  expect([texts.length, mails.length]).toEqual([1, 1])
  expect(await waiting()).toEqual([])
})

test('A message that nobody took before its code ended is given up, counted, and sent no more', async () => {
  const outbox = messages()
  answers = [503]
  await outbox.enqueue(db, anna, PHONE, 'en', CODE)
  await outbox.flush()
  offset += 25 * 3_600_000
  await outbox.flush()
  expect(texts).toEqual([])
  expect(await waiting()).toEqual([])
  expect(await metrics.text()).toMatch(/wayleave_messages_total{kind="enrolment-code",outcome="expired"} 1/)
})

test('Two processes send a message once', async () => {
  const [one, two] = [messages(), messages()]
  await one.enqueue(db, anna, PHONE, 'en', CODE)
  await Promise.all([one.flush(), two.flush()])
  expect(texts.length).toBe(1)
})

test('A mail server that is not the one that was configured gets neither password nor message', async () => {
  const other = join(dir, 'other.pem')
  writeFileSync(other, (await makeAuthority('Other')).cert)
  const outbox = messages({ ca: other })
  await outbox.enqueue(db, anna, EMAIL, 'en', CODE)
  await outbox.flush()
  expect(mails).toEqual([])
  expect((await waiting()).length).toBe(1)
})

test('Neither the log nor the rows hold a contact, a code or the password', async () => {
  const outbox = messages({ user: 'somebody-else' })
  answers = [500]
  await outbox.enqueue(db, anna, PHONE, 'en', CODE)
  await outbox.enqueue(db, anna, EMAIL, 'en', CODE)
  await outbox.flush()
  const all = logged.join('') + JSON.stringify(await waiting()) + (await metrics.text())
  expect(logged.some((line) => line.includes('a message to a patient waits for its gateway'))).toBe(true)
  for (const word of [PHONE.value, '612345678', EMAIL.value, 'anna@', CODE.code, 'sesame'])
    expect(all).not.toContain(word)
})

test('Without any way to patients a broker does not start; with none but a file they lie in that, for its owner alone', async () => {
  expect(() => openSenders({ config: {} as never, clock, signing })).toThrow(/contactFile/)
  const file = join(dir, 'contact.jsonl')
  const sender = openSenders({ config: { contactFile: file } as never, clock, signing })
  await sender.send({
    id: 'm',
    to: PHONE,
    language: 'en',
    subject: 's',
    text: 't',
    enrolment: 'e',
    code: 'c',
  })
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ to: PHONE.value, text: 't', code: 'c' })
})

test('Every message is there in every language, names the hospital, and leads nowhere', () => {
  for (const language of LANGUAGES)
    for (const wish of [
      CODE,
      { ...CODE, hours: 0.5 },
      { kind: 'enrolled-already' },
      { kind: 'changed' },
    ] as const) {
      const { subject, text } = messageText(wish, language, 'Hospital\r\nA')
      expect(text.startsWith('Hospital A: ')).toBe(true)
      expect(`${subject}${text}`).not.toMatch(/[\r\n]|https?:|www\.|undefined|NaN/)
      expect(text.includes(CODE.code)).toBe(wish.kind === 'enrolment-code')
    }
})

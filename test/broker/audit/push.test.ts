import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type Server } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { SimpleMerkleTree } from '@openzeppelin/merkle-tree'
import type { AuditEvent, Bundle, Parameters, Subscription } from 'fhir/r4.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccessLog } from '../../../src/broker/audit/access-log.ts'
import { createExpiry } from '../../../src/broker/audit/expire-trail.ts'
import { createHolds, type Hold } from '../../../src/broker/audit/holds.ts'
import { createSyslogSink } from '../../../src/broker/audit/push/syslog-sink.ts'
import { AccessLog__factory } from '../../../src/chain/contracts.ts'
import type { AuditEntry } from '../../../src/domain/audit/audit-entry.ts'
import { leafOf } from '../../../src/domain/audit/leaf.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { createLog } from '../../../src/observe/log.ts'
import { certify, makeAuthority } from '../../../src/sandbox/certificates.ts'
import { type Answer, answerOf, createHisClient } from '../../../src/sandbox/his-client.ts'
import { createPatientStore } from '../../../src/store/patients.ts'
import { openJson } from '../../../src/store/vault.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, BRAM, condition, patient, STRANGER } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

const dir = mkdtempSync(join(tmpdir(), 'wayleave-push-'))
const TOPIC = 'https://wayleave.example/fhir/SubscriptionTopic/audit-event'

/** A syslog collector that reads octet-counted frames; each as header and MSG. */
type Told = { header: string; msg: Buffer; event: AuditEvent }
const collected: Told[] = []
/** `deaf`: the collector cuts every connection off. */
let deaf = false

function collect(socket: Socket): void {
  if (deaf) return void socket.resetAndDestroy()
  let rest = Buffer.alloc(0)
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      const [, length] = /^(\d+) /.exec(rest.subarray(0, 16).toString('latin1')) ?? []
      const start = (length?.length ?? 0) + 1
      if (length === undefined || rest.length < start + Number(length)) return
      const frame = rest.subarray(start, start + Number(length))
      rest = rest.subarray(start + Number(length))
      const at = frame.indexOf(Buffer.from([0xef, 0xbb, 0xbf]))
      const msg = frame.subarray(at + 3)
      const event = JSON.parse(msg.toString()) as AuditEvent
      collected.push({ header: frame.subarray(0, at).toString('latin1'), msg, event })
    }
  })
}

const listen = (server: { listen(port: number, host: string, done: () => void): unknown }) =>
  new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port

const collector = createServer(collect)
const inbox: Buffer[] = []
let receiver: Server
let origin: string
let world: World
let a: TestHospital
let b: TestHospital
let record: string

beforeAll(async () => {
  await listen(collector)
  receiver = createHttpServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      inbox.push(Buffer.concat(chunks))
      response.end()
    })
  })
  await listen(receiver)
  origin = `http://127.0.0.1:${portOf(receiver)}`
  world = await createWorld({
    callbackOrigins: [origin],
    configure: (config) =>
      config.name === 'Hospital A'
        ? {
            ...config,
            audit: {
              file: { dir: join(dir, 'trail') },
              syslog: { host: '127.0.0.1', port: portOf(collector), transport: 'tcp' },
            },
          }
        : config,
  })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  for (const [id, who] of [['anna', ANNA] as const, ['bram', BRAM] as const]) {
    await a.put(patient(id, who))
    await a.put(condition(`${id}-c`, id, 'Hypertension'))
  }
  await a.settled()
  const anna = await world.enrol(a, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  record = await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id ?? '')
  await b.his.open(record, 'TREAT')
  await b.his.open(record, 'HRESCH')
}, 60_000)

afterAll(async () => {
  await world?.close()
  receiver?.closeAllConnections()
  receiver?.close()
  collector.close()
  rmSync(dir, { recursive: true, force: true })
})

const kindOf = (event: AuditEvent | undefined) => event?.meta?.tag?.[0]?.code ?? ''
const trail = () => insideOf(a).trail()

/** All that the trail holds now, once each of these has all of it. */
async function pushed(): Promise<string[]> {
  const ids = (await trail()).map(({ id }) => id)
  await eventually(async () => {
    const [told, written] = [collected.map(({ event }) => event.id), inFiles().map(({ id }) => id)]
    return ids.every((id) => told.includes(id) && written.includes(id))
  })
  return ids
}

const inFiles = (): AuditEvent[] =>
  readdirSync(join(dir, 'trail')).flatMap((file) =>
    readFileSync(join(dir, 'trail', file), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditEvent),
  )

async function asAuditor(path: string, init: RequestInit = {}): Promise<Response> {
  const authorization = `Bearer ${await a.auditor.token('HCOMPL')}`
  return fetch(`${a.broker.base}${path}`, { ...init, headers: { authorization, ...init.headers } })
}

describe('Syslog gets', () => {
  test('every line, refusals and readings included, as RFC 5424 has it and with what the trail says', async () => {
    await a.auditor.audit({ _count: '1' })
    await pushed()
    const kinds = new Set(collected.map(({ event }) => kindOf(event)))
    for (const kind of ['disclosure', 'refusal', 'consent-granted', 'share-sent', 'window', 'log-read'])
      expect([...kinds]).toContain(kind)
    const { body } = await a.auditor.audit({ _count: '500' })
    for (const { resource } of body.entry ?? []) {
      const told = collected.find(({ event }) => event.id === resource?.id)
      if (told) expect(told.event).toEqual(resource)
    }
    for (const { header, event } of collected) {
      const severity = event.outcome === '0' ? 85 : 84
      expect(header).toMatch(
        new RegExp(
          `^<${severity}>1 ${event.recorded} \\S{1,255} wayleave \\d+ FHIR-R4\\+AuditEvent ` +
            '\\[meta sequenceId="\\d+"\\]\\[origin software="Wayleave" swVersion="[\\d.]+"\\] $',
        ),
      )
    }
  })

  test('lines in their order and without a gap', () => {
    const numbers = collected.map(({ header }) => Number(/sequenceId="(\d+)"/.exec(header)?.[1]))
    const first = numbers.filter((n, i) => numbers.indexOf(n) === i)
    expect(first).toEqual(first.map((_, i) => i + 1))
  })

  test('what was written while it was out of reach', async () => {
    deaf = true
    const { length } = await trail()
    await b.his.open(record, 'HRESCH')
    const lines = await eventually(async () => {
      const all = await trail()
      return all.length > length && all.slice(length)
    })
    await new Promise((done) => setTimeout(done, 1_500))
    const told = () => collected.map(({ event }) => event.id)
    for (const { id } of lines) expect(told()).not.toContain(id)
    deaf = false
    // A sink that failed waits for a while, by the broker's own clock.
    a.clock.advance(2_000)
    await eventually(async () => lines.every(({ id }) => told().includes(id)))
  })

  test('nothing over plain TCP on another machine, unless that is asked for', () => {
    const config = { host: '192.0.2.7', port: 601, transport: 'tcp' } as const
    expect(() => createSyslogSink(config, '1')).toThrow(/in the clear/)
    expect(() => createSyslogSink({ ...config, plainTcp: true }, '1')).not.toThrow()
  })

  test('lines over TLS only from a collector whose certificate descends from the CA that is named', async () => {
    const [authority, other] = [await makeAuthority('Collectors'), await makeAuthority('Others')]
    const pair = await certify(authority, 'collector')
    const file = (name: string, text: string) => {
      writeFileSync(join(dir, name), text)
      return join(dir, name)
    }
    const [ca, wrong] = [file('ca.pem', authority.cert), file('other.pem', other.cert)]
    const server = createTlsServer({ cert: pair.cert, key: pair.key }, collect)
    await listen(server)
    const target = { host: '127.0.0.1', port: portOf(server), transport: 'tls' } as const
    const [entry] = (await trail()).filter(({ kind }) => kind === 'refusal')
    const line = { place: 2_147_483_648, entry: { ...entry, id: 'over-tls' } as AuditEntry }
    await expect(createSyslogSink({ ...target, ca: wrong }, '1').write([line])).rejects.toThrow()
    expect(collected.some(({ event }) => event.id === 'over-tls')).toBe(false)
    await createSyslogSink({ ...target, ca }, '1').write([line])
    const told = collected.filter(({ event }) => event.id === 'over-tls')
    expect(told.map(({ header }) => /sequenceId="(\d+)"/.exec(header)?.[1])).toEqual(['1'])
    collected.splice(
      collected.findIndex(({ event }) => event.id === 'over-tls'),
      1,
    )
    server.close()
  })
})

test('Files get every line, as FHIR resources, one a line, and only their owner reads them', async () => {
  const ids = await pushed()
  const events = inFiles()
  expect(ids.every((id) => events.some((event) => event.id === id))).toBe(true)
  expect(new Set(events.map(({ resourceType }) => resourceType))).toEqual(new Set(['AuditEvent']))
  const [name = ''] = readdirSync(join(dir, 'trail'))
  expect(name).toMatch(/^audit-\d{4}-\d\d-\d\d\.ndjson$/)
  expect(statSync(join(dir, 'trail', name)).mode & 0o777).toBe(0o600)
})

describe('A program that listens', () => {
  /** Reads the stream from a line on, until `enough` has come. */
  async function stream(
    from: number,
    enough: (told: AuditEvent[]) => boolean,
  ): Promise<[number, AuditEvent][]> {
    const stop = new AbortController()
    const response = await asAuditor('/audit/events', {
      headers: { accept: 'text/event-stream', 'last-event-id': String(from) },
      signal: stop.signal,
    })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    let text = ''
    const read = (): [number, AuditEvent][] =>
      text
        .split('\n\n')
        .slice(0, -1)
        .filter((part) => part.startsWith('id: '))
        .map((part) => {
          const [id = '', , data = ''] = part.split('\n').map((line) => line.replace(/^\w+: /, ''))
          return [Number(id), JSON.parse(data) as AuditEvent]
        })
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString()
      if (enough(read().map(([, event]) => event))) break
    }
    stop.abort()
    return read()
  }

  const refusals = (events: AuditEvent[]) => events.filter((event) => kindOf(event) === 'refusal')

  test('as a stream hears of each line at once, and goes on from the last that it has', async () => {
    const reading = stream(0, (told) => refusals(told).length === 3)
    await new Promise((done) => setTimeout(done, 500))
    await b.his.open(record, 'HRESCH')
    const all = await reading
    const numbers = all.map(([number]) => number)
    expect(numbers).toEqual([...numbers].sort((x, y) => x - y))
    const [middle] = all[Math.floor(all.length / 2)] ?? [0]
    const rest = await stream(middle, (told) => refusals(told).length > 0)
    expect(rest.slice(0, 3)).toEqual(all.filter(([number]) => number > middle).slice(0, 3))
  })

  test('in pages hears the same, and of no reading, so that two readers do not call each other up for ever', async () => {
    const page = async (after: string) => (await (await asAuditor(after)).json()) as Bundle<AuditEvent>
    const wanted = (await trail()).filter(({ kind }) => kind !== 'log-read').map(({ id }) => id)
    // A line is told once it is filed, a moment after it is written.
    const told = await eventually(async () => {
      const all: AuditEvent[] = []
      for (let url = '/audit/events?after=0&_count=20'; ; ) {
        const { entry = [], link } = await page(url)
        if (entry.length === 0) break
        all.push(...entry.flatMap(({ resource }) => resource ?? []))
        url = String(link?.[0]?.url).replace(a.broker.base, '')
      }
      return wanted.every((id) => all.some((event) => event.id === id)) && all
    })
    expect(told.map(kindOf)).not.toContain('log-read')
    expect(
      (await trail()).filter(({ kind, note }) => kind === 'log-read' && note?.includes('listens')),
    ).not.toEqual([])
  })

  const subscription = {
    resourceType: 'Subscription',
    status: 'requested',
    criteria: TOPIC,
    channel: { type: 'rest-hook', endpoint: '', payload: 'application/fhir+json' },
  }
  const subscribe = (headers: Record<string, string> = {}) =>
    asAuditor('/fhir/Subscription', {
      method: 'POST',
      headers: { 'content-type': 'application/fhir+json', ...headers },
      body: JSON.stringify({
        ...subscription,
        channel: { ...subscription.channel, endpoint: `${origin}/trail` },
      }),
    })

  test('by webhook is told the number and the id of each line, and nothing of whom it is about', async () => {
    const answer: Answer<Subscription> = await answerOf(await subscribe())
    expect(answer).toMatchObject({ status: 201, body: { criteria: TOPIC, reason: 'The audit trail' } })
    const { length } = await trail()
    await b.his.open(record, 'HRESCH')
    const refusal = await eventually(async () =>
      (await trail()).slice(length).find(({ kind }) => kind === 'refusal'),
    )
    const focuses = () =>
      inbox
        .map((bytes) => JSON.parse(String(bytes)) as Bundle)
        .flatMap(({ entry }) => ((entry?.[0]?.resource ?? {}) as Parameters).parameter ?? [])
        .filter(({ name }) => name === 'notification-event')
        .flatMap(
          ({ part = [] }) => part.find(({ name }) => name === 'focus')?.valueReference?.reference ?? [],
        )
    await eventually(async () => focuses().includes(`AuditEvent/${refusal.id}`))
    for (const bytes of inbox)
      for (const word of [ANNA.value, 'Patient/', 'Dr One', 'HRESCH'])
        expect(String(bytes)).not.toContain(word)
    const read = await answerOf<AuditEvent>(await asAuditor(`/fhir/${focuses().at(-1)}`))
    expect(read.status).toBe(200)
  })

  test('must be allowed to read the trail: a HIS may subscribe to consents, and to no trail', async () => {
    const authorization = `Bearer ${await a.his.token('TREAT')}`
    expect(await answerOf(await subscribe({ authorization }))).toMatchObject({
      status: 403,
      code: 'scope-insufficient',
    })
  })
})

describe('Legal holds and the end of retention', () => {
  const officer = (id: string) => {
    const his = createHisClient({
      broker: a.broker.base,
      client: a.files.auditor,
      organization: a.config.identifier,
      user: { id, name: id, role: 'compliance' },
      now: () => a.clock.now(),
    })
    return {
      place: (wish: object) => his.manage<Hold>('POST', '/audit/holds', wish),
      lift: (id: string, reason: string) =>
        his.manage<Hold>('POST', `/audit/holds/${id}/lifting`, { reason }),
      list: () => his.manage<{ holds: Hold[] }>('GET', '/audit/holds'),
    }
  }
  const YEAR = 366 * 24 * 60 * 60_000

  /** The house-keeping of a broker that has run for six years. */
  function inSixYears() {
    const { db, vault } = insideOf(a)
    const clock = { ...a.clock, now: () => a.clock.now() + 6 * YEAR }
    const own = { id: a.member, name: a.config.name, identifier: a.config.identifier }
    const accessLog = createAccessLog({ vault, clock: a.clock })
    const patients = createPatientStore({ vault, clock })
    return createExpiry({
      ...{ db: db(), clock, accessLog, own, log: createLog({ level: 'silent', hospital: 'a' }) },
      holds: createHolds({ db: db(), vault, clock, patients, accessLog, own }),
      retention: { jurisdiction: 'NL', years: 5 },
    })
  }

  const bodies = async () => {
    const rows = await insideOf(a).db().selectFrom('access_log').selectAll().orderBy('seq').execute()
    return rows.flatMap(({ sealed, ...row }) =>
      sealed ? [{ ...row, entry: openJson<AuditEntry>(insideOf(a).vault.storeKey, sealed) }] : [],
    )
  }
  const aboutAnna = (all: AuditEntry[]) =>
    all.filter(({ patient }) => patient?.reference === 'Patient/anna').map(({ kind }) => kind)

  test.each<[string, object]>([
    ['no reason', {}],
    ['a patient who is not here', { reason: 'x', patient: 'Patient/nobody' }],
    ['an end before its beginning', { reason: 'x', from: '2026-02-01', until: '2026-01-01' }],
    ['a part that nobody knows', { reason: 'x', patients: ['anna'] }],
  ])('a hold with %s is not placed', async (_what, wish) => {
    expect(await officer('eva').place(wish)).toMatchObject({ status: 400, code: 'request-invalid' })
  })

  test('what a hold covers, and what a sink has not got, outlives the retention; of all else the leaf stays', async () => {
    const { status, body: hold } = await officer('eva').place({ reason: 'Case 12', patient: 'Patient/anna' })
    expect([status, hold.placedBy, hold.covers]).toEqual([201, 'eva', 'patient'])
    await b.his.list(STRANGER, 'TREAT')
    await pushed()
    deaf = true
    const { length } = await trail()
    await a.his.list(STRANGER, 'TREAT')
    // Only what the chain holds may go.
    const before = await eventually(async () => {
      const all = await bodies()
      return all.length > 0 && all.every(({ window_number }) => window_number !== null) && all
    })
    const kept = aboutAnna(await trail())
    const unsent = (await trail()).slice(length).map(({ id }) => id)
    expect(unsent.length).toBeGreaterThan(0)

    const books = () => insideOf(a).db().selectFrom('exchanges').select('id').execute()
    const exchanges = await books()
    expect(exchanges.length).toBeGreaterThan(0)
    const expiry = inSixYears()
    expect(await expiry.run()).toBeGreaterThan(3)
    expect(await books(), 'the hold covers all time').toEqual(exchanges)
    await expiry.close()
    const left = await trail()
    expect(aboutAnna(left)).toEqual(kept)
    expect(unsent.filter((id) => !left.some((one) => one.id === id))).toEqual([])
    expect(left.some(({ patient }) => patient?.reference === 'Patient/bram')).toBe(false)
    const said = left.findLast(({ kind }) => kind === 'trail-expired')
    expect(said?.custodian?.name).toBe('Hospital A')
    expect(said?.note).toMatch(/^\d+ lines from before \S+, after 5 years \(NL\)\.$/)

    // Whoever was given an entry with its salt proves it still, from the leaves that are left.
    const still = new Set((await bodies()).map(({ seq }) => seq))
    const deleted = before.filter(({ seq }) => !still.has(seq))
    expect(deleted.length).toBeGreaterThan(0)
    const log = AccessLog__factory.connect(world.chain.contracts.accessLog, world.provider)
    for (const { entry, salt, window_number } of deleted) {
      const db = insideOf(a).db()
      const number = window_number ?? 0
      const leaves = await db
        .selectFrom('access_log')
        .select('leaf')
        .where('window_number', '=', number)
        .orderBy('seq')
        .execute()
      const { padding } = await db
        .selectFrom('windows')
        .select('padding')
        .where('number', '=', number)
        .executeTakeFirstOrThrow()
      const leaf = leafOf(salt as Uint8Array, entry)
      const tree = SimpleMerkleTree.of([...leaves.map((row) => row.leaf), padding])
      const root = await eventually(async () => {
        const found = await log.rootOf(a.member, number)
        return found !== `0x${'0'.repeat(64)}` && found
      })
      expect(SimpleMerkleTree.verify(root, leaf, tree.getProof(leaf))).toBe(true)
    }
    deaf = false
    a.clock.advance(70_000)
    await a.settled()
  })

  test('a hold is lifted by two persons, each with a reason, and then its lines may go', async () => {
    const [hold] = (await officer('eva').list()).body.holds
    const id = hold?.id ?? ''
    const first = await officer('eva').lift(id, 'The case is closed')
    expect(first.body).toMatchObject({ liftAskedBy: 'eva' })
    expect(await officer('eva').lift(id, 'The case is closed')).toMatchObject({
      status: 409,
      code: 'second-person-needed',
    })
    expect(first.body.liftedAt).toBeUndefined()
    const { body } = await officer('tom').lift(id, 'Agreed')
    expect(body).toMatchObject({ liftAskedBy: 'eva', liftedBy: 'tom' })
    expect(body.liftReasons.map(({ reason }) => reason)).toEqual(['The case is closed', 'Agreed'])
    expect(await officer('tom').lift(id, 'Again')).toMatchObject({ status: 409, code: 'hold-lifted' })
    expect(await officer('tom').lift('none', 'x')).toMatchObject({ status: 404, code: 'hold-unknown' })
    const kinds = (await trail()).map(({ kind }) => kind)
    for (const kind of ['hold-placed', 'hold-lift-asked', 'hold-lifted'] as const)
      expect(kinds).toContain(kind)
    await pushed()
    const expiry = inSixYears()
    await eventually(async () => {
      await expiry.run()
      return !aboutAnna(await trail()).includes('disclosure')
    })
    await expiry.close()
    expect(await insideOf(a).db().selectFrom('exchanges').select('id').execute()).toEqual([])
  })
})

import { randomUUID } from 'node:crypto'
import type { AuditEvent, Bundle, Provenance } from 'fhir/r4.js'
import { compactVerify, createLocalJWKSet, importJWK, type JWK } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Unmatched } from '../../../src/broker/audit/exchange-books.ts'
import { RecordDirectory__factory } from '../../../src/chain/contracts.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { sealReceipt } from '../../../src/exchange/receipt.ts'
import type { HisClient } from '../../../src/sandbox/his-client.ts'
import { publicJwks } from '../../../src/store/keyring.ts'
import type { Front } from '../../support/front.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let front: Front
let record: string

beforeAll(async () => {
  world = await createWorld({ fronts: { broker: ['a'] } })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  front = a.brokerFront as Front
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
  const anna = await world.enrol(a, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  record = await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id)
}, 60_000)
afterEach(() => {
  front.behave = undefined
})
afterAll(() => world?.close())

/** What a compliance officer is shown of exchanges that the other side's word does not match. */
async function unmatched(hospital: TestHospital): Promise<Unmatched[]> {
  const { body } = await get<{ exchanges: Unmatched[] }>(hospital.auditor, '/audit/unmatched?seconds=0')
  return body.exchanges
}

async function get<T>(client: HisClient, path: string) {
  // The auditor's one call that takes any path is its FHIR one.
  return client.fhir<T>('GET', `..${path}`)
}

const both = async () => [await unmatched(a), await unmatched(b)]
const settled = () => eventually(async () => (await both()).every((one) => one.length === 0))

/** Opens the record at B; its link names the Provenance, and with it the exchange. */
async function open() {
  const answer = await fetch(`${b.broker.base}/fhir/Binary/${record}`, {
    headers: { authorization: `Bearer ${await b.his.token('TREAT')}` },
  })
  const exchange = /Provenance\/([\w-]+)>/.exec(answer.headers.get('link') ?? '')?.[1] ?? ''
  return { status: answer.status, exchange }
}

/** A receipt that B signs, whatever it says. */
async function receiptOf(exchanges: { exchange: string; bytes: `0x${string}` }[], by = b) {
  const key = (await importJWK(by.files.keyring.signing, 'ES256')) as CryptoKey
  const sealing = publicJwks(a.files.keyring).keys.find(({ use }) => use === 'enc') as JWK
  const at = Math.floor(b.clock.now() / 1000)
  const receipt = { custodian: a.member, requester: b.member, exchanges, at }
  return sealReceipt(receipt, { key, kid: b.files.keyring.signing.kid ?? '' }, sealing)
}

const send = (body: string) =>
  fetch(`${a.broker.base}/exchange/receipt`, {
    method: 'POST',
    headers: { 'content-type': 'application/jose' },
    body,
  })

describe('what a custodian disclosed and what a requester received', () => {
  test('bear the same name in the trails of both, and match once the receipt is there', async () => {
    const { exchange } = await open()
    expect(exchange).toMatch(/^[0-9a-f-]{36}$/)
    await settled()
    for (const [hospital, kind] of [
      [a, 'disclosure'],
      [b, 'receipt'],
    ] as const) {
      const { body } = await hospital.auditor.audit({ _count: '20' })
      const events = ((body as Bundle<AuditEvent>).entry ?? []).flatMap(({ resource }) => resource ?? [])
      const named = events.filter((event) =>
        event.entity?.some(
          ({ type, what }) => type?.code === 'XrequestId' && what?.identifier?.value === exchange,
        ),
      )
      expect(named.length).toBeGreaterThan(0)
      const entry = (await insideOf(hospital).trail()).findLast((one) => one.kind === kind)
      expect(entry?.exchange).toBe(exchange)
    }
  })

  test('do not match where an answer was lost on the way: the custodian sees that no receipt came', async () => {
    await settled()
    front.behave = async ({ path }, forward) => {
      const answer = await forward()
      return path.startsWith('/exchange/record/') ? { status: 502, headers: {}, body: '' } : answer
    }
    expect((await open()).status).toBe(504)
    const [disclosed, received] = await both()
    expect(disclosed).toMatchObject([{ peer: b.member, why: 'no-receipt' }])
    expect(received).toEqual([])
    const lost = disclosed?.[0]?.exchange
    expect((await insideOf(a).trail()).findLast(({ kind }) => kind === 'disclosure')?.exchange).toBe(lost)
    // B had the bytes all the same, and says so later.
    const entry = (await insideOf(a).trail()).findLast(({ kind }) => kind === 'disclosure')
    const answer = await send(await receiptOf([{ exchange: lost ?? '', bytes: `0x${entry?.record?.hash}` }]))
    expect(await answer.json()).toEqual({ unknown: [] })
    await settled()
  })

  test('match in the end where the custodian was away when the receipt was due', async () => {
    front.behave = async ({ path }, forward) =>
      path === '/exchange/receipt' ? { status: 503, headers: {}, body: '' } : forward()
    const { exchange } = await open()
    expect((await unmatched(b)).map(({ why, exchange: id }) => ({ why, id }))).toEqual([
      { why: 'waiting', id: exchange },
    ])
    expect((await unmatched(a)).map(({ why, exchange: id }) => ({ why, id }))).toEqual([
      { why: 'no-receipt', id: exchange },
    ])
    await b.restart()
    front.behave = undefined
    await settled()
  })

  test('do not match where the custodian denies what the requester received', async () => {
    front.behave = async ({ path }, forward) => {
      if (path !== '/exchange/receipt') return forward()
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ unknown: [exchange] }),
      }
    }
    const { exchange } = await open()
    const [line] = await eventually(async () => {
      const lines = await unmatched(b)
      return lines.some(({ why }) => why === 'not-in-their-books') && lines
    })
    expect(line).toMatchObject({ exchange, peer: a.member, why: 'not-in-their-books' })
    // The requester keeps the custodian's signature over that very answer.
    const { body } = await b.his.fhir<Provenance>('GET', `Provenance/${exchange}`)
    expect(body.signature).toHaveLength(2)
  })
})

describe('a receipt changes nothing, and', () => {
  test('is an alarm at the custodian where it names what was not disclosed to that member, or other bytes', async () => {
    const { exchange } = await open()
    const before = (await insideOf(a).trail()).length
    const never = randomUUID()
    const bytes = `0x${'00'.repeat(32)}` as const
    const named = [
      { exchange: never, bytes },
      { exchange, bytes },
    ]
    const answer = await send(await receiptOf(named))
    expect(await answer.json()).toEqual({ unknown: [never, exchange] })
    const gained = (await insideOf(a).trail()).slice(before).filter(({ kind }) => kind === 'alarm')
    expect(gained.map(({ reason, exchange: id }) => [reason, id])).toEqual([
      ['receipt-mismatch', never],
      ['receipt-mismatch', exchange],
    ])
  })

  test('is refused where somebody else signed it, or it is not sealed to this custodian', async () => {
    expect((await send(await receiptOf([], a))).status).toBe(400)
    expect((await send('eyJ.not.a.receipt')).status).toBe(400)
  })
})

test('the Provenance of a record says whose it is, and carries the custodian’s signatures over its commitment on the chain', async () => {
  const { exchange } = await open()
  const { body, status } = await b.his.fhir<Provenance>('GET', `Provenance/${exchange}`)
  expect(status).toBe(200)
  expect(body).toMatchObject({
    resourceType: 'Provenance',
    id: exchange,
    target: [{ reference: `${b.broker.base}/fhir/Binary/${record}` }],
    agent: [
      { type: { coding: [{ code: 'custodian' }] }, who: { identifier: a.config.identifier } },
      { type: { coding: [{ code: 'verifier' }] }, who: { identifier: b.config.identifier } },
    ],
    reason: [{ coding: [{ code: 'TREAT' }] }],
  })
  const commitment = `0x${body.entity?.[0]?.what.identifier?.value}`
  const tag = await insideOf(a).tagOf('Condition', 'c1')
  const directory = RecordDirectory__factory.connect(world.chain.contracts.recordDirectory, world.provider)
  expect(await directory.commitmentOf(a.member, tag)).toBe(commitment)
  const keys = createLocalJWKSet(publicJwks(a.files.keyring) as never)
  const said = await Promise.all(
    (body.signature ?? []).map(async ({ data }) => {
      const jws = Buffer.from(data ?? '', 'base64').toString()
      const { payload } = await compactVerify(jws, keys)
      return JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>
    }),
  )
  expect(said).toMatchObject([
    { custodian: a.member, commitment },
    { fetch: exchange, tag, commitment },
  ])
  expect((await b.his.fhir('GET', `Provenance/${randomUUID()}`)).code).toBe('not-available')
})

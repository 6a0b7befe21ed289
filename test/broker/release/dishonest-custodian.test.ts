import { createHash } from 'node:crypto'
import { decodeJwt, importJWK } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ReasonCode } from '../../../src/domain/audit/reasons.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { signResponse } from '../../../src/exchange/record-signature.ts'
import { createHisClient } from '../../../src/sandbox/his-client.ts'
import { type Front, type FrontAnswer, type FrontRequest, muchOf } from '../../support/front.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let front: Front
/** What B's HIS calls the two records. */
let first: string
let second: string
let tag: Hex
let commitment: Hex

beforeAll(async () => {
  world = await createWorld({
    fronts: { broker: ['a'] },
    // So few bytes that what is too large shows long before the time is over, on a busy machine too.
    bounds: { peer: { headersMs: 2_000, bodyMs: 2_000, totalMs: 4_000, maxBytes: 2 * 1024 * 1024 } },
  })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  front = a.brokerFront as Front
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.put(condition('c2', 'anna', 'Asthma', '195967001'))
  await a.settled()
  const anna = await world.enrol(a, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  const entry = await eventually(async () => {
    const { body } = await b.his.list(ANNA, 'TREAT')
    return body.total === 2 && (body.entry ?? [])
  })
  // On a busy machine an honest answer may come too late for this world's short patience.
  const opened = await eventually(async () => {
    const all = await Promise.all(
      (entry || []).map(async ({ resource }) => [
        (await b.his.open(resource?.id ?? '', 'TREAT')).body.id,
        resource?.id,
      ]),
    )
    return all.every(([id]) => id !== undefined) && all
  })
  first = (opened || []).find(([id]) => id === 'c1')?.[1] ?? ''
  second = (opened || []).find(([id]) => id === 'c2')?.[1] ?? ''
  tag = await insideOf(a).tagOf('Condition', 'c1')
  const row = await insideOf(a)
    .db()
    .selectFrom('records')
    .select('commitment')
    .where('tag', '=', tag)
    .executeTakeFirstOrThrow()
  commitment = row.commitment as Hex
}, 60_000)

afterEach(() => {
  front.behave = undefined
})
afterAll(() => world?.close())

type Lie = (
  asked: FrontRequest,
  honest: FrontAnswer,
) => FrontAnswer | 'silence' | Promise<FrontAnswer | 'silence'>

/** A answers record requests with a lie, and all else honestly. */
function lieAboutRecords(lie: Lie, path = '/exchange/record/'): void {
  front.behave = async (asked, forward) =>
    asked.path.startsWith(path) ? lie(asked, await forward()) : forward()
}

/** Somebody for whom B keeps no token of A's yet, so that the whole way is gone. */
let persons = 0
function nextPerson() {
  persons += 1
  const user = { id: `dr-${persons}`, name: 'Dr Next', role: 'physician' }
  const { identifier: organization } = b.config
  return createHisClient({
    ...{ broker: b.broker.base, client: b.files.his, organization, user, now: () => b.clock.now() },
  })
}

/** B's HIS gets a code and nothing of the record, and B's own trail says what happened. */
async function open(record = first) {
  const inside = insideOf(b)
  const before = (await inside.trail()).length
  const { status, code, bytes } = await nextPerson().open(record, 'TREAT')
  const gained = (await inside.trail()).slice(before).filter(({ chain }) => chain === undefined)
  const text = Buffer.from(bytes).toString()
  expect(text).not.toMatch(/Hypertension|Asthma|Condition/)
  expect(gained.map(({ kind }) => kind)).not.toContain('receipt')
  return {
    status,
    code,
    told: gained.map(({ kind, reason }) => ({ kind, ...(reason ? { reason } : {}) })),
    gained,
  }
}

const alarm = (reason: ReasonCode) => [{ kind: 'alarm', reason }]

/** A signs whatever it likes: its keys are its own. */
async function signed(
  asked: FrontRequest,
  bytes: Uint8Array,
  honest: FrontAnswer,
  over: Record<string, unknown> = {},
): Promise<FrontAnswer> {
  const key = (await importJWK(a.files.keyring.signing, 'ES256')) as CryptoKey
  const at = Math.floor(a.clock.now() / 1000)
  const statement = {
    fetch: decodeJwt(String(asked.headers.dpop)).jti ?? '',
    tag,
    commitment,
    bytes: `0x${createHash('sha256').update(bytes).digest('hex')}` as Hex,
    at,
    ...over,
  }
  const response = await signResponse(key, a.files.keyring.signing.kid ?? '', statement)
  const headers = {
    ...honest.headers,
    'wayleave-response-signature': response,
    'wayleave-response-time': String(statement.at),
  }
  delete (headers as Record<string, unknown>)['content-length']
  return { status: 200, headers, body: bytes }
}

const bytesOf = ({ body }: FrontAnswer) => Buffer.from(body as Uint8Array)

describe('nothing is handed on, and an alarm is raised, when the custodian', () => {
  test('changes the record and leaves its signature as it was', async () => {
    lieAboutRecords((_asked, honest) => ({
      ...honest,
      body: bytesOf(honest).toString().replace('Hypertension', 'Hypotension!'),
    }))
    expect(await open()).toMatchObject({
      status: 502,
      code: 'response-invalid',
      told: alarm('signature-invalid'),
    })
  })

  test('changes the record and signs it anew', async () => {
    lieAboutRecords((asked, honest) =>
      signed(asked, Buffer.from(bytesOf(honest).toString().replace('Hypertension', 'Hypotension')), honest),
    )
    expect(await open()).toMatchObject({
      status: 502,
      code: 'commitment-mismatch',
      told: alarm('commitment-mismatch'),
    })
  })

  test('answers another registered record, signed as the one that was asked for', async () => {
    let other = Buffer.alloc(0)
    lieAboutRecords((_asked, honest) => {
      other = bytesOf(honest)
      return honest
    })
    await b.his.open(second, 'TREAT')
    expect(other.toString()).toContain('Asthma')
    lieAboutRecords((asked, honest) => signed(asked, other, honest))
    expect(await open()).toMatchObject({
      status: 502,
      code: 'commitment-mismatch',
      told: alarm('commitment-mismatch'),
    })
  })

  test('replays an earlier answer, word for word', async () => {
    let earlier: FrontAnswer | undefined
    lieAboutRecords((_asked, honest) => {
      earlier ??= honest
      return honest
    })
    expect((await b.his.open(first, 'TREAT')).status).toBe(200)
    lieAboutRecords(() => earlier as FrontAnswer)
    expect(await open()).toMatchObject({
      status: 502,
      code: 'response-invalid',
      told: alarm('signature-invalid'),
    })
  })

  test('signs an answer that is older, or younger, than a minute', async () => {
    const now = () => Math.floor(a.clock.now() / 1000)
    lieAboutRecords((asked, honest) => signed(asked, bytesOf(honest), honest, { at: now() - 90 }))
    expect(await open()).toMatchObject({
      status: 502,
      code: 'response-invalid',
      told: alarm('response-invalid'),
    })
    lieAboutRecords((asked, honest) => signed(asked, bytesOf(honest), honest, { at: now() + 90 }))
    expect(await open()).toMatchObject({
      status: 502,
      code: 'response-invalid',
      told: alarm('response-invalid'),
    })
  })

  test.each(['wayleave-record-signature', 'wayleave-response-signature', 'wayleave-response-time'])(
    'leaves out %s',
    async (name) => {
      lieAboutRecords((_asked, honest) => {
        const headers = { ...honest.headers }
        delete headers[name]
        return { ...honest, headers }
      })
      const { status, code, told } = await open()
      expect({ status, code }).toEqual({ status: 502, code: 'response-invalid' })
      expect(told.map(({ kind }) => kind)).toEqual(['alarm'])
    },
  )

  test('writes nonsense where a time should be', async () => {
    for (const time of ['soon', '', '1e99', '-1']) {
      lieAboutRecords((_asked, honest) => ({
        ...honest,
        headers: { ...honest.headers, 'wayleave-response-time': time },
      }))
      expect(await open()).toMatchObject({
        status: 502,
        code: 'response-invalid',
        told: alarm('response-invalid'),
      })
    }
  })

  test('signs bytes that two readers would read in two ways', async () => {
    lieAboutRecords((asked, honest) =>
      signed(
        asked,
        Buffer.from(bytesOf(honest).toString().replace('"id":"c1"', '"id":"c2","id":"c1"')),
        honest,
      ),
    )
    expect(await open()).toMatchObject({
      status: 502,
      code: 'response-invalid',
      told: alarm('response-invalid'),
    })
  })

  test('redirects, to another host or to itself', async () => {
    for (const location of ['http://169.254.169.254/latest/meta-data/', `${b.broker.base}/health`]) {
      for (const path of ['/exchange/record/', '/exchange/token']) {
        lieAboutRecords(() => ({ status: 302, headers: { location }, body: '' }), path)
        expect(await open()).toMatchObject({
          status: 502,
          code: 'response-invalid',
          told: alarm('response-invalid'),
        })
      }
    }
  })

  test('sends 100 MB', async () => {
    lieAboutRecords((_asked, honest) => {
      const { 'content-length': _, ...headers } = honest.headers
      return { status: 200, headers, body: muchOf(100 * 1024 * 1024) }
    })
    expect(await open()).toMatchObject({
      status: 502,
      code: 'response-invalid',
      told: alarm('response-invalid'),
    })
  })

  test('gives a page, nothing, or something odd for a token', async () => {
    const answers = [
      '<html>Sign in</html>',
      '',
      'null',
      '{}',
      '{"access_token":5}',
      '{"access_token":"a\\r\\nhost: b"}',
    ]
    for (const body of answers) {
      lieAboutRecords(
        () => ({ status: 200, headers: { 'content-type': 'application/json' }, body }),
        '/exchange/token',
      )
      expect(await open()).toMatchObject({
        status: 502,
        code: 'response-invalid',
        told: alarm('response-invalid'),
      })
    }
  })

  test('gives a page instead of the record', async () => {
    lieAboutRecords(() => ({
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: '<html>Maintenance</html>',
    }))
    expect(await open()).toMatchObject({ status: 502, code: 'response-invalid' })
  })
})

describe('a custodian that does not answer is told apart from one that lies, when it', () => {
  test.each<[string, () => FrontAnswer | 'silence']>([
    ['is silent', () => 'silence'],
    ['fails', () => ({ status: 500, headers: {}, body: 'oops' })],
    ['begins and stops', () => ({ status: 200, headers: {}, body: endless(1) })],
    ['drips without end', () => ({ status: 200, headers: {}, body: endless(Number.POSITIVE_INFINITY) })],
  ])('%s', async (_how, answer) => {
    let asked = 0
    lieAboutRecords(() => {
      asked++
      return answer()
    })
    // What never ends was given up, or there would be no answer; and it was not asked for again.
    const { status, code, gained } = await open()
    expect({ status, code, asked }).toEqual({ status: 504, code: 'peer-unavailable', asked: 1 })
    expect(gained).toMatchObject([
      { kind: 'refusal', note: 'The custodian did not answer.', recordedBy: 'requester' },
    ])
    expect(gained[0]?.reason).toBeUndefined()
  })
})

test('when the custodian answers as it should, the record is handed on again', async () => {
  expect(await b.his.open(first, 'TREAT')).toMatchObject({ status: 200, body: { id: 'c1' } })
  // A window's entry may come between: it is the broker's own, and comes when its time does.
  const ofAnna = (await insideOf(b).trail()).filter(({ kind }) => kind !== 'window')
  expect(ofAnna.at(-1)).toMatchObject({ kind: 'receipt', patient: { identifier: ANNA } })
})

/** So many pieces, one after another, and then nothing: it does not end by itself. */
async function* endless(pieces: number): AsyncIterable<Uint8Array> {
  for (let i = 0; i < pieces; i++) {
    yield Buffer.from('{')
    await new Promise((done) => setTimeout(done, 200).unref())
  }
  await new Promise(() => {})
}

test('a custodian that takes a kept token no longer is asked for another, once, and for no more', async () => {
  const person = nextPerson()
  expect((await person.open(first, 'TREAT')).status).toBe(200)
  const asked: string[] = []
  let refusing = 1
  front.behave = async (request, forward) => {
    const path = request.path.split('/').slice(0, 3).join('/')
    // Receipts go out by themselves.
    if (path !== '/exchange/receipt') asked.push(path)
    if (path !== '/exchange/record' || refusing-- <= 0) return forward()
    return { status: 401, headers: {}, body: '' }
  }
  expect((await person.open(first, 'TREAT')).status).toBe(200)
  expect(asked).toEqual(['/exchange/record', '/exchange/token', '/exchange/record'])
  refusing = 9
  expect(await person.open(first, 'TREAT')).toMatchObject({ status: 404, code: 'not-available' })
  expect(asked.slice(3)).toEqual(['/exchange/record', '/exchange/token', '/exchange/record'])
})

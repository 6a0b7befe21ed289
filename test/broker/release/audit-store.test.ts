import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Unmatched } from '../../../src/broker/audit/exchange-books.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { answerOf } from '../../../src/sandbox/his-client.ts'
import { createAsker } from '../../support/asker.ts'
import { clinicalReads, insideOf } from '../../support/inside.ts'
import { ANNA, condition, observation, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
/** What B's HIS calls A's records. */
let problem: string
let scan: string

const SECRETS = /Hypertension|"c1"|"o1"|"d1"|SCAN-BYTES|sha256-commitment/
const SCAN = Buffer.concat([Buffer.from('SCAN-BYTES'), randomBytes(200_000)])

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.put(observation('o1', 'anna', 71))
  const headers = { 'content-type': 'application/dicom' }
  await fetch(`${a.fhir}/Binary/scan`, { method: 'PUT', headers, body: SCAN as BodyInit })
  await a.put({
    ...{ resourceType: 'DocumentReference', id: 'd1', status: 'current' },
    meta: {
      security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }],
    },
    subject: { reference: 'Patient/anna' },
    content: [{ attachment: { contentType: 'application/dicom', url: 'Binary/scan' } }],
  })
  await a.settled()
  const anna = await world.enrol(a, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems', 'observations', 'documents'] })
  const listed = await eventually(async () => {
    const { entry = [] } = (await b.his.list(ANNA, 'TREAT')).body
    return entry.length === 3 && entry
  })
  const idOf = (type: string) =>
    listed.find(({ resource }) => resource?.type?.coding?.[0]?.code === type)?.resource?.id ?? ''
  problem = idOf('Condition')
  scan = idOf('DocumentReference')
}, 60_000)

let broken: TestHospital | undefined
afterEach(async () => {
  a.afterIntent = undefined
  if (broken) await mend(broken)
})
afterAll(() => world?.close())

/** The disk is full: what is there can be read, and nothing is added. */
async function fill(hospital: TestHospital): Promise<void> {
  await sql`create or replace function broker.no_space() returns trigger language plpgsql as
    $$ begin raise exception 'could not extend file: No space left on device'; end $$`.execute(
    hospital.database.db,
  )
  await sql`create trigger no_space before insert on broker.access_log for each row execute function broker.no_space()`.execute(
    hospital.database.db,
  )
  broken = hospital
}

/** The store is gone altogether. */
async function remove(hospital: TestHospital): Promise<void> {
  await sql`alter table broker.access_log rename to lost`.execute(hospital.database.db)
  broken = hospital
}

async function mend(hospital: TestHospital): Promise<void> {
  broken = undefined
  await sql`alter table if exists broker.lost rename to access_log`.execute(hospital.database.db)
  await sql`drop trigger if exists no_space on broker.access_log`.execute(hospital.database.db)
}

/** What B's HIS may ask A's records by. */
const ASKS = {
  'the list': () => `/fhir/DocumentReference?patient.identifier=${encodeURIComponent(identifierText(ANNA))}`,
  'a record': () => `/fhir/Binary/${problem}`,
  'what a record has outside of itself': () => `/fhir/Binary/${scan}/attachment/0`,
  'a page of a live search': () =>
    `/shared/fhir/Observation?${new URLSearchParams({
      'patient.identifier': identifierText(ANNA),
      'custodian.identifier': identifierText(a.config.identifier),
    })}`,
} as const
type What = keyof typeof ASKS
const RELEASES = (Object.keys(ASKS) as What[]).filter((what) => what !== 'the list')

/** A transfer that breaks off has no status of its own: it counts as none. */
async function ask(what: What) {
  const token = await b.his.token('TREAT')
  try {
    const answer = await answerOf(
      await fetch(`${b.broker.base}${ASKS[what]()}`, { headers: { authorization: `Bearer ${token}` } }),
    )
    return { ...answer, text: Buffer.from(answer.bytes).toString('latin1') }
  } catch {
    return { status: 0, code: undefined, text: '' }
  }
}

const lines = async (hospital: TestHospital) => (await insideOf(hospital).trail()).length
const gained = async (hospital: TestHospital, from: number) =>
  (await insideOf(hospital).trail())
    .slice(from)
    .filter(({ chain }) => !chain)
    .map(({ kind }) => kind)

/** Both hospitals' word on every exchange, until there is nothing that only one of them says. */
const matched = () =>
  eventually(async () => {
    const left = await Promise.all(
      [a, b].map(async (hospital) => {
        const { body } = await hospital.auditor.fhir<{ exchanges: Unmatched[] }>(
          'GET',
          '../audit/unmatched?seconds=0',
        )
        return body.exchanges.filter(({ why }) => why !== 'no-receipt')
      }),
    )
    return left.flat().length === 0
  })

describe.each([
  ['full', fill],
  ['gone', remove],
] as const)('When the custodian’s audit store is %s', (_how, destroy) => {
  test.each(RELEASES)(
    'before it is asked for %s, nothing is read or handed out, and all is as before once it is back',
    async (what) => {
      const [reads, atA] = [a.fhirAccess.length, await lines(a)]
      await destroy(a)
      const refused = await ask(what)
      expect(refused.text).not.toMatch(SECRETS)
      expect(clinicalReads(a, reads)).toEqual([])
      expect(refused).toMatchObject({ status: 504, code: 'peer-unavailable' })
      await mend(a)
      expect(await gained(a, atA)).toEqual([])
      expect((await ask(what)).text).toMatch(SECRETS)
    },
  )

  test('before or after a token for a list is given, nobody is told what is on it', async () => {
    const { reference } = await insideOf(b)
      .db()
      .selectFrom('shares_received')
      .select('reference')
      .where('ended', '=', false)
      .executeTakeFirstOrThrow()
    const asker = await createAsker(b, a)
    const tokenForList = () => asker.token('0x', { body: { scope: `share:${reference}` } })
    const url = `${a.broker.base}/exchange/list/${reference}`
    const list = async (token = '') => {
      const headers = { authorization: `DPoP ${token}`, dpop: await asker.proof('GET', url, token) }
      return answerOf(await fetch(url, { headers }))
    }
    const [one, two] = [await tokenForList(), await tokenForList()]
    const atA = await lines(a)
    await destroy(a)
    const refused = await list(one.body.access_token)
    expect(refused).toMatchObject({ status: 503, code: 'not-ready' })
    expect(Buffer.from(refused.bytes).toString()).not.toMatch(SECRETS)
    await mend(a)
    expect(await gained(a, atA)).toEqual([])
    const listed = await list(two.body.access_token)
    expect(listed.status).toBe(200)
    expect(Buffer.from(listed.bytes).toString()).toMatch(/"c1"/)
    expect(await gained(a, atA)).toEqual(['list'])
  })
})

test.each(RELEASES)(
  'When the custodian’s audit store fills up between intent and release of %s, what was read does not leave',
  async (what) => {
    const atA = await lines(a)
    // Of a content's record first, then of the content: the last intent is the one that counts.
    let left = what === 'what a record has outside of itself' ? 2 : 1
    a.afterIntent = async () => {
      if (--left === 0) await fill(a)
    }
    const refused = await ask(what)
    expect(refused).toMatchObject({ status: 504, code: 'peer-unavailable' })
    expect(refused.text).not.toMatch(SECRETS)
    await mend(a)
    a.afterIntent = undefined
    expect((await gained(a, atA)).at(-1)).toBe('intent')
    expect((await ask(what)).text).toMatch(SECRETS)
  },
)

describe.each([
  ['full', fill],
  ['gone', remove],
] as const)('When the requester’s own audit store is %s', (_how, destroy) => {
  test.each(Object.keys(ASKS) as What[])(
    'before %s is asked for, its HIS gets nothing and is told why, and the custodian’s word stands without a receipt',
    async (what) => {
      const [atA, atB] = [await lines(a), await lines(b)]
      await destroy(b)
      const refused = await ask(what)
      expect(refused).toMatchObject({ status: 503, code: 'audit-unavailable' })
      expect(refused.text).not.toMatch(SECRETS)
      await mend(b)
      expect(await gained(b, atB)).toEqual([])
      // The custodian has said what it gave away, whatever became of it.
      expect(await gained(a, atA)).toEqual(
        what === 'the list' ? [] : expect.arrayContaining(['intent', 'disclosure']),
      )
      expect((await ask(what)).text).toMatch(SECRETS)
    },
  )
})

test('When the requester’s own audit store fills up while a content passes, the transfer breaks off before its end', async () => {
  const atB = await lines(b)
  let left = 2
  a.afterIntent = async () => {
    if (--left === 0) await fill(b)
  }
  const cut = await ask('what a record has outside of itself')
  expect(cut.status).toBe(0)
  await mend(b)
  a.afterIntent = undefined
  expect(await gained(b, atB)).toEqual(['receipt'])
  expect((await ask('what a record has outside of itself')).text).toMatch(SECRETS)
})

test('After a release nothing of it is lost when the store goes: receipts wait, and those of all that came are there in the end', async () => {
  const atA = await lines(a)
  expect((await ask('a record')).text).toMatch(SECRETS)
  await remove(a)
  // Receipts are sent meanwhile, and are of no use to a custodian that cannot write them down.
  await new Promise((done) => setTimeout(done, 1_200))
  await mend(a)
  await matched()
  expect(await gained(a, atA)).toEqual(expect.arrayContaining(['intent', 'disclosure']))
})

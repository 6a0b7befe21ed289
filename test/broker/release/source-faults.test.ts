import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ReasonCode } from '../../../src/domain/audit/reasons.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { openJson, sealJson } from '../../../src/store/vault.ts'
import { createAsker } from '../../support/asker.ts'
import { type Front, type FrontAnswer, muchOf } from '../../support/front.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let front: Front
let asker: Awaited<ReturnType<typeof createAsker>>

beforeAll(async () => {
  world = await createWorld({
    fronts: { fhir: ['a'] },
    bounds: { fhir: { headersMs: 500, bodyMs: 500, totalMs: 1_200, maxBytes: 8 * 1024 * 1024 } },
  })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  front = a.fhirFront as Front
  await a.put(patient('anna', ANNA))
  for (const id of ['plain', 'altered', 'raised', 'labelled', 'gone', 'moved', 'broken'])
    await a.put(condition(id, 'anna', 'Hypertension'))
  await a.put({
    ...condition('labelled', 'anna', 'Hypertension'),
    meta: { security: [{ system: ACT_CODE, code: 'HIV' }] },
  })
  await a.put(patient('bram', { system: ANNA.system, value: '999947825' }))
  await a.settled()
  const anna = await world.enrol(a, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.total === 6)
  asker = await createAsker(b, a)
}, 60_000)

afterEach(() => {
  front.behave = undefined
})
afterAll(() => world?.close())

const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'

/** The answer to whoever asks for the record is the one refusal; the custodian's trail has the reason. */
async function refused(tag: Hex, reason: ReasonCode, kind: 'refusal' | 'alarm' = 'refusal'): Promise<void> {
  const inside = insideOf(a)
  const before = (await inside.trail()).length
  const answer = await asker.fetch(tag)
  expect(answer).toMatchObject({ status: 404, code: 'not-available' })
  expect(Buffer.from(answer.bytes).toString()).not.toMatch(/Hypertension|Condition/)
  const gained = (await inside.trail()).slice(before).filter(({ chain }) => chain === undefined)
  expect(gained.map((entry) => entry.kind)).not.toContain('disclosure')
  expect(gained.at(-1)).toMatchObject({ kind, reason, outcome: '8' })
}

/** Changes the stored bytes of a version behind the FHIR server's back. */
const alter = (id: string, from: string, to: string) =>
  sql`update fhir.versions set body = replace(body, ${from}, ${to}) where type = 'Condition' and id = ${id}`.execute(
    a.database.db,
  )

test('a record that changed at the source without a new version raises an alarm, and is not handed on', async () => {
  const tag = await insideOf(a).tagOf('Condition', 'altered')
  await alter('altered', 'Hypertension', 'Hypotension')
  await refused(tag, 'record-changed', 'alarm')
})

test('a record whose bytes can no longer be read in one way raises the same alarm', async () => {
  const tag = await insideOf(a).tagOf('Condition', 'broken')
  const bytes = await (await fetch(`${a.fhir}/Condition/broken`)).text()
  for (const body of [
    bytes.replace('"subject"', '"id":"broken","subject"'),
    `{${bytes}`,
    bytes.replace('{', '{"n":1e400,'),
  ]) {
    front.behave = async ({ path }, forward) =>
      path.includes('/Condition/broken/_history/') ? { status: 200, headers: {}, body } : forward()
    await refused(tag, 'record-changed', 'alarm')
  }
})

describe('when the FHIR server', () => {
  const tag = () => insideOf(a).tagOf('Condition', 'plain')
  const page = { 'content-type': 'text/html' }
  const json = { 'content-type': 'application/fhir+json' }

  test.each<[string, ReasonCode, 'refusal' | 'alarm', () => FrontAnswer | 'silence']>([
    ['is silent', 'source-unavailable', 'refusal', () => 'silence'],
    ['fails', 'source-unavailable', 'refusal', () => ({ status: 500, headers: json, body: '{}' })],
    ['is busy', 'source-unavailable', 'refusal', () => ({ status: 429, headers: json, body: '{}' })],
    [
      'asks for a password',
      'source-unavailable',
      'refusal',
      () => ({ status: 401, headers: page, body: '<html>' }),
    ],
    [
      'shows a page',
      'record-changed',
      'alarm',
      () => ({ status: 200, headers: page, body: '<html>Maintenance</html>' }),
    ],
    ['sends nothing', 'record-changed', 'alarm', () => ({ status: 200, headers: json, body: '' })],
    [
      'sends JSON that is cut off',
      'record-changed',
      'alarm',
      () => ({ status: 200, headers: json, body: '{"resourceType":"Condition","id":"plain","subj' }),
    ],
    [
      'sends 50 MB',
      'source-unavailable',
      'refusal',
      () => ({ status: 200, headers: json, body: muchOf(50 * 1024 * 1024) }),
    ],
    [
      'redirects',
      'source-unavailable',
      'refusal',
      () => ({ status: 302, headers: { location: `${a.fhir}/Patient/anna` }, body: '' }),
    ],
    [
      'says that the record is gone',
      'record-gone',
      'refusal',
      () => ({ status: 410, headers: json, body: '{}' }),
    ],
    ['drips', 'source-unavailable', 'refusal', () => ({ status: 200, headers: json, body: dripping() })],
  ])('%s, the release is refused as %s', async (_how, reason, kind, answer) => {
    const at = await tag()
    front.behave = async ({ path }, forward) =>
      /Condition\/plain\/_history/.test(path) ? answer() : forward()
    const started = performance.now()
    await refused(at, reason, kind)
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  test('answers another version or another record, an alarm is raised', async () => {
    const at = await tag()
    front.behave = async ({ path }, forward) => {
      if (!/Condition\/plain\/_history/.test(path)) return forward()
      const other = await fetch(`${a.fhir}/Condition/raised`)
      return { status: 200, headers: json, body: new Uint8Array(await other.arrayBuffer()) }
    }
    await refused(at, 'record-changed', 'alarm')
  })

  test('answers as it should, the record is handed on again', async () => {
    expect(await asker.fetch(await tag())).toMatchObject({ status: 200, body: { id: 'plain' } })
  })

  test('is out of reach, the refusal says no more than any other', async () => {
    const at = await tag()
    front.behave = async () => 'silence'
    await refused(at, 'source-unavailable')
  })
})

describe('labels', () => {
  test('raised by a later version keep the earlier one back, too', async () => {
    const tag = await insideOf(a).tagOf('Condition', 'raised')
    expect((await asker.fetch(tag)).status).toBe(200)
    await a.put({
      ...condition('raised', 'anna', 'Hypertension'),
      meta: { security: [{ system: ACT_CODE, code: 'PSY' }] },
    })
    await a.settled()
    await refused(tag, 'sensitivity-not-covered')
    await refused(await insideOf(a).tagOf('Condition', 'raised', '2'), 'sensitivity-not-covered')
  })

  test('set at the source are never lowered, and neither shown nor counted where they are not covered', async () => {
    const labelled = await insideOf(a).tagOf('Condition', 'labelled', '2')
    await refused(labelled, 'sensitivity-not-covered')
    const listed = (await b.his.list(ANNA, 'TREAT')).body
    const recordIds = (listed.entry ?? []).map(({ resource }) => resource?.id)
    expect(recordIds).toHaveLength(listed.total ?? -1)
  })

  test('that the rules find only now refuse the release, whatever was registered', async () => {
    // As if the record had been registered before the rules knew the code: its entry says "not sensitive".
    const inside = insideOf(a)
    await a.put(condition('learnt', 'anna', 'HIV infection', '86406008'))
    await a.settled()
    const tag = await inside.tagOf('Condition', 'learnt')
    const row = await inside
      .db()
      .selectFrom('records')
      .innerJoin('patients', 'patients.id', 'patient_id')
      .select(['wrapped_key', 'records.sealed'])
      .where('tag', '=', tag)
      .executeTakeFirstOrThrow()
    const key = inside.vault.unwrapKey(row.wrapped_key)
    const entry = { ...openJson<{ kinds: string[] }>(key, row.sealed), kinds: [] }
    await inside
      .db()
      .updateTable('records')
      .set({ sealed: sealJson(key, entry), compartment: 'problems', position: 9_999 })
      .where('tag', '=', tag)
      .execute()
    await refused(tag, 'labels-raised')
  })
})

describe('a record that was', () => {
  test('deleted is not handed out by its earlier version either', async () => {
    const tag = await insideOf(a).tagOf('Condition', 'gone')
    expect((await asker.fetch(tag)).status).toBe(200)
    await fetch(`${a.fhir}/Condition/gone`, { method: 'DELETE' })
    await eventually(async () => (await asker.fetch(tag)).status === 404)
    await refused(tag, 'record-gone')
  })

  test('moved to another patient is no longer handed out as this one’s', async () => {
    const tag = await insideOf(a).tagOf('Condition', 'moved')
    expect((await asker.fetch(tag)).status).toBe(200)
    await a.put(condition('moved', 'bram', 'Hypertension'))
    await a.settled()
    await eventually(async () => (await asker.fetch(tag)).status === 404)
    await refused(tag, 'record-gone')
  })
})

async function* dripping(): AsyncIterable<Uint8Array> {
  for (;;) {
    yield Buffer.from(' ')
    await new Promise((done) => setTimeout(done, 150).unref())
  }
}

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openJson } from '../../../src/store/vault.ts'
import { type Front, type FrontAnswer, type FrontRequest, muchOf } from '../../support/front.ts'
import { insideOf } from '../../support/inside.ts'
import { reconcile } from '../../support/reconcile.ts'
import { ANNA, condition, observation, patient, somebody } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let front: Front

beforeAll(async () => {
  world = await createWorld({
    ...{ hospitals: 1, fronts: { fhir: ['a'] } },
    bounds: { fhir: { headersMs: 2_000, bodyMs: 1_000, totalMs: 2_500, maxBytes: 2 * 1024 * 1024 } },
  })
  ;[a] = world.hospitals as [TestHospital]
  front = a.fhirFront as Front
  await a.put(patient('anna', ANNA))
  await a.put(condition('c0', 'anna', 'Hypertension'))
  await a.settled()
}, 60_000)

afterEach(() => {
  front.behave = undefined
})
afterAll(() => world?.close())

/** The FHIR server says something else than it holds, wherever the text occurs in a page of history or in a version. */
function say(change: (text: string, asked: FrontRequest) => string): void {
  front.behave = async (asked, forward) => {
    const answer = await forward()
    if (!asked.path.includes('_history')) return answer
    return rewritten(answer, change(Buffer.from(answer.body as Uint8Array).toString(), asked))
  }
}

function rewritten(answer: FrontAnswer, body: string): FrontAnswer {
  const { 'content-length': _, ...headers } = answer.headers
  return { ...answer, headers, body }
}

const isRegistered = (type: string, id: string, version = '1') =>
  insideOf(a)
    .tagOf(type, id, version)
    .then(
      () => true,
      () => false,
    )

/** What the trail says of versions that could not be registered: once each. */
const alarms = async () =>
  (await insideOf(a).trail())
    .filter(({ kind, reason }) => kind === 'alarm' && reason === 'record-unreadable')
    .map(({ record, note }) => `${record?.id} ${note}`)

describe('a version that cannot be committed to is refused with its code, once, and all others are registered:', () => {
  test.each<[string, string, (text: string, asked: FrontRequest) => string]>([
    ['duplicate-key', 'dup', (text) => text.replaceAll('"id":"dup"', '"id":"x","id":"dup"')],
    [
      'number-not-exact',
      'big',
      (text) => text.replaceAll('"value":71', '"value":71.00000000000000000000001'),
    ],
    ['number-not-exact', 'huge', (text) => text.replaceAll('"value":72', '"value":1e999')],
    [
      'too-deep',
      'deep',
      (text) => text.replaceAll('"value":73', `"value":${'['.repeat(99)}${']'.repeat(99)}`),
    ],
    [
      'malformed-json',
      'cut',
      (text, { path }) =>
        path.includes('/cut/') ? text.slice(0, -5) : text.replaceAll('"id":"cut"', '"id":"cut","id":"cut"'),
    ],
  ])('%s', async (code, id, change) => {
    const values: Record<string, number> = { dup: 70, big: 71, huge: 72, deep: 73, cut: 74 }
    say(change)
    await a.put(observation(id, 'anna', values[id] ?? 0))
    await a.put(condition(`beside-${id}`, 'anna', 'Hypertension'))
    await eventually(() => isRegistered('Condition', `beside-${id}`))
    await eventually(async () => (await alarms()).includes(`Observation/${id}/_history/1 Code: ${code}.`))
    expect(await isRegistered('Observation', id)).toBe(false)
    await new Promise((done) => setTimeout(done, 700))
    expect((await alarms()).filter((line) => line.includes(`/${id}/`))).toHaveLength(1)
  })

  test('text that is not UTF-8', async () => {
    front.behave = async (asked, forward) => {
      const answer = await forward()
      if (!asked.path.includes('_history')) return answer
      const text = Buffer.from(answer.body as Uint8Array).toString('latin1')
      const { 'content-length': _, ...headers } = answer.headers
      return { ...answer, headers, body: Buffer.from(text.replaceAll('Latin', 'Lat\xffn'), 'latin1') }
    }
    await a.put(condition('latin', 'anna', 'Latin'))
    await a.put(condition('beside-latin', 'anna', 'Hypertension'))
    await eventually(() => isRegistered('Condition', 'beside-latin'))
    await eventually(async () =>
      (await alarms()).includes('Condition/latin/_history/1 Code: malformed-json.'),
    )
    expect(await isRegistered('Condition', 'latin')).toBe(false)
  })

  test('another record, another patient’s record, or another version, under the name of this one', async () => {
    say((text, { path }) => {
      if (!path.includes('_since')) return text
      const bundle = JSON.parse(text) as {
        entry?: { resource?: { id: string; meta: { versionId: string } } }[]
      }
      for (const { resource } of bundle.entry ?? []) {
        if (resource?.id === 'swapped') resource.id = 'c0'
        if (resource?.id === 'backdated') resource.meta.versionId = '7'
      }
      return JSON.stringify(bundle)
    })
    await a.put(condition('swapped', 'anna', 'Hypertension'))
    await a.put(condition('backdated', 'anna', 'Hypertension'))
    await a.put(condition('beside-swapped', 'anna', 'Hypertension'))
    await eventually(() => isRegistered('Condition', 'beside-swapped'))
    await eventually(async () =>
      (await alarms()).includes('Condition/backdated/_history/7 Code: id-invalid.'),
    )
    expect(await isRegistered('Condition', 'backdated', '7')).toBe(false)
  })

  test('names that no request could carry', async () => {
    say((text, { path }) =>
      path.includes('_since')
        ? text
            .replaceAll('"id":"path"', '"id":"../../etc"')
            .replaceAll('"versionId":"2"', '"versionId":"../1"')
        : text,
    )
    await a.put(condition('path', 'anna', 'Hypertension'))
    await a.put(condition('versioned', 'anna', 'Hypertension'))
    await a.put(condition('versioned', 'anna', 'Hypertension, again'))
    await a.put(condition('beside-names', 'anna', 'Hypertension'))
    await eventually(() => isRegistered('Condition', 'beside-names'))
    await eventually(
      async () =>
        // Second versions of other resources are read again for a while, and lied about as well.
        (await alarms()).filter((line) => /^Condition\/(\.\.|versioned).*Code: id-invalid\.$/.test(line))
          .length === 2,
    )
    expect(await isRegistered('Condition', 'versioned', '1')).toBe(true)
  })

  test('one that the history names and nobody can read', async () => {
    front.behave = async (asked, forward) => {
      const answer = await forward()
      if (asked.path.includes('/missing/_history/')) return { status: 404, headers: {}, body: '' }
      if (!asked.path.includes('_history')) return answer
      return rewritten(
        answer,
        Buffer.from(answer.body as Uint8Array)
          .toString()
          .replaceAll('"id":"missing"', '"id":"x","id":"missing"'),
      )
    }
    await a.put(condition('missing', 'anna', 'Hypertension'))
    await a.put(condition('beside-missing', 'anna', 'Hypertension'))
    await eventually(() => isRegistered('Condition', 'beside-missing'))
    await eventually(async () => (await alarms()).includes('Condition/missing/_history/1 Code: not-found.'))
  })
})

test('a name that sets a prototype elsewhere is a name like any other: registered, and no object changes', async () => {
  say((text) =>
    text.replaceAll('"value":75', '"value":75,"__proto__":{"polluted":true},"constructor":{"x":1}'),
  )
  await a.put(observation('proto', 'anna', 75))
  await eventually(() => isRegistered('Observation', 'proto'))
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
})

test('a Patient who is read and turns out to be another person gives nobody his identifiers', async () => {
  front.behave = async (asked, forward) => {
    if (asked.method !== 'GET' || !asked.path.endsWith('/Patient/dora')) return forward()
    const body = JSON.stringify(patient('somebody-else', somebody(5)))
    return { status: 200, headers: { 'content-type': 'application/fhir+json' }, body }
  }
  await a.put(condition('of-dora', 'dora', 'Hypertension'))
  await new Promise((done) => setTimeout(done, 1_200))
  expect(await isRegistered('Condition', 'of-dora')).toBe(false)
  front.behave = undefined
  await eventually(() => isRegistered('Condition', 'of-dora'))
  const inside = insideOf(a)
  const { value, system } = somebody(5)
  const lookup = inside.vault.lookup('identifier', `${system}|${value}`)
  const found = await inside
    .db()
    .selectFrom('patient_identifiers')
    .select('lookup')
    .where('lookup', '=', lookup)
    .execute()
  expect(found).toEqual([])
})

describe('a page of history', () => {
  test('of more bytes than are taken is read in smaller ones: large records are registered', async () => {
    // Each record passes; a page of all of them does not.
    const note = [{ text: 'x'.repeat(700_000) }]
    for (let i = 0; i < 4; i++) await a.put({ ...condition(`large-${i}`, 'anna', 'Hypertension'), note })
    for (let i = 0; i < 4; i++) await eventually(() => isRegistered('Condition', `large-${i}`))
  })

  test('with one version beyond all bounds passes over it, names it in an alarm, and all others are registered', async () => {
    const note = [{ text: 'x'.repeat(2_200_000) }]
    await a.put(condition('before-giant', 'anna', 'Hypertension'))
    await a.put({ ...condition('giant', 'anna', 'Hypertension'), note })
    await a.put(condition('after-giant', 'anna', 'Hypertension'))
    for (const id of ['before-giant', 'after-giant']) await eventually(() => isRegistered('Condition', id))
    const alarm = 'Condition/giant/_history/1 Code: body-too-large.'
    await eventually(async () => (await alarms()).includes(alarm))
    expect(await isRegistered('Condition', 'giant')).toBe(false)
    // A later version of it that can be taken is.
    await a.put(condition('giant', 'anna', 'Asthma'))
    await eventually(() => isRegistered('Condition', 'giant', '2'))
    expect((await alarms()).filter((line) => line === alarm)).toHaveLength(1)
    const { out } = await reconcile(a.files.configFile)
    expect(out).toContain('cannot be committed to: Condition/giant/_history/1\n')
  })

  test('of 50 MB is given up, and read again when the server is well', async () => {
    front.behave = async ({ path }, forward) =>
      path.includes('_history') ? { status: 200, headers: {}, body: muchOf(50 * 1024 * 1024) } : forward()
    await a.put(condition('fifty', 'anna', 'Hypertension'))
    const before = process.memoryUsage().rss
    await new Promise((done) => setTimeout(done, 2_000))
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024)
    expect(await isRegistered('Condition', 'fifty')).toBe(false)
    front.behave = undefined
    await eventually(() => isRegistered('Condition', 'fifty'))
  })

  test('that drips is given up in time, and read again when the server is well', async () => {
    let drops = 0
    front.behave = async ({ path }, forward) =>
      path.includes('_history') ? { status: 200, headers: {}, body: dripping(() => drops++) } : forward()
    await a.put(condition('drops', 'anna', 'Hypertension'))
    await eventually(async () => drops > 5)
    expect(await isRegistered('Condition', 'drops')).toBe(false)
    front.behave = undefined
    await eventually(() => isRegistered('Condition', 'drops'))
  })
})

describe('odd shapes stop nothing:', () => {
  const add = (...entries: unknown[]) =>
    say((text, { path }) => {
      if (!path.includes('_since')) return text
      const bundle = JSON.parse(text) as { entry?: unknown[] }
      return JSON.stringify({ ...bundle, entry: [...(bundle.entry ?? []), ...entries] })
    })
  const meta = { versionId: '1', lastUpdated: new Date().toISOString() }
  const entry = (resource: object) => ({
    resource: { meta, ...resource },
    request: { method: 'PUT', url: 'x' },
  })

  test('entries that are nothing, and resources whose elements are of no known form', async () => {
    add(
      null,
      5,
      {},
      { resource: null },
      { resource: 'text', request: null },
      { request: { method: 'DELETE', url: '//' }, response: { etag: 5 } },
      entry({ resourceType: 'Condition', id: 'odd-1', subject: 5 }),
      entry({
        resourceType: 'Condition',
        id: 'odd-2',
        subject: { reference: 'Patient/anna' },
        code: null,
        note: [null, 5],
      }),
      entry({
        resourceType: 'Observation',
        id: 'odd-3',
        subject: [{ reference: 'Patient/anna' }],
        component: 'none',
        meta: { ...meta, security: 'R' },
      }),
      entry({
        resourceType: 'Patient',
        id: 'anna',
        identifier: [null, 5, { system: 1, value: {} }, { system: ANNA.system, value: ANNA.value }],
      }),
      entry({ resourceType: 'Patient', id: 'nobody', identifier: {} }),
      entry({ resourceType: 'Nonsense', id: 'odd-4', subject: { reference: 'Patient/anna' } }),
      { resource: { resourceType: 'Condition', id: 'odd-5', meta: 'none' }, request: { method: 'PUT' } },
    )
    await a.put(condition('beside-odd', 'anna', 'Hypertension'))
    await eventually(() => isRegistered('Condition', 'beside-odd'))
    expect(await isRegistered('Condition', 'odd-1')).toBe(false)
    expect(await isRegistered('Condition', 'odd-2')).toBe(true)
    // What stands where a label should and is none keeps the record very restricted.
    const odd = await insideOf(a)
      .db()
      .selectFrom('records')
      .select('compartment')
      .where('tag', '=', await insideOf(a).tagOf('Observation', 'odd-3'))
      .executeTakeFirst()
    expect(odd?.compartment).toMatch(/\+V$/)
  })

  test('deletions without date or version', async () => {
    add({ request: { method: 'DELETE', url: 'Condition/c0' } })
    await eventually(async () => {
      const last = await insideOf(a)
        .db()
        .selectFrom('records')
        .select('kind')
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst()
      return last?.kind === 'retired'
    })
    front.behave = undefined
    await a.put(condition('after-deletion', 'anna', 'Hypertension'))
    await eventually(() => isRegistered('Condition', 'after-deletion'))
  })

  test('a version dated in the year 2999 does not hide what comes after it', async () => {
    say((text, { path }) =>
      path.includes('_since')
        ? text.replace(/("id":"future"[^}]*"lastUpdated":")[^"]*/g, '$12999-01-01T00:00:00Z')
        : text,
    )
    await a.put(condition('future', 'anna', 'Hypertension'))
    await eventually(() => isRegistered('Condition', 'future'))
    front.behave = undefined
    await a.put(condition('after-future', 'anna', 'Hypertension'))
    await eventually(() => isRegistered('Condition', 'after-future'))
  })

  test('a patient who is somebody else’s number now is found by the new one only', async () => {
    const inside = insideOf(a)
    await a.put(patient('anna', somebody(3)))
    const lookup = (value: { system: string; value: string }) =>
      inside.vault.lookup('identifier', `${value.system}|${value.value}`)
    const found = async (value: typeof ANNA) =>
      (
        await inside
          .db()
          .selectFrom('patient_identifiers')
          .select('lookup')
          .where('lookup', '=', lookup(value))
          .execute()
      ).length
    await eventually(async () => (await found(somebody(3))) === 1)
    expect(await found(ANNA)).toBe(0)
  })
})

describe('a next link', () => {
  test('that leaves the base is not followed, and what is there is registered once the server is honest again', async () => {
    let visits = 0
    const elsewhere = createServer((_request, response) => {
      visits++
      response.end('{"resourceType":"Bundle","entry":[]}')
    })
    await new Promise<void>((done) => elsewhere.listen(0, '127.0.0.1', done))
    const port = (elsewhere.address() as AddressInfo).port
    const origin = new URL(front.base).origin
    const links = [
      `http://127.0.0.1:${port}/fhir/_history`,
      `${origin}/fhirevil/_history`,
      `${origin}/other`,
      'file:///etc/passwd',
      `//127.0.0.1:${port}/fhir`,
    ]
    let evil = 0
    const asked = new Set<string>()
    front.behave = async (request, forward) => {
      if (/evil|other/.test(request.path)) evil++
      const answer = await forward()
      if (!request.path.includes('_since')) return answer
      const url = links[asked.size % links.length] ?? ''
      asked.add(url)
      const bundle = JSON.parse(Buffer.from(answer.body as Uint8Array).toString()) as object
      return rewritten(answer, JSON.stringify({ ...bundle, link: [{ relation: 'next', url }] }))
    }
    await a.put(condition('linked', 'anna', 'Hypertension'))
    await eventually(async () => asked.size === links.length)
    await new Promise((done) => setTimeout(done, 600))
    expect({ visits, evil }).toEqual({ visits: 0, evil: 0 })
    expect(await isRegistered('Condition', 'linked')).toBe(false)
    front.behave = undefined
    await eventually(() => isRegistered('Condition', 'linked'))
    elsewhere.close()
  })

  test('that leads to itself ends', async () => {
    let pages = 0
    front.behave = async (request, forward) => {
      const answer = await forward()
      if (!request.path.includes('_since')) return answer
      pages++
      const bundle = JSON.parse(Buffer.from(answer.body as Uint8Array).toString()) as object
      return rewritten(
        answer,
        JSON.stringify({ ...bundle, link: [{ relation: 'next', url: `${front.base}${request.path}` }] }),
      )
    }
    await a.put(condition('circle', 'anna', 'Hypertension'))
    await new Promise((done) => setTimeout(done, 1_300))
    // A few for each reading, of which the clock and the hooks begin several; without an end it would be hundreds.
    expect(pages).toBeLessThan(100)
    front.behave = undefined
    await eventually(() => isRegistered('Condition', 'circle'))
  })
})

describe('a version that comes to light after younger ones were read', () => {
  /** As a server does whose long transaction has given its versions their instant, and commits after others. */
  const hide = (id: string) =>
    say((text, { path }) => {
      if (!path.includes('_since')) return text
      const bundle = JSON.parse(text) as { entry?: { resource?: { id: string } }[] }
      const entry = (bundle.entry ?? []).filter(({ resource }) => resource?.id !== id)
      return JSON.stringify({ ...bundle, entry })
    })

  test('is registered, soon where the transaction was short', async () => {
    hide('short')
    await a.put(condition('short', 'anna', 'Hypertension'))
    await a.put(condition('younger', 'anna', 'Hypertension'))
    await eventually(() => isRegistered('Condition', 'younger'))
    front.behave = undefined
    await eventually(() => isRegistered('Condition', 'short'))
  })

  test('is registered, within a minute where it was long', async () => {
    hide('long')
    await a.put(condition('long', 'anna', 'Hypertension'))
    // Younger than the short transactions that each reading bears, by the server's own clock.
    await new Promise((done) => setTimeout(done, 5_200))
    await a.put(condition('much-younger', 'anna', 'Hypertension'))
    await eventually(() => isRegistered('Condition', 'much-younger'))
    await new Promise((done) => setTimeout(done, 600))
    front.behave = undefined
    await new Promise((done) => setTimeout(done, 1_200))
    expect(await isRegistered('Condition', 'long')).toBe(false)
    a.clock.elapse(60_000)
    await eventually(() => isRegistered('Condition', 'long'))
  })

  test('does not pass for the newest of its record, which is said once more', async () => {
    const inside = insideOf(a)
    await a.put(observation('twice', 'anna', 1))
    await a.put(observation('twice', 'anna', 2))
    for (const version of ['1', '2']) await eventually(() => isRegistered('Observation', 'twice', version))
    // As if the first version had never been seen.
    const first = await inside.tagOf('Observation', 'twice', '1')
    await inside.db().deleteFrom('records').where('tag', '=', first).execute()
    await eventually(() => isRegistered('Observation', 'twice', '1'))
    const record_lookup = inside.vault.lookup('record', 'Observation/twice')
    const rows = await inside
      .db()
      .selectFrom('records')
      .innerJoin('patients', 'patients.id', 'patient_id')
      .select(['wrapped_key', 'records.sealed', 'version_lookup', 'kind'])
      .where('record_lookup', '=', record_lookup)
      .orderBy('seq')
      .execute()
    const versions = rows.map(({ wrapped_key, sealed, version_lookup }) => {
      const { versionId } = openJson<{ versionId: string }>(inside.vault.unwrapKey(wrapped_key), sealed)
      return `${versionId}${version_lookup === null ? ' again' : ''}`
    })
    expect(versions).toEqual(['2', '1', '2 again'])
  })
})

test('a FHIR server that fails, hangs up or shows a page is tried again until it tells', async () => {
  const faults: (() => FrontAnswer | 'silence')[] = [
    () => ({ status: 500, headers: {}, body: 'oops' }),
    () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }),
    () => ({ status: 200, headers: {}, body: 'null' }),
    () => ({ status: 200, headers: {}, body: '{"entry":5}' }),
    () => ({ status: 302, headers: { location: '/elsewhere' }, body: '' }),
    () => ({
      status: 200,
      headers: {},
      body: '{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Cond',
    }),
    () => {
      throw new Error('the connection is cut')
    },
  ]
  let i = 0
  front.behave = async ({ path }, forward) =>
    path.includes('_since') ? (faults[i++ % faults.length]?.() ?? forward()) : forward()
  await a.put(condition('patience', 'anna', 'Hypertension'))
  await eventually(async () => i >= faults.length)
  expect(await isRegistered('Condition', 'patience')).toBe(false)
  front.behave = undefined
  await eventually(() => isRegistered('Condition', 'patience'))
})

async function* dripping(onDrop: () => void): AsyncIterable<Uint8Array> {
  for (;;) {
    onDrop()
    yield Buffer.from(' ')
    await new Promise((done) => setTimeout(done, 150).unref())
  }
}

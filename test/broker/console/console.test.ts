import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { type ConsoleClient, createConsoleClient, operatorAt, staffAt } from '../../support/console-client.ts'
import { insideOf } from '../../support/inside.ts'
import { condition, patient, somebody } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

type Line = {
  id: string
  kind: string
  note?: string
  patient?: string
  user?: { name?: string; role?: string }
}
type Overview = { totals: Record<string, number>; days: Record<string, number | string>[] }

let world: World
let a: TestHospital
let officer: ConsoleClient
let auditor: ConsoleClient
const PERSON = somebody(1)
const WHY = { reason: 'asked-by-patient', note: 'The patient asked in writing.' }

beforeAll(async () => {
  world = await createWorld({ hospitals: 2 })
  const [first, b] = world.hospitals as [TestHospital, TestHospital]
  a = first
  await a.put(patient('one', PERSON))
  await a.put(condition('c1', 'one', 'Hypertension'))
  await a.settled()
  const one = await world.enrol(a, PERSON)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await one.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  const record = await eventually(
    async () => (await b.his.list(PERSON, 'TREAT')).body.entry?.[0]?.resource?.id ?? '',
  )
  await b.his.open(record, 'TREAT')
  await one.revoke({ to, purpose: 'TREAT' })
  await b.his.open(record, 'TREAT')
  officer = await staffAt(a, 'compliance', 'Officer One')
  auditor = await staffAt(a, 'auditor', 'Auditor One')
}, 180_000)

afterAll(() => world?.close())

const trailOf = async (kind: string) => (await insideOf(a).trail()).filter((entry) => entry.kind === kind)
const events = async (by: ConsoleClient, query = '') =>
  (await by.ask<{ lines: Line[]; next?: string }>('GET', `events?${query}`)).body

describe('signing in', () => {
  test('an invitation makes one passkey, once, and the passkey alone signs in afterwards', async () => {
    const { code } = await operatorAt(a)<{ code: string }>('POST', '/operator/console/people', {
      ...{ name: 'Officer Two', role: 'compliance' },
    })
    const two = createConsoleClient(a)
    expect((await two.begin(code)).status).toBe(204)
    expect((await createConsoleClient(a).begin(code)).code).toBe('sign-in-refused')
    expect((await two.ask('POST', 'sign-out')).status).toBe(204)
    expect((await two.ask('GET', 'session')).code).toBe('session-expired')
    expect((await two.signIn()).status).toBe(204)
    expect((await two.ask('GET', 'session')).body).toMatchObject({ name: 'Officer Two', role: 'compliance' })
    const said = await trailOf('staff-signed-in')
    expect(said.filter(({ user }) => user?.name === 'Officer Two').map(({ note }) => note)).toEqual([
      'A passkey was made by invitation.',
      'By passkey.',
    ])
  })

  test('an invitation of yesterday, and one that was never given, are refused alike', async () => {
    const { code } = await operatorAt(a)<{ code: string }>('POST', '/operator/console/people', {
      ...{ name: 'Officer Late', role: 'auditor' },
    })
    await insideOf(a)
      .db()
      .updateTable('console_invitations')
      .set({ expires_at: new Date(a.clock.now() - 1_000).toISOString() })
      .execute()
    const [late, never] = [await createConsoleClient(a).begin(code), await createConsoleClient(a).begin('x')]
    expect([late.code, never.code]).toEqual(['sign-in-refused', 'sign-in-refused'])
  })

  test.each([
    ['made at another origin', { origin: 'https://evil.example' }],
    ['for another site', { rpId: 'evil.example' }],
    ['without the person verified', { verified: false }],
    ['over another challenge', { challenge: 'AAAA' }],
    ['for another person', { userHandle: 'AAAA' }],
  ])('an assertion %s signs nobody in', async (_what, wrong) => {
    expect((await officer.signIn(wrong)).code).toBe('sign-in-refused')
  })

  test('an assertion that was used signs nobody in again', async () => {
    const { body } = await officer.ask<{ challenge: string }>('POST', 'sign-in/challenge')
    const response = officer.authenticator.use(body)
    expect((await officer.ask('POST', 'sign-in', { response })).status).toBe(204)
    expect((await officer.ask('POST', 'sign-in', { response })).code).toBe('sign-in-refused')
  })

  test('a passkey whose count goes back is an alarm, and good no longer', async () => {
    const copied = await staffAt(a, 'auditor', 'Auditor Copied')
    copied.authenticator.count(40)
    expect((await copied.signIn()).status).toBe(204)
    copied.authenticator.count(7)
    expect((await copied.signIn()).code).toBe('sign-in-refused')
    expect((await copied.ask('GET', 'session')).code).toBe('session-expired')
    copied.authenticator.count(90)
    expect((await copied.signIn()).code).toBe('sign-in-refused')
    const [alarm] = await trailOf('alarm')
    expect(alarm).toMatchObject({ reason: 'passkey-copied', user: { name: 'Auditor Copied' } })
  })

  test('whoever is removed is out at once, and does not come back', async () => {
    const former = await staffAt(a, 'compliance', 'Officer Former')
    expect((await former.ask('GET', 'session')).status).toBe(200)
    await operatorAt(a)('DELETE', `/operator/console/people/${former.id}`)
    expect((await former.ask('GET', 'session')).code).toBe('session-expired')
    expect((await former.signIn()).code).toBe('sign-in-refused')
    const notes = (await trailOf('staff-changed')).map(({ note }) => note)
    expect(notes).toContain('Officer Former was invited as compliance.')
    expect(notes).toContain('Officer Former was removed.')
  })

  test('a session ends after half an hour without a call, and after eight hours whatever is called', async () => {
    const idle = await staffAt(a, 'auditor', 'Auditor Idle')
    const row = () =>
      insideOf(a)
        .db()
        .selectFrom('console_sessions')
        .selectAll()
        .where('person_id', '=', idle.id)
        .executeTakeFirstOrThrow()
    const { idle_at, ends_at, token_hash } = await row()
    const minutes = (until: string) => Math.round((Date.parse(until) - a.clock.now()) / 60_000)
    expect([minutes(idle_at), minutes(ends_at)]).toEqual([30, 480])
    const end = async (column: 'idle_at' | 'ends_at') => {
      await insideOf(a)
        .db()
        .updateTable('console_sessions')
        .set({ [column]: new Date(a.clock.now() - 1_000).toISOString() })
        .where('token_hash', '=', token_hash)
        .execute()
      return (await idle.ask('GET', 'session')).code
    }
    expect(await end('idle_at')).toBe('session-expired')
    await idle.signIn()
    expect((await idle.ask('GET', 'session')).status).toBe(200)
    const again = await insideOf(a).db().selectFrom('console_sessions').selectAll().execute()
    const mine = again.findLast(({ person_id }) => person_id === idle.id)
    await insideOf(a)
      .db()
      .updateTable('console_sessions')
      .set({ ends_at: new Date(a.clock.now() - 1_000).toISOString() })
      .where('token_hash', '=', mine?.token_hash ?? '')
      .execute()
    expect((await idle.ask('GET', 'session')).code).toBe('session-expired')
  })

  test('the cookie is out of reach of scripts, other sites and other paths, and the database has its hash only', async () => {
    const { headers } = await officer.signIn()
    expect(headers.get('set-cookie')).toMatch(
      /^wayleave-console-[0-9a-f]{8}=[\w-]{43}; Path=\/console; HttpOnly; SameSite=Strict; Max-Age=28800$/,
    )
    const secret = officer.cookie?.split('=')[1] ?? ''
    const rows = await insideOf(a).db().selectFrom('console_sessions').selectAll().execute()
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows)).not.toContain(secret)
  })
})

describe('another site’s page', () => {
  test.each([
    ['without the console’s header', { 'x-wayleave-console': '0' }],
    ['from another origin', { origin: 'https://evil.example' }],
    ['from another port', { origin: 'http://localhost:1' }],
    ['that the browser calls cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['of the same site', { 'sec-fetch-site': 'same-site' }],
  ])('%s does nothing in the name of whoever is signed in', async (_what, headers) => {
    const { code } = await officer.ask(
      'POST',
      'look-ups',
      { identifier: identifierText(PERSON), ...WHY },
      headers,
    )
    expect(code).toBe('cross-site-refused')
  })

  test('reads nothing either, and is told of no origin that may', async () => {
    const { code, headers } = await officer.ask('GET', 'overview', undefined, {
      ...{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    })
    expect(code).toBe('cross-site-refused')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('what is seen', () => {
  test('the numbers of the overview are the lines behind them', async () => {
    const { body } = await officer.ask<Overview>('GET', 'overview')
    expect(body.totals).toMatchObject({ disclosures: 1, refusals: expect.any(Number) })
    for (const [name, kind] of [
      ['alarms', 'alarm'],
      ['refusals', 'refusal'],
      ['requests', 'request-sent,request-received'],
      ['disclosures', 'disclosure'],
    ] as const) {
      const from = body.days[0]?.day
      const { lines } = await events(officer, `kind=${kind}&from=${from}`)
      expect([name, lines.length]).toEqual([name, body.totals[name]])
      expect(body.days.reduce((sum, day) => sum + Number(day[name]), 0)).toBe(body.totals[name])
    }
  })

  test('no line names a patient, and one patient is one reference, in this session only', async () => {
    const [mine, theirs] = [
      await events(officer, 'kind=disclosure'),
      await events(auditor, 'kind=disclosure'),
    ]
    const text = JSON.stringify(mine)
    for (const secret of [PERSON.value, 'Patient/one', '"one"']) expect(text).not.toContain(secret)
    const [reference] = mine.lines.map((line) => line.patient)
    expect(reference).toMatch(/^[A-Za-z0-9]{1,16}$/)
    expect(theirs.lines[0]?.patient).not.toBe(reference)
    const timeline = await events(officer, `of=${reference}&sort=date`)
    expect(timeline.lines.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['bound', 'consent-granted', 'disclosure', 'consent-revoked', 'refusal']),
    )
    expect((await auditor.ask('GET', `events?of=${reference}`)).code).toBe('reference-unknown')
  })

  test('pages stay as they were while the trail grows by being read', async () => {
    for (let i = 0; i < 30; i++) await officer.ask('GET', 'members')
    const seen: string[] = []
    let pages = 1
    let page = await events(officer)
    for (; page.next; pages++) {
      seen.push(...page.lines.map(({ id }) => id))
      page = await events(officer, `page=${page.next}`)
    }
    expect(pages).toBeGreaterThan(1)
    seen.push(...page.lines.map(({ id }) => id))
    expect(new Set(seen).size).toBe(seen.length)
  })

  test('each view is in the trail that it shows, with who looked, as what, and at what', async () => {
    await auditor.ask('GET', 'members')
    await auditor.ask('GET', 'events?kind=refusal')
    await auditor.ask('GET', 'events/export?format=csv&kind=refusal')
    await auditor.ask('GET', 'reports/refusals')
    const { lines } = await events(officer, 'kind=log-read')
    const notes = lines.filter(({ user }) => user?.name === 'Auditor One').map(({ note }) => note)
    expect(notes).toEqual(
      expect.arrayContaining([
        'At the console: the members and their state.',
        'At the console: lines searched by _tag.',
        'At the console: an export as csv; lines searched by _tag.',
        'Report: Refusals by reason.',
      ]),
    )
    expect(lines.every(({ user }) => user?.role !== undefined)).toBe(true)
  })

  test('an export has every line of the filter, and no patient', async () => {
    const { text } = await officer.ask('GET', 'events/export?format=json&kind=refusal,disclosure')
    const { lines, complete } = JSON.parse(text) as { lines: Line[]; complete: number }
    const { lines: shown } = await events(officer, 'kind=refusal,disclosure')
    expect(lines.map(({ id }) => id)).toEqual(shown.map(({ id }) => id))
    expect(complete).toBe(lines.length)
    expect(text).not.toContain('Patient/one')
    const csv = (await officer.ask('GET', 'events/export?format=csv&kind=refusal,disclosure')).text
    expect(csv.trim().split('\r\n')).toHaveLength(lines.length + 1)
  })

  test('members are there with their state', async () => {
    const { body } = await auditor.ask<{ members: Record<string, unknown>[] }>('GET', 'members')
    expect(
      body.members.map(({ name, status, generation, self }) => [name, status, generation, self]),
    ).toEqual(
      expect.arrayContaining([
        ['Hospital A', 'live', 1, true],
        ['Hospital B', 'live', 1, false],
      ]),
    )
    expect(body.members[0]?.roles).toEqual(['custodian', 'requester', 'registrar', 'relayer', 'auditor'])
  })
})

describe('looking a person up', () => {
  const lookUp = (by: ConsoleClient, more: object = WHY) =>
    by.ask<{ reference: string; known: string; lines: number }>('POST', 'look-ups', {
      identifier: identifierText(PERSON),
      ...more,
    })

  test('takes a reason, and an auditor may not', async () => {
    expect((await lookUp(officer, {})).code).toBe('resolution-reason')
    expect((await lookUp(officer, { ...WHY, note: 'short' })).code).toBe('resolution-reason')
    expect((await lookUp(auditor)).code).toBe('role-insufficient')
  })

  test('tells a reference and no more, and stands in the patient’s own trail with who asked and why', async () => {
    const { body, text } = await lookUp(officer)
    expect(Object.keys(body).sort()).toEqual(['known', 'lines', 'reference'])
    expect(text).not.toContain(PERSON.value)
    const { lines } = await events(officer, `of=${body.reference}`)
    expect(lines.find(({ kind }) => kind === 'patient-looked-up')).toMatchObject({
      note: WHY.note,
      user: { name: 'Officer One', role: 'compliance' },
    })
  })

  test('finds nobody whom the trail does not know, and that it was tried is there, too', async () => {
    const { code } = await officer.ask('POST', 'look-ups', {
      identifier: identifierText(somebody(9)),
      ...WHY,
    })
    expect(code).toBe('not-available')
    const tried = (await trailOf('patient-looked-up')).at(-1)
    expect(tried).toMatchObject({ outcome: '4', user: { name: 'Officer One' } })
    expect(JSON.stringify(tried)).not.toContain(somebody(9).value)
  })

  test('reports about one person are by reference, and not for an auditor', async () => {
    const { body } = await lookUp(officer)
    const report = await officer.ask<{ name: string; rows: unknown[] }>(
      'GET',
      `reports/disclosures?of=${body.reference}`,
    )
    // The list of what may be seen, and the record.
    expect([report.status, report.body.rows.length]).toEqual([200, 2])
    expect((await auditor.ask('GET', `reports/disclosures?of=${body.reference}`)).code).toBe(
      'role-insufficient',
    )
  })
})

describe('what is kept', () => {
  test('a saved search is its owner’s, in every session, and about no patient', async () => {
    const { body } = await officer.ask<{ members: { name: string; reference: string }[] }>('GET', 'members')
    const b = body.members.find(({ name }) => name === 'Hospital B')?.reference ?? ''
    const saved = await officer.ask<{ id: string }>('POST', 'searches', {
      name: 'Refused to B',
      filter: { kind: 'refusal', with: b },
    })
    expect(saved.status).toBe(201)
    await officer.signIn()
    const { body: kept } = await officer.ask<{ searches: { id: string; filter: { with: string } }[] }>(
      'GET',
      'searches',
    )
    const found = kept.searches.find(({ id }) => id === saved.body.id)
    expect(found?.filter.with).not.toBe(b)
    expect((await events(officer, `kind=refusal&with=${found?.filter.with}`)).lines.length).toBeGreaterThan(0)
    const other = await staffAt(a, 'compliance', 'Officer Three')
    expect((await other.ask('DELETE', `searches/${saved.body.id}`)).code).toBe('saved-search-unknown')
    expect((await officer.ask('DELETE', `searches/${saved.body.id}`)).status).toBe(204)
    const { lines } = await events(officer, 'kind=disclosure')
    const about = await officer.ask('POST', 'searches', { name: 'One', filter: { of: lines[0]?.patient } })
    expect(about.code).toBe('request-invalid')
  })

  test('a legal hold is placed on a person by reference, and lifted by two', async () => {
    const { lines } = await events(officer, 'kind=disclosure')
    const held = await officer.ask<{ id: string }>('POST', 'holds', {
      reason: 'A court asked.',
      of: lines[0]?.patient,
    })
    expect([held.status, held.text.includes('Patient/one')]).toEqual([201, false])
    const lift = (by: ConsoleClient) =>
      by.ask('POST', `holds/${held.body.id}/lifting`, { reason: 'The case is closed.' })
    expect((await lift(officer)).status).toBe(200)
    expect((await lift(officer)).code).toBe('second-person-needed')
    const second = await staffAt(a, 'compliance', 'Officer Four')
    expect((await lift(second)).body).toMatchObject({ liftedBy: second.id })
    expect((await lift(auditor)).code).toBe('role-insufficient')
  })
})

test('without its pages there is no console, and the broker runs all the same', async () => {
  const [, b] = world.hospitals as [TestHospital, TestHospital]
  await b.stop()
  b.config.console = { origin: 'http://localhost:1', pages: '/nowhere' }
  await b.start()
  expect((await fetch(`${b.broker.base}/health`)).status).toBe(200)
  expect((await fetch(`${b.broker.base}/console/`)).status).toBe(404)
  expect((await fetch(`${b.broker.base}/console/api/session`)).status).toBe(404)
})

test('its pages come under a strict policy', async () => {
  const page = await fetch(`${a.broker.base}/console/search?kind=refusal`)
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('The console')])
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
  expect(page.headers.get('content-security-policy')).toContain("connect-src 'self';")
})

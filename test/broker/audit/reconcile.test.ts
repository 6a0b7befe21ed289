import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditReconciliation } from '../../../src/broker/audit/reconcile/audit-reconciler.ts'
import { showEvidence } from '../../../src/broker/audit/reconcile/show-evidence.ts'
import { auditCommand } from '../../../src/cli/audit.ts'
import type { AuditEntry } from '../../../src/domain/audit/audit-entry.ts'
import { leafOf } from '../../../src/domain/audit/leaf.ts'
import type { ReconciliationReport } from '../../../src/domain/audit/reconcile/findings.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { type Evidence, openEvidence, sealEvidenceRequest } from '../../../src/exchange/evidence.ts'
import { answerOf } from '../../../src/sandbox/his-client.ts'
import { writeSandboxFile } from '../../../src/sandbox/sandbox-file.ts'
import { publicJwks } from '../../../src/store/keyring.ts'
import { openJson, sealJson } from '../../../src/store/vault.ts'
import { createTerminal, sandboxOf } from '../../cli/terminal.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, condition, patient, STRANGER } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let dir: string

beforeAll(async () => {
  world = await createWorld({ windowMs: 300 })
  dir = mkdtempSync(join(tmpdir(), 'wayleave-audit-'))
  writeSandboxFile(join(dir, 'sandbox.json'), sandboxOf(world))
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
  const anna = await world.enrol(a, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  const record = await eventually(
    async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id ?? '',
  )
  for (let i = 0; i < 3; i++) expect((await b.his.open(record, 'TREAT')).status).toBe(200)
  await b.his.open(record, 'HRESCH')
  await b.his.list(STRANGER, 'TREAT')
  const search = `/shared/fhir/Condition?${new URLSearchParams({ 'patient.identifier': identifierText(ANNA), 'custodian.identifier': identifierText(a.config.identifier) })}`
  for (const more of ['', '&code=http://snomed.info/sct|1']) {
    const headers = { authorization: `Bearer ${await b.his.token('TREAT')}` }
    expect((await fetch(`${b.broker.base}${search}${more}`, { headers })).status).toBe(200)
  }
  await anchored()
}, 60_000)

afterAll(async () => {
  await world?.close()
  rmSync(dir, { recursive: true, force: true })
})

const db = (hospital: TestHospital) => insideOf(hospital).db()

/** Waits until the chain holds whatever either has logged so far, and the trail whatever the chain tells. */
async function anchored(): Promise<void> {
  for (const hospital of [a, b]) {
    const { seq } = await db(hospital)
      .selectFrom('access_log')
      .select('seq')
      .orderBy('seq', 'desc')
      .executeTakeFirstOrThrow()
    await eventually(async () => {
      const row = await db(hospital)
        .selectFrom('access_log')
        .innerJoin('windows', 'windows.number', 'access_log.window_number')
        .innerJoin('chain_outbox', 'chain_outbox.id', 'windows.outbox_id')
        .select('chain_outbox.status')
        .where('access_log.seq', '=', seq)
        .executeTakeFirst()
      return row?.status === 'mined'
    })
  }
}

async function compared(hospital: TestHospital, body: object): Promise<AuditReconciliation> {
  const started = await hospital.auditor.manage<AuditReconciliation>('POST', '/audit/reconciliations', body)
  expect(started.status).toBe(202)
  return eventually(async () => {
    const path = `/audit/reconciliations/${started.body.id}`
    const { body: state } = await hospital.auditor.manage<AuditReconciliation>('GET', path)
    return (state.step === 'done' || state.step === 'failed') && state
  }, 30_000)
}

async function reported(hospital: TestHospital, body: object = {}): Promise<ReconciliationReport> {
  const until = new Date(hospital.clock.now()).toISOString()
  const { report, error } = await compared(hospital, { until, ...body })
  if (!report) throw new Error(`no report: ${error}`)
  return report
}

const named = (report: ReconciliationReport) =>
  Object.values(report.findings).flatMap(({ examples }) =>
    examples.map(({ code, what }) => `${code} ${what}`),
  )

/** Does something to a hospital's books, and puts them back as they were. */
async function tampered<T>(hospital: TestHospital, seq: number, change: object, work: () => Promise<T>) {
  const before = await db(hospital)
    .selectFrom('access_log')
    .selectAll()
    .where('seq', '=', seq)
    .executeTakeFirstOrThrow()
  await db(hospital).updateTable('access_log').set(change).where('seq', '=', seq).execute()
  try {
    return await work()
  } finally {
    await db(hospital).updateTable('access_log').set(before).where('seq', '=', seq).execute()
  }
}

async function logged(hospital: TestHospital, kind: AuditEntry['kind']) {
  const inside = insideOf(hospital)
  const rows = await db(hospital).selectFrom('access_log').selectAll().orderBy('seq').execute()
  const found = rows
    .map((row) => ({ row, entry: openJson<AuditEntry>(inside.vault.storeKey, row.sealed as Uint8Array) }))
    .find(({ entry }) => entry.kind === kind)
  if (!found) throw new Error(`no ${kind} in the log`)
  return found
}

describe('two brokers that kept their books', () => {
  test('agree: log, trail and chain, and each exchange at both, live searches that found nothing included', async () => {
    for (const hospital of [a, b]) {
      const report = await reported(hospital)
      expect(report.findings).toEqual({})
      expect(report.silent).toEqual([])
      expect(report.agree).toBe(true)
      expect(report.compared.matched).toBe(5)
      expect(report.compared.windows).toBeGreaterThan(1)
      expect(report.compared.entries).toBeGreaterThan(5)
      expect(report.compared.trailLines).toBeGreaterThan(5)
      expect(report.compared.events).toBeGreaterThan(10)
    }
    expect(await db(a).selectFrom('compared_entries').selectAll().execute()).toEqual([])
  })

  test('the comparison is itself in the trail', async () => {
    const notes = (await insideOf(a).trail()).map(({ note }) => note)
    expect(notes).toContain('Log, trail and chain were compared.')
  })
})

describe('what was done to the books of a member is found and named', () => {
  test('an entry that was altered, and its line of the trail', async () => {
    const { row, entry } = await logged(a, 'disclosure')
    const sealed = sealJson(insideOf(a).vault.storeKey, { ...entry, purpose: 'HRESCH' })
    const report = await tampered(a, row.seq, { sealed }, () => reported(a, { members: 'none' }))
    expect(named(report)).toEqual([`entry-altered entry ${entry.id}`, `trail-line-differs entry ${entry.id}`])
    expect(report.agree).toBe(false)
  })

  test('an entry that was put into another window', async () => {
    const { row, entry } = await logged(b, 'receipt')
    const window_number = Number(row.window_number) - 1
    const report = await tampered(b, row.seq, { window_number }, () => reported(b, { members: 'none' }))
    expect(named(report)).toEqual([`entry-in-wrong-window entry ${entry.id}`])
  })

  test('a line of the trail about an event that the chain does not have, and one that is missing', async () => {
    const lines = await db(a)
      .selectFrom('audit_events')
      .selectAll()
      .where('kind', '=', 'consent-granted')
      .execute()
    const [line] = lines
    if (!line) throw new Error('a consent in the trail')
    const id = randomUUID()
    await db(a).updateTable('audit_events').set({ id }).where('id', '=', line.id).execute()
    const report = await reported(a, { members: 'none' })
    await db(a).updateTable('audit_events').set({ id: line.id }).where('id', '=', id).execute()
    expect(named(report).map((text) => text.split(' ')[0])).toEqual([
      'event-line-missing',
      'event-line-unfounded',
    ])
  })

  test('a disclosure that its custodian altered, leaf and all, is found by the other side', async () => {
    const { row, entry } = await logged(a, 'disclosure')
    const altered = {
      ...entry,
      record: { ...entry.record, id: entry.record?.id ?? '', hash: 'ab'.repeat(32) },
    }
    const change = {
      leaf: leafOf(row.salt as Uint8Array, altered),
      sealed: sealJson(insideOf(a).vault.storeKey, altered),
    }
    const report = await tampered(a, row.seq, change, () => reported(b))
    const what = `exchange ${entry.exchange}`
    expect(named(report)).toContain(`proof-invalid ${what}`)
    expect(named(report)).toContain(`receipt-without-disclosure ${what}`)
    expect(report.findings['proof-invalid']?.examples[0]?.of).toBe(a.member)
  })

  test('another member that does not answer is silent, and that is no agreement', async () => {
    await a.stop()
    try {
      const report = await reported(b)
      expect(report.silent).toEqual([{ member: a.member, why: 'peer-unavailable' }])
      expect(report.agree).toBe(false)
    } finally {
      await a.start()
    }
  })
})

describe('evidence', () => {
  /** Evidence of A's exchanges with B, for an auditor. */
  async function exported(recipient?: JWK) {
    const until = new Date(a.clock.now()).toISOString()
    const body = { with: identifierText(b.config.identifier), until, ...(recipient ? { recipient } : {}) }
    const answer = await a.auditor.manage<{ jwe: string }>('POST', '/audit/evidence', body)
    expect(answer.status).toBe(200)
    return answer.body.jwe
  }
  const keysOf = async () => publicJwks(a.files.keyring) as never

  test('opens for whom it was sealed to and for nobody else, and shows what both know and no more', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ECDH-ES+A256KW', { extractable: true })
    const jwe = await exported(await exportJWK(publicKey))
    const stranger = await generateKeyPair('ECDH-ES+A256KW')
    await expect(openEvidence(jwe, stranger.privateKey, keysOf)).rejects.toMatchObject({
      code: 'evidence-invalid',
    })
    const evidence = await openEvidence(jwe, privateKey as CryptoKey, keysOf, {
      member: a.member,
      peer: b.member,
    })
    expect(evidence.lines.length).toBeGreaterThan(5)
    const text = JSON.stringify(evidence)
    const { entry } = await logged(a, 'disclosure')
    // Neither a person, nor the consent's place on the chain, nor the patient.
    for (const secret of [entry.policy?.slice(8), 'dr-1', 'Dr One', 'Patient/', ANNA.value, entry.id])
      expect(text).not.toContain(secret)
  })

  test('signed by somebody else, or answering another request, is none', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ECDH-ES+A256KW', { extractable: true })
    const jwe = await exported(await exportJWK(publicKey))
    const { kid } = a.files.keyring.signing
    const wrongKeys = async () =>
      ({ keys: publicJwks(b.files.keyring).keys.map((key) => ({ ...key, kid })) }) as never
    for (const [keys, expected] of [
      [wrongKeys, {}],
      [keysOf, { member: b.member }],
      [keysOf, { answers: `0x${'00'.repeat(32)}` }],
    ] as [() => Promise<never>, Partial<Pick<Evidence, 'member' | 'answers'>>][])
      await expect(openEvidence(jwe, privateKey as CryptoKey, keys, expected)).rejects.toMatchObject({
        code: 'evidence-invalid',
      })
  })

  test('is shown to the member that asks about its own exchanges, and to nobody who borrows its name or an old request', async () => {
    const now = Math.floor(a.clock.now() / 1000)
    const request = { since: 0, until: a.clock.now(), from: b.member, to: a.member, at: now }
    const { signing, sealing } = b.files.keyring
    const key = (await importJWK(signing, 'ES256')) as CryptoKey
    const seal = publicJwks(a.files.keyring).keys.find(({ use }) => use === 'enc') as JWK
    const ask = async (change: object = {}, by = key) => {
      const signed = { key: by, kid: signing.kid ?? '' }
      const body = await sealEvidenceRequest({ ...request, ...change }, signed, seal)
      const headers = { 'content-type': 'application/jose' }
      return answerOf<string>(
        await fetch(`${a.broker.base}/exchange/evidence`, { method: 'POST', headers, body }),
      )
    }
    const { bytes, status } = await ask()
    expect(status).toBe(200)
    const own = (await importJWK(sealing, 'ECDH-ES+A256KW')) as CryptoKey
    const { lines } = await openEvidence(new TextDecoder().decode(bytes), own, keysOf)
    expect(lines.length).toBeGreaterThan(5)
    const stranger = await generateKeyPair('ES256')
    expect((await ask({}, stranger.privateKey as CryptoKey)).code).toBe('evidence-invalid')
    expect((await ask({ at: now - 3_600 })).code).toBe('evidence-invalid')
    expect((await ask({ to: b.member })).code).toBe('evidence-invalid')
    const other: Hex = `0x${'12'.repeat(32)}`
    const shown = await showEvidence({ db: db(a), vault: insideOf(a).vault }, other, request)
    expect(shown).toEqual({ lines: [] })
  })
})

describe('in the terminal', () => {
  const run = createTerminal(
    () => world.hospitals.map(({ files }) => String(files.auditor.jwk.d)),
    auditCommand,
  )
  const sandbox = () => ['--sandbox', join(dir, 'sandbox.json')]
  const until = () => ['--until', new Date(Date.now() + 1_200_000).toISOString()]

  test('a reconciliation ends with 0 where all agree', async () => {
    const { code, out } = await run('reconcile', '--hospital', 'b', ...until(), ...sandbox())
    expect(out).toContain('5 exchanges match')
    expect(out).toContain('They agree.')
    expect(code).toBe(0)
  })

  test('with 1 where something is found: what it means, what to do, and of what', async () => {
    const { row, entry } = await logged(a, 'disclosure')
    const ask = ['reconcile', '--hospital', 'a', '--alone', ...until(), ...sandbox()]
    const { code, out } = await tampered(a, row.seq, { at: '2020-01-01T00:00:00.000Z' }, () => run(...ask))
    expect(code).toBe(1)
    expect(out).toContain('entry-altered: 1\n  An entry does not have the leaf that was anchored for it')
    expect(out).toContain(`entry ${entry.id}`)
    expect(out).toContain('They do not agree.')
  })

  test('and with 2 where nothing could be compared', async () => {
    const { code, err } = await run('reconcile', '--hospital', 'nowhere', ...sandbox())
    expect([code, err]).toEqual([2, 'wayleave: No hospital nowhere; there are: a, b\n'])
  })

  test('whose handle it is is told with a reason, and the help lists the reasons', async () => {
    const row = await insideOf(a)
      .index()
      .selectFrom('events')
      .select('key1')
      .where('name', '=', 'HandleBound')
      .executeTakeFirstOrThrow()
    const asked = ['--user', 'po-1', '--note', 'Complaint of the ward', ...sandbox()]
    const words = ['resolve', row.key1, '--hospital', 'a', '--reason', 'misuse-inquiry', ...asked]
    expect(await run(...words)).toEqual({ code: 0, out: 'Patient/anna\n', err: '' })
    const nobody = run('resolve', row.key1, '--hospital', 'a', '--reason', 'curious', ...asked)
    expect((await nobody).code).not.toBe(0)
  })

  test('an auditor checks both sides’ evidence with every broker stopped, and finds what one of them altered', async () => {
    const file = (name: string) => join(dir, name)
    await run('auditor-key', '--out', file('auditor.jwk'))
    const period = until()
    const exported = async (of: TestHospital, other: TestHospital, out: string) => {
      const who = ['--hospital', of.key, '--with', identifierText(other.config.identifier)]
      const to = ['--for', file('auditor.jwk.pub'), '--out', file(out)]
      expect((await run('export', ...who, ...to, ...period, ...sandbox())).code).toBe(0)
    }
    await exported(a, b, 'a')
    await exported(b, a, 'b')
    const { row, entry } = await logged(a, 'disclosure')
    const altered = { ...entry, purpose: 'HRESCH' }
    const change = {
      leaf: leafOf(row.salt as Uint8Array, altered),
      sealed: sealJson(insideOf(a).vault.storeKey, altered),
    }
    await tampered(a, row.seq, change, () => exported(a, b, 'altered'))
    for (const hospital of world.hospitals) await hospital.stop()
    try {
      const verify = (...files: string[]) =>
        run('verify', ...files.map(file), '--key', file('auditor.jwk'), ...sandbox())
      const { code, out } = await verify('a', 'b')
      expect(out).toContain('5 exchanges match')
      expect(code).toBe(0)
      const found = await verify('altered', 'b')
      expect(found.out).toContain(`exchange ${entry.exchange}`)
      expect(found.out).toContain('proof-invalid: ')
      expect(found.code).toBe(1)
      expect((await verify('a', 'a')).err).toContain('not about the exchanges of the same two members')
      expect((await verify('a')).code).toBe(2)
    } finally {
      for (const hospital of world.hospitals) await hospital.start()
    }
  })
})

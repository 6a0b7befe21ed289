import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Wallet } from 'ethers'
import { exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AccessLog__factory } from '../../src/chain/contracts.ts'
import type { Comparison, Exported } from '../../src/cli/chain-index/find-splits.ts'
import { indexCommand } from '../../src/cli/chain-index.ts'
import { proofCommand } from '../../src/cli/proof.ts'
import type { AuditEntry } from '../../src/domain/audit/audit-entry.ts'
import { leafOf } from '../../src/domain/audit/leaf.ts'
import { type Checkpoint, digestOf } from '../../src/domain/evidence/checkpoint.ts'
import { pathOf, type WindowProof, windowTree } from '../../src/domain/evidence/window-proof.ts'
import { type Hex, toHex } from '../../src/domain/hex.ts'
import { memberId } from '../../src/domain/identity/member-id.ts'
import { signCheckpoint } from '../../src/exchange/checkpoint.ts'
import { ALL_ROLES } from '../../src/sandbox/council.ts'
import { openHospitalFiles, writeBrokerConfig } from '../../src/sandbox/hospital-files.ts'
import { openDatabase } from '../../src/store/database.ts'
import { publicJwks } from '../../src/store/keyring.ts'
import { openBrokerTables } from '../../src/store/migrate.ts'
import { createTestChain, FREE, mined, type TestChain } from '../chain/test-chain.ts'
import { openIndex } from '../indexer/index-world.ts'
import { createTerminal } from './terminal.ts'

const HOSPITAL = {
  ...{ key: 'a', name: 'Hospital A', identifier: { system: 'urn:oid:2.999.1', value: 'a' } },
  ...{ recordNumberSystem: 'urn:test:a', phone: '' },
  address: { line: [], city: '', postalCode: '', country: 'NL' },
}
const ENTRY: AuditEntry = {
  ...{ id: 'one', recorded: '2026-03-01T10:00:00.000Z', kind: 'disclosure', outcome: '0' },
  custodian: { id: '0x01', name: 'Hospital A' },
}
const SALT = Buffer.alloc(32, 7)
const PADDING: Hex = `0x${'44'.repeat(32)}`
const LEAVES = [...['11', '22', '33'].map((byte) => `0x${byte.repeat(32)}`), leafOf(SALT, ENTRY)]

const index = createTerminal(() => [], indexCommand)
const proof = createTerminal(() => [], proofCommand)

let chain: TestChain
let dir: string
let config: string
let dump: string
let member: Hex
let signing: { key: CryptoKey; kid: string; jwk: JWK }
/** What is true at block 200. */
let said: Checkpoint
const database = () => ({ kind: 'pglite' as const, dir: join(dir, 'db') })
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'wayleave-index-'))
  chain = await createTestChain()
  const { contracts, deployedAt, anvil, provider } = chain
  const files = await openHospitalFiles(dir, HOSPITAL)
  member = memberId(HOSPITAL.identifier)
  const wallet = Wallet.createRandom(provider)
  const jwks = publicJwks(files.keyring)
  const profile = { ...HOSPITAL, endpoint: 'http://127.0.0.1:1', jwks }
  await chain.council.admit(member, ALL_ROLES, wallet.address, JSON.stringify(profile))
  const log = AccessLog__factory.connect(contracts.accessLog, wallet)
  await mined(log.anchor(1, await chain.blockTime(), windowTree(LEAVES, PADDING).root, FREE))
  await chain.mine(230)
  await mined(log.anchor(2, (await chain.blockTime()) + 1, PADDING, FREE))
  signing = {
    key: (await importJWK(files.keyring.signing, 'ES256')) as CryptoKey,
    kid: files.keyring.signing.kid ?? '',
    jwk: jwks.keys.find(({ use }) => use === 'sig') ?? {},
  }
  const written = writeBrokerConfig(files, { rpc: anvil.rpc, chainId: 78_230, contracts, deployedAt })
  config = file('broker.json', JSON.stringify({ ...written, database: database() }))
  const indexed = await openIndex(chain, database())
  await indexed.follow()
  await indexed.close()
}, 60_000)
afterAll(async () => {
  await chain.close()
  rmSync(dir, { recursive: true, force: true })
})

test('the network of a portal names the contracts, and every live member as it published itself', async () => {
  const { code, out } = await index('network', '--config', config)
  expect(code).toBe(0)
  const { consentRegistry, patientRegistry } = chain.contracts
  const told = JSON.parse(out)
  expect(told.chain).toEqual({ chainId: 78_230, consentRegistry, patientRegistry })
  const { name, identifier } = HOSPITAL
  const jwks = { keys: [expect.objectContaining({ use: 'sig' }), expect.objectContaining({ use: 'enc' })] }
  expect(told.members).toEqual([
    { id: member, name, identifier, broker: 'http://127.0.0.1:1', custodian: true, jwks },
  ])
  expect(out).not.toContain('"d"')
})

/** A line of an export. */
async function exported(
  changes: Partial<Checkpoint> = {},
  by: { key: CryptoKey; kid: string; jwk: JWK } = signing,
): Promise<Exported> {
  const checkpoint = { ...said, ...changes }
  const jws = await signCheckpoint(checkpoint, by)
  const { member: of, block } = checkpoint
  return { by: of, member: of, block, verdict: 'own', at: '2026-03-01T10:00:00.000Z', jwk: by.jwk, jws }
}
const lines = (...all: Exported[]) => all.map((one) => `${JSON.stringify(one)}\n`).join('')
async function compare(options: string[], ...files: string[]) {
  const { code, out } = await index('checkpoints', 'compare', '--json', ...options, ...files)
  const { findings, ...rest } = JSON.parse(out) as Comparison
  return { code, kinds: findings.map(({ kind }) => kind), ...rest }
}

test('the dump is lines in canonical form; the index agrees with the node, and one that was altered does not', async () => {
  const to = await index('dump', '--config', config, '--to', '200')
  expect(to.code).toBe(0)
  const [, rows, hash] = /^(\d+) events up to block 200; running hash (0x\w{64})\n$/.exec(to.err) ?? []
  const all = await index('dump', '--config', config)
  expect(all.out.startsWith(to.out)).toBe(true)
  expect(all.out.length).toBeGreaterThan(to.out.length)
  dump = file('rows.jsonl', all.out)
  const first = all.out.split('\n')[0] ?? ''
  said = {
    ...{ member, chainId: 78_230, block: 200, rows: Number(rows), rowsHash: hash as Hex, at: 1_772_000_000 },
    view: toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', Buffer.from(first)))),
    hash: (await chain.provider.getBlock(200))?.hash as Hex,
  }
  for (const wrong of ['9999', '-1', 'x'])
    expect((await index('dump', '--config', config, `--to=${wrong}`)).code).toBe(2)
  expect(await index('verify', '--config', config)).toMatchObject({
    ...{ code: 0, err: '' },
    out: expect.stringContaining('Index and node agree.') as string,
  })

  const opened = await openDatabase(database())
  await sql`update chain_index.events set args = replace(args, 'Hospital A', 'Hospital B') where name = 'ProfileSet'`.execute(
    opened.db,
  )
  await sql`update chain_index.events set log_index = 77 where name = 'WindowAnchored' and block < 200`.execute(
    opened.db,
  )
  const db = await openBrokerTables(opened.db)
  const kept = {
    member,
    block: 200,
    digest: digestOf(said),
    verdict: 'own',
    at: '2026-03-01T10:00:00.000Z',
  } as const
  await db
    .insertInto('checkpoints')
    .values({ ...kept, jws: await signCheckpoint(said, signing), jwk: JSON.stringify(signing.jwk) })
    .execute()
  await opened.close()
  const altered = await index('verify', '--config', config)
  expect(altered.code).toBe(1)
  expect(altered.out).toMatch(/missing: 1 .*\n {2}block.*\nextra: 1 .*\n {2}block \d+, log 77\ndifferent: 1 /)
  expect((await index('verify', '--config', config, '--rpc', 'http://127.0.0.1:1')).code).toBe(2)
}, 60_000)

test('exports are compared offline: whoever agrees, contradicts another, or itself', async () => {
  const out = await index('checkpoints', 'export', '--config', config)
  expect(out.code).toBe(0)
  const a = file('a.jsonl', out.out)
  const other = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(other.publicKey)), kid: 'b' }
  const b = { key: other.privateKey, kid: 'b', jwk }
  const memberB = memberId('urn:oid:2.999.1|b')
  const agrees = file('b.jsonl', lines(await exported({ member: memberB, at: 9 }, b)))
  const evil: Hex = `0x${'66'.repeat(32)}`
  expect(await compare([], a, agrees)).toEqual({
    ...{ code: 0, kinds: [], checkpoints: 2, members: 2, newest: 200, checked: 0 },
  })
  const splits = file('split.jsonl', lines(await exported({ member: memberB, hash: evil }, b)))
  expect(await compare([], a, splits)).toMatchObject({ code: 1, kinds: ['split', 'split'] })
  const otherView = file(
    'view.jsonl',
    lines(await exported({ member: memberB, view: evil, rowsHash: evil }, b)),
  )
  expect(await compare([], a, otherView)).toMatchObject({ code: 0 })
  const itself = file('itself.jsonl', lines(await exported({ rows: said.rows + 1 })))
  expect(await compare([], a, itself)).toMatchObject({ code: 1, kinds: ['contradiction', 'contradiction'] })

  // With a dump: keys are those of the chain, and the rows are counted.
  expect(await compare(['--dump', dump], a)).toMatchObject({ code: 0, checked: 1 })
  expect(await compare(['--dump', dump], itself)).toMatchObject({ code: 1, kinds: ['rows'] })
  expect(await compare(['--dump', dump], agrees)).toMatchObject({ code: 1, kinds: ['unsigned'] })
  const stolenName = file(
    'name.jsonl',
    lines(await exported({ hash: evil }, { ...b, kid: signing.kid, jwk: { ...jwk, kid: signing.kid } })),
  )
  expect(await compare([], a, stolenName)).toMatchObject({ code: 1, kinds: ['key', 'unsigned'] })
  expect(await compare(['--dump', dump], a, stolenName)).toMatchObject({ code: 1, kinds: ['unsigned'] })

  const told = await index('checkpoints', 'compare', '--dump', dump, a, splits)
  expect(told.out).toContain('They do not agree.')
  for (const bad of [file('bad.jsonl', 'x'), file('empty.jsonl', ''), join(dir, 'none')])
    expect((await index('checkpoints', 'compare', bad)).code).toBe(2)
})

test('a proof of one entry holds offline and at a node, shows no other entry, and nothing altered passes', async () => {
  const true_: WindowProof = {
    ...{
      format: 'wayleave-window-proof-1',
      chainId: 78_230,
      member,
      window: 1,
      entry: ENTRY,
      salt: toHex(SALT),
    },
    root: windowTree(LEAVES, PADDING).root as Hex,
    path: pathOf(LEAVES, PADDING, leafOf(SALT, ENTRY)),
  }
  const check = async (changes: object, ...from: string[]) =>
    proof('check', ...from, file('proof.json', JSON.stringify({ ...true_, ...changes })))
  const node = ['--rpc', chain.anvil.rpc, '--access-log', chain.contracts.accessLog]
  for (const from of [['--dump', dump], node]) {
    const good = await check({}, ...from)
    expect(good).toMatchObject({ code: 0, err: '' })
    expect(good.out).toContain('Hospital A gave a record')
    const evil = windowTree([leafOf(SALT, { ...ENTRY, outcome: '8' })], PADDING)
    const forged = { entry: { ...ENTRY, outcome: '8' }, root: evil.root, path: evil.getProof(0) }
    for (const bad of [
      { entry: { ...ENTRY, outcome: '8' } },
      { salt: toHex(Buffer.alloc(32, 8)) },
      { path: [...true_.path].reverse() },
      { path: [] },
      { window: 2 },
      { window: 3 },
      { member: memberId('urn:oid:2.999.1|b') },
      // A tree of the forger’s own, whole in itself.
      forged,
    ])
      expect((await check(bad, ...from)).code, JSON.stringify(bad)).toBe(1)
  }
  expect((await check({}, '--dump', file('other.jsonl', '{"chainId":1}\n'))).code).toBe(2)
  for (const bad of [
    { format: 'x' },
    { path: ['0x00'] },
    { path: Array(65).fill(PADDING) },
    { entry: undefined },
  ])
    expect((await check(bad, '--dump', dump)).code).toBe(2)
  // Of itself it says nothing of the chain.
  expect((await check({})).code).toBe(2)
})

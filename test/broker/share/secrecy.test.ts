import { createHash } from 'node:crypto'
import { keccak256 } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ALL_CLASSES, ALL_KINDS } from '../../../src/cli/patient/names.ts'
import { termsKey } from '../../../src/domain/consent/consent-word.ts'
import { scopeHash, termsHash } from '../../../src/domain/consent/typed-data.ts'
import { fromHex, type Hex } from '../../../src/domain/hex.ts'
import { compartmentKey, entryKeys, entryTag } from '../../../src/domain/records/compartments.ts'
import { openPointer } from '../../../src/domain/records/pointer-seal.ts'
import type { Share } from '../../../src/exchange/share.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { publicJwks } from '../../../src/store/keyring.ts'
import { openJson } from '../../../src/store/vault.ts'
import { admit, EVERYONE, indexed, partyOf } from '../../support/acts.ts'
import { largeWords, readWholeChain } from '../../support/chain-scan.ts'
import { insideOf } from '../../support/inside.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let c: TestHospital
let anna: PatientClient
let shares: Share[]
/** All that B holds besides the public chain: every row of its broker, opened with its own keys. */
let held: string

beforeAll(async () => {
  world = await createWorld({ hospitals: 3 })
  ;[a, b, c] = world.hospitals as [TestHospital, TestHospital, TestHospital]
  const [ANNA, BRAM] = [await admit(a, 'anna', 0), await admit(a, 'bram', 1)]
  await a.settled()
  anna = await world.enrol(a, ANNA)
  const bram = await world.enrol(a, BRAM)
  // Whom else the patients trust, and for what, is what B must not learn.
  await anna.grant({
    to: partyOf(c),
    purpose: 'TREAT',
    classes: ['problems', 'observations'],
    sensitivities: ['HIV'],
  })
  await anna.object({ to: partyOf(b), purpose: 'HRESCH' })
  await bram.grant({ to: partyOf(c), purpose: 'TREAT', classes: ['problems'] })
  await anna.grant({ to: partyOf(b), purpose: 'TREAT', classes: ['problems'] })
  const listed = await eventually(async () => {
    const { body } = await b.his.list(ANNA, 'TREAT')
    return body.total === 1 ? body : undefined
  })
  await b.his.open(listed?.entry?.[0]?.resource?.id ?? '', 'TREAT')
  await b.his.open(listed?.entry?.[0]?.resource?.id ?? '', 'HRESCH')
  // B passes on an act of hers, too, as any relayer may.
  await anna.revoke(
    { to: EVERYONE, purpose: 'TREAT' },
    { via: { base: b.broker.base, custodianKeys: publicJwks(a.files.keyring) } },
  )
  await a.settled()
  await indexed(world, b)

  const { db, vault } = insideOf(b)
  const rows = await db().selectFrom('shares_received').select('sealed').execute()
  shares = rows.map(({ sealed }) => openJson<Share>(vault.storeKey, sealed))
  held = (await dump(b)).toLowerCase()
}, 60_000)

afterAll(() => world?.close())

const TABLES = [
  'patients',
  'patient_identifiers',
  'scopes',
  'terms',
  'acts',
  'records',
  'compartments',
  'shares_sent',
  'exchange_outbox',
  'shares_received',
  'share_identifiers',
  'received_records',
  'replay',
  'sessions',
  'challenges',
  'enrolments',
  'access_log',
  'audit_events',
  'projection',
] as const // not chain_outbox: what a relayer sends, it sends in public

async function dump(hospital: TestHospital): Promise<string> {
  const { db, vault } = insideOf(hospital)
  const lines: string[] = []
  for (const table of TABLES) {
    for (const row of await db().selectFrom(table).selectAll().execute()) {
      for (const [column, value] of Object.entries(row)) {
        const text = value instanceof Uint8Array ? opened(vault.storeKey, value) : JSON.stringify(value)
        lines.push(`${table}.${column} ${text}`)
      }
    }
  }
  return lines.join('\n')
}

function opened(key: Uint8Array, sealed: Uint8Array): string {
  try {
    return JSON.stringify(openJson(key, sealed))
  } catch {
    return Buffer.from(sealed).toString('hex')
  }
}

/** All entries on the chain, as anybody sees them. */
async function entries() {
  const rows = await insideOf(b)
    .index()
    .selectFrom('events')
    .select('args')
    .where('name', '=', 'RecordRegistered')
    .execute()
  return rows.map(({ args }) => JSON.parse(args) as { tag: Hex; pointer: Hex })
}

describe('Whoever was shared one class', () => {
  const POSITIONS = 32
  const ownKeys = () =>
    shares.flatMap(({ compartments }) => compartments.map(({ key }) => Buffer.from(key, 'base64url')))
  /** What else could be tried: each key as if it were the pointer key, or the key of keys, of any compartment. */
  const bentKeys = () => {
    const names = ALL_CLASSES.flatMap((dataClass) => [
      dataClass,
      ...ALL_KINDS.map((kind) => `${dataClass}+${kind}`),
    ])
    return ownKeys().flatMap((key) => [
      ...names.map((name) => compartmentKey(key, name)),
      ...Object.values(entryKeys(key)),
      createHash('sha256').update(key).digest(),
    ])
  }
  const tagsOf = (key: Uint8Array) =>
    Array.from({ length: POSITIONS }, (_, i) => entryTag(entryKeys(key).tagKey, i))

  test('cannot tell more entries of the patient’s than those that were opened to it', async () => {
    const onChain = new Set((await entries()).map(({ tag }) => tag))
    expect(onChain.size).toBe(6)
    expect(shares.map(({ compartments }) => compartments.map(({ name }) => name))).toEqual([['problems']])
    const mine = new Set(
      ownKeys()
        .flatMap(tagsOf)
        .filter((tag) => onChain.has(tag)),
    )
    expect([...mine]).toEqual([await insideOf(a).tagOf('Condition', 'anna-c1')])
    expect(
      bentKeys()
        .flatMap(tagsOf)
        .filter((tag) => onChain.has(tag)),
    ).toEqual([])
  })

  test('cannot open another entry: every key that can be made was tried on every one', async () => {
    const contract = world.chain.contracts.recordDirectory as Hex
    const keys = [...ownKeys(), ...bentKeys()].flatMap((key) => [key, entryKeys(key).sealKey])
    const found: Hex[] = []
    for (const { tag, pointer } of await entries()) {
      const isOpen = keys.some((key) => {
        try {
          openPointer(key, { chainId: world.chain.chainId, contract, tag }, fromHex(pointer))
          return true
        } catch {
          return false
        }
      })
      if (isOpen) found.push(tag)
    }
    expect(found).toEqual([await insideOf(a).tagOf('Condition', 'anna-c1')])
  })

  test('finds nothing in the other entries that differs in length or repeats', async () => {
    const all = await entries()
    expect(new Set(all.map(({ pointer }) => pointer.length))).toEqual(new Set([2 + 2 * 160]))
    const chunks = all.flatMap(({ pointer }) => pointer.slice(2).match(/.{32}/g) ?? [])
    expect(new Set(chunks).size).toBe(chunks.length)
  })
})

describe('In all that a share holder received,', () => {
  /** The forms that a value could have in a row or a message. */
  const forms = (hex: string) => {
    const bytes = Buffer.from(fromHex(hex))
    return [
      hex.slice(2),
      bytes.toString('base64'),
      bytes.toString('base64url'),
      JSON.stringify([...bytes]),
    ].map((f) => f.toLowerCase())
  }

  test('there is no handle, scope secret, salt, hash of scope or terms, signer or pointer key of anybody', async () => {
    const { db, vault } = insideOf(a)
    const secrets = new Map<string, string>()
    for (const row of await db().selectFrom('patients').selectAll().execute()) {
      const key = vault.unwrapKey(row.wrapped_key)
      const own = openJson<{
        handle: Hex
        scopeSecret: string
        pointerKeys: { key: string }[]
        fhirId: string
      }>(key, row.sealed)
      const hexOf = (text: string) => `0x${Buffer.from(text, 'base64url').toString('hex')}`
      secrets
        .set(own.handle, 'handle')
        .set(hexOf(own.scopeSecret), 'scope secret')
        .set(row.signer_hash ?? '', 'signer hash')
      for (const { key: pointerKey } of own.pointerKeys) secrets.set(hexOf(pointerKey), 'pointer key')
      for (const scope of await db()
        .selectFrom('scopes')
        .selectAll()
        .where('patient_id', '=', row.id)
        .execute()) {
        const body = openJson<Parameters<typeof scopeHash>[0]>(key, scope.sealed)
        secrets.set(scopeHash(body), 'scope hash').set(body.salt, 'scope salt')
      }
      for (const terms of await db()
        .selectFrom('terms')
        .selectAll()
        .where('patient_id', '=', row.id)
        .execute()) {
        const body = openJson<Parameters<typeof termsHash>[0]>(key, terms.sealed)
        secrets
          .set(termsHash(body), 'terms hash')
          .set(termsKey(termsHash(body)), 'terms key')
          .set(body.salt, 'terms salt')
      }
    }
    secrets.set(anna.signer, 'signer')
    expect(secrets.size).toBeGreaterThan(20)
    // The search does find what is there.
    expect(held).toContain(await insideOf(a).tagOf('Condition', 'anna-c1'))
    const found = [...secrets].filter(([hex]) => forms(hex).some((form) => held.includes(form)))
    expect(found.map(([, what]) => what)).toEqual([])
  })

  test('nothing stands, bare or hashed, that any consent on the chain holds: the calldata cannot be found from it', async () => {
    const members = new Set(world.hospitals.map(({ member }) => member.slice(2)))
    const registries = [world.chain.contracts.consentRegistry, world.chain.contracts.patientRegistry].map(
      (x) => x.toLowerCase(),
    )
    const words = new Set<string>()
    for (const { to, hex, place } of await readWholeChain(world.chain.rpc)) {
      if (!registries.includes(to)) continue
      for (const word of largeWords(hex, place.startsWith('transaction')))
        if (!members.has(word)) words.add(word)
    }
    expect(words.size).toBeGreaterThan(20)
    expect([...words].filter((word) => forms(`0x${word}`).some((form) => held.includes(form)))).toEqual([])

    // Every text and key in the share, and all of it, under the hashes that a reader would try.
    const texts = shares.flatMap((share) => [JSON.stringify(share), ...leavesOf(share)])
    const bytes = texts.flatMap((text) => [Buffer.from(text), Buffer.from(text, 'base64url')])
    const hashes = bytes.flatMap((x) => [keccak256(x).slice(2), createHash('sha256').update(x).digest('hex')])
    const salted = shares.flatMap(({ scope, terms }) =>
      [`0x${'00'.repeat(32)}`, ...hashes.map((h) => `0x${h}`)].flatMap((salt) => [
        scopeHash({ ...scope, salt: salt as Hex }).slice(2),
        termsHash({ ...terms, body: `0x${'00'.repeat(32)}`, salt: salt as Hex }).slice(2),
      ]),
    )
    expect([...hashes, ...salted].filter((hash) => words.has(hash))).toEqual([])
  })

  test('nothing tells of any other consent: not for whom, not for what, and not of the objection', () => {
    expect(shares).toHaveLength(1)
    const text = JSON.stringify(shares).toLowerCase()
    expect(shares[0]?.scope).toEqual({ ...partyOf(b), purpose: 'TREAT' })
    for (const other of [partyOf(c).grantee, 'HRESCH', 'HIV', 'observations', 'objection', 'bram']) {
      expect(text).not.toContain(other.toLowerCase())
    }
    const aboutB = held
      .split('\n')
      .filter((line) => line.includes('anna-o1') || line.includes('anna-c2') || line.includes('bram'))
    expect(aboutB).toEqual([])
  })
})

function leavesOf(value: unknown): string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(leavesOf)
  return [String(value)]
}

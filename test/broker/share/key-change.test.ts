import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Hex } from '../../../src/domain/hex.ts'
import { fromHex } from '../../../src/domain/hex.ts'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import { entryKeys, entryTag } from '../../../src/domain/records/compartments.ts'
import { decodePointer, type Pointer } from '../../../src/domain/records/pointer.ts'
import { openPointer } from '../../../src/domain/records/pointer-seal.ts'
import type { Share } from '../../../src/exchange/share.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { openJson } from '../../../src/store/vault.ts'
import { admit, indexed, partyOf } from '../../support/acts.ts'
import { insideOf } from '../../support/inside.ts'
import { condition, observation } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

// Design §5: the pointer key changes before the first entry written after anything that ended or narrowed somebody's
// access. What a former grantee keeps is its old keys: here they are kept, and used.

let world: World
let a: TestHospital
let b: TestHospital
let c: TestHospital
let n = 0

beforeAll(async () => {
  world = await createWorld({ hospitals: 3 })
  ;[a, b, c] = world.hospitals as [TestHospital, TestHospital, TestHospital]
}, 60_000)

afterAll(() => world?.close())

type Person = { name: string; id: Identifier; client: PatientClient; records: number }

async function someone(): Promise<Person> {
  const name = `person-${n}`
  const id = await admit(a, name, n++)
  await a.settled()
  return { name, id, client: await world.enrol(a, id), records: 0 }
}

const problems = (to: TestHospital, classes = ['problems']) => ({
  to: partyOf(to),
  purpose: 'TREAT',
  classes,
})
const lists = (at: TestHospital, { id }: Person, wanted: number) =>
  eventually(async () => (await at.his.list(id, 'TREAT')).body.total === wanted)

/** Another problem is written down; its tag once it is on the chain. */
async function newProblem(person: Person): Promise<Hex> {
  const id = `${person.name}-new-${++person.records}`
  await a.put(condition(id, person.name, 'Asthma', '195967001'))
  await a.settled()
  for (const hospital of world.hospitals) await indexed(world, hospital)
  return insideOf(a).tagOf('Condition', id)
}

/** The keys that a member holds now for a person's shares. */
async function keysOf(at: TestHospital, { id }: Person): Promise<Buffer[]> {
  const { db, vault } = insideOf(at)
  const rows = await db().selectFrom('shares_received').select('sealed').execute()
  const shares = rows.map(({ sealed }) => openJson<Share>(vault.storeKey, sealed))
  return shares
    .filter(({ identifiers }) => identifiers.some(({ value }) => value === id.value))
    .flatMap(({ compartments }) => compartments.map(({ key }) => Buffer.from(key, 'base64url')))
}

/** Everything on the chain that keys once received lead to, by walking on as far as anything could lie. */
async function reachedWith(keys: Buffer[]): Promise<{ tag: Hex; pointer: Pointer }[]> {
  const rows = await insideOf(b)
    .index()
    .selectFrom('events')
    .select('args')
    .where('name', '=', 'RecordRegistered')
    .execute()
  const onChain = new Map(
    rows.map(({ args }) => JSON.parse(args) as { tag: Hex; pointer: Hex }).map((e) => [e.tag, e.pointer]),
  )
  const contract = world.chain.contracts.recordDirectory as Hex
  return keys.flatMap((key) => {
    const { tagKey, sealKey } = entryKeys(key)
    return Array.from({ length: 64 }, (_, i) => entryTag(tagKey, i)).flatMap((tag) => {
      const sealed = onChain.get(tag)
      if (!sealed) return []
      return [
        {
          tag,
          pointer: decodePointer(
            openPointer(sealKey, { chainId: world.chain.chainId, contract, tag }, fromHex(sealed)),
          ),
        },
      ]
    })
  })
}

async function keyNumbers({ name }: Person): Promise<number[]> {
  const { db, vault } = insideOf(a)
  const row = await db()
    .selectFrom('patients')
    .selectAll()
    .where('fhir_lookup', '=', vault.lookup('fhir', name))
    .executeTakeFirstOrThrow()
  const { pointerKeys } = openJson<{ pointerKeys: { number: number }[] }>(
    vault.unwrapKey(row.wrapped_key),
    row.sealed,
  )
  return pointerKeys.map(({ number }) => number)
}

test('After a revocation its former holder finds no new entry, though nothing was written while it held the key; the others do', async () => {
  const person = await someone()
  await person.client.grant(problems(b))
  await person.client.grant(problems(c))
  await lists(b, person, 1)
  await lists(c, person, 1)
  const old = await keysOf(b, person)
  expect((await reachedWith(old)).map(({ pointer }) => pointer.kind)).toEqual(['snapshot'])

  await person.client.revoke({ to: partyOf(b), purpose: 'TREAT' })
  await lists(b, person, 0)
  const tag = await newProblem(person)
  const reached = await reachedWith(old)
  expect(reached.map((entry) => entry.tag)).not.toContain(tag)
  // The compartment that it knew says that it has ended, and nothing follows.
  expect(reached.map(({ pointer }) => pointer.kind)).toEqual(['snapshot', 'closing'])
  await lists(c, person, 2)
  expect(await keyNumbers(person)).toEqual([1, 2])
})

test('Who is granted anew, or for the first time, gets the keys of every number', async () => {
  const person = await someone()
  await person.client.grant(problems(b))
  await lists(b, person, 1)
  await person.client.revoke({ to: partyOf(b), purpose: 'TREAT' })
  await newProblem(person)
  await person.client.grant(problems(b))
  await person.client.grant(problems(c))
  await lists(b, person, 2)
  await lists(c, person, 2)
  const listed = (await c.his.list(person.id, 'TREAT')).body.entry ?? []
  for (const { resource } of listed) expect((await c.his.open(resource?.id ?? '', 'TREAT')).status).toBe(200)
})

test('A record that changes after the key did is one record: its newer version supersedes the older', async () => {
  const person = await someone()
  await person.client.grant(problems(b))
  await person.client.grant(problems(c))
  await lists(c, person, 1)
  await lists(b, person, 1)
  await person.client.revoke({ to: partyOf(b), purpose: 'TREAT' })
  await a.put(condition(`${person.name}-c1`, person.name, 'Hypertension, under control'))
  await a.settled()
  const newest = await insideOf(a).tagOf('Condition', `${person.name}-c1`, '2')
  await eventually(async () => (await reachedWith(await keysOf(c, person))).some(({ tag }) => tag === newest))
  // What was looked at is b's index; c is a record's reader only once its own has come as far.
  await indexed(world, c)
  await lists(c, person, 1)
  const [only] = (await c.his.list(person.id, 'TREAT')).body.entry ?? []
  const opened = await c.his.open(only?.resource?.id ?? '', 'TREAT')
  expect(JSON.stringify(opened.body)).toContain('under control')
})

test('Where nobody’s access ended or narrowed the key stays, over a restart too', async () => {
  const person = await someone()
  await newProblem(person)
  await person.client.grant(problems(b))
  await lists(b, person, 2)
  await newProblem(person)
  await person.client.grant(problems(b, ['problems', 'observations']))
  await lists(b, person, 4)
  await a.restart()
  await newProblem(person)
  await lists(b, person, 5)
  expect(await keyNumbers(person)).toEqual([1])
})

test.each<[string, (person: Person) => Promise<void>, number]>([
  ['narrower terms', async ({ client }) => void (await client.grant(problems(b, ['observations']))), 1],
  ['an objection', async ({ client }) => void (await client.object({ to: partyOf(b), purpose: 'TREAT' })), 0],
  ['a lock', async ({ client }) => void (await client.lock()), 0],
  ['a suspension', async () => world.council.suspend(b.member), 0],
])('After %s the former holder finds no new entry', async (what, narrow, left) => {
  const person = await someone()
  await person.client.grant(problems(b, ['problems', 'observations']))
  await lists(b, person, 2)
  const old = await keysOf(b, person)
  await narrow(person)
  await lists(b, person, left)
  const tag = await newProblem(person)
  expect((await reachedWith([...old, ...(await keysOf(b, person))])).map((entry) => entry.tag)).not.toContain(
    tag,
  )
  expect(await keyNumbers(person)).toEqual([1, 2])
  if (what === 'a suspension') await world.council.reinstate(b.member)
})

test('A revocation that is only signed so far changes the key as well', async () => {
  const person = await someone()
  await person.client.grant(problems(b))
  await lists(b, person, 1)
  const old = await keysOf(b, person)
  await person.client.revoke({ to: partyOf(b), purpose: 'TREAT' })
  const tag = await newProblem(person)
  expect((await reachedWith(old)).map((entry) => entry.tag)).not.toContain(tag)
  await a.put(observation(`${person.name}-o2`, person.name, 80))
  await a.settled()
  expect(await keyNumbers(person)).toEqual([1, 2])
})

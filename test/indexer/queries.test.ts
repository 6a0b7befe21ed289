import { id } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AccessLog__factory, MemberRegistry__factory } from '../../src/chain/contracts.ts'
import type { Hex } from '../../src/domain/hex.ts'
import { memberId } from '../../src/domain/identity/member-id.ts'
import { createIndexQueries, type IndexQueries } from '../../src/indexer/index.ts'
import {
  createTestChain,
  FREE,
  mined,
  pointerFor,
  type TestChain,
  type TestMember,
} from '../chain/test-chain.ts'
import { openIndex, type TestIndex } from './index-world.ts'

const identifier = (value: string) => ({ system: 'urn:oid:2.999.1', value })
const hash = (text: string) => id(text) as Hex

let chain: TestChain
let index: TestIndex
let queries: IndexQueries
let a: TestMember
let b: TestMember
beforeAll(async () => {
  chain = await createTestChain()
  index = await openIndex(chain)
  queries = createIndexQueries(index.db)
  a = await chain.member('urn:oid:2.999.1|a')
  b = await chain.member('urn:oid:2.999.1|b')
})
afterAll(async () => {
  await index.close()
  await chain.close()
})

describe('entries', () => {
  test('are found by custodian and tag, and only by both', async () => {
    await chain.register(a, 'one', 'two')
    await index.follow()
    const found = await queries.pointer(a.id, hash('one'))
    expect(found).toMatchObject({ commitment: hash('commitment of one'), block: await chain.height() })
    expect(`0x${Buffer.from(found?.pointer ?? []).toString('hex')}`).toBe(pointerFor('one'))
    expect(await queries.pointer(b.id, hash('one'))).toBeUndefined()
    expect(await queries.pointer(a.id, hash('three'))).toBeUndefined()
    const several = await queries.pointers(a.id, [hash('one'), hash('three'), hash('two')])
    expect([...several.keys()].sort()).toEqual([hash('one'), hash('two')].sort())
    expect(several.get(hash('one'))).toEqual(found)
  })

  test('none asked for is none found', async () => {
    expect(await queries.pointers(a.id, [])).toEqual(new Map())
  })

  test('stand as they were written first', async () => {
    await chain.register(a, 'first')
    await chain.register(a, 'first')
    await chain.register(b, 'first')
    await index.follow()
    expect((await queries.pointer(a.id, hash('first')))?.block).toBe((await chain.height()) - 2)
  })
})

describe('members', () => {
  const publish = async (member: TestMember, profile: string) => {
    const registry = MemberRegistry__factory.connect(chain.contracts.memberRegistry, member.wallet)
    await mined(registry.setProfile(profile, FREE))
    await index.follow()
  }
  const profileOf = (value: string, endpoint: string) =>
    JSON.stringify({ name: value, identifier: identifier(value), endpoint, jwks: { keys: [] } })

  test('are all that were ever admitted', async () => {
    await index.follow()
    expect((await queries.members()).sort()).toEqual([a.id, b.id].sort())
    expect(a.id).toBe(memberId(identifier('a')))
  })

  test('are known by their newest profile', async () => {
    await publish(a, profileOf('a', 'http://old'))
    await publish(a, profileOf('a', 'http://new'))
    expect(await queries.profile(a.id)).toMatchObject({ id: a.id, endpoint: 'http://new' })
  })

  test('that publish nonsense, or another organisation’s name, are as without a profile', async () => {
    for (const profile of ['', 'nonsense', 'null', '[]', '{}', profileOf('a', 'http://thief')]) {
      await publish(b, profile)
      expect(await queries.profile(b.id), profile).toBeUndefined()
    }
    expect(await queries.profile(hash('nobody'))).toBeUndefined()
  })

  test('of a group are those that joined last, not those that left', async () => {
    const group = hash('practices')
    await chain.council.joinGroup(group, a.id)
    await chain.council.joinGroup(group, b.id)
    await index.follow()
    expect((await queries.membersOfGroup(group)).sort()).toEqual([a.id, b.id].sort())
    expect(await queries.groupsOf(b.id)).toEqual([group])
    expect(await queries.membersOfGroup(hash('others'))).toEqual([])
  })
})

test('the last window is the newest that the member itself anchored', async () => {
  expect(await queries.lastWindow(a.id)).toBeUndefined()
  const until = await chain.blockTime()
  for (const [member, number] of [
    [a, 1],
    [a, 2],
    [b, 1],
  ] as const) {
    const log = AccessLog__factory.connect(chain.contracts.accessLog, member.wallet)
    await mined(log.anchor(number, until + number, hash('root'), FREE))
  }
  await index.follow()
  expect(await queries.lastWindow(a.id)).toEqual({ number: 2, until: until + 2 })
  expect(await queries.lastWindow(b.id)).toEqual({ number: 1, until: until + 1 })
})

test('events after a place come in total order, each once, however they are paged', async () => {
  await index.follow()
  const all = await queries.eventsAfter(-1, 0, 10_000)
  const paged: typeof all = []
  for (let page = await queries.eventsAfter(-1, 0, 3); page.length > 0; ) {
    paged.push(...page)
    const last = page.at(-1)
    page = await queries.eventsAfter(last?.block ?? 0, last?.logIndex ?? 0, 3)
  }
  expect(paged).toEqual(all)
  const places = all.map(({ block, logIndex }) => [block, logIndex] as const)
  expect(places).toEqual([...places].sort(([x, i], [y, j]) => x - y || i - j))
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestChain, type TestChain, type TestMember } from '../chain/test-chain.ts'
import { seeded } from '../seeded.ts'
import { freshDatabase, type TestDatabase } from '../support/databases.ts'
import { dump, openIndex, replayed } from './index-world.ts'

let chain: TestChain
let hospitals: TestMember[]
let database: TestDatabase
beforeAll(async () => {
  database = await freshDatabase('on disk')
  chain = await createTestChain()
  hospitals = [await chain.member('a'), await chain.member('b')]
})
afterAll(async () => {
  await chain.close()
  await database.remove()
})

/** mulberry32. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

test('whatever mixture of blocks, reorganisations and restarts it saw, the index has the rows of the chain (I10)', async () => {
  const { seed } = seeded({})
  const below = random(seed)
  let index = await openIndex(chain, database.config)
  /** What was told of, rows taken back included: what somebody who makes rows of the index's rows would have. */
  let copied = new Map<string, string>()
  const listen = () => {
    index.indexer.onReorganisation(async (block) => {
      copied = new Map([...copied].filter(([place]) => Number(place.split('/')[0]) < block))
    })
  }
  const copy = async () => {
    for (const row of await dump(index.db)) copied.set(`${row.block}/${row.log_index}`, row.args)
  }
  listen()
  let snapshots: string[] = []
  let entries = 0
  for (let step = 0; step < 80; step++) {
    switch (below(8)) {
      case 0:
      case 1:
      case 2: {
        const hospital = hospitals[below(2)]
        if (hospital) await chain.register(hospital, `${entries++}`, `${entries++}`)
        break
      }
      case 3:
        await chain.mine(1 + below(5))
        break
      case 4:
        snapshots.push((await chain.provider.send('evm_snapshot', [])) as string)
        break
      case 5: {
        const at = below(Math.max(1, snapshots.length))
        const snapshot = snapshots[at]
        if (snapshot) await chain.provider.send('evm_revert', [snapshot])
        snapshots = snapshots.slice(0, at)
        break
      }
      case 6:
        await index.follow()
        await copy()
        break
      case 7:
        await index.close()
        index = await openIndex(chain, database.config)
        listen()
    }
  }
  await index.follow()
  await copy()
  const rows = await replayed(chain)
  expect(await dump(index.db)).toEqual(rows)
  expect([...copied.values()].sort()).toEqual(rows.map((row) => row.args).sort())
  await index.close()
}, 90_000)

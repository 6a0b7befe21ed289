import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeClientAssertion, verifyClientAssertion } from '../../src/exchange/client-assertion.ts'
import { createDpopProver, verifyDpopProof } from '../../src/exchange/dpop-proof.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { openBrokerTables } from '../../src/store/migrate.ts'
import { createReplayStore } from '../../src/store/replay.ts'
import { freshDatabase, type TestDatabase } from '../support/databases.ts'
import { ASKER, createSigner, jwksOf, NOW, refusal, type Signer } from './exchange-world.ts'

type Remember = (key: string, expiresAtMs: number) => Promise<boolean>

const AUDIENCE = 'https://broker.hospital.example/exchange/token'
const clock = { now: () => NOW, monotonic: () => 0 }

let kept: TestDatabase
let databases: Database[] = []
let signer: Signer
beforeAll(async () => {
  kept = await freshDatabase('on disk')
  signer = await createSigner('k1')
})
afterAll(async () => {
  await Promise.all(databases.map((database) => database.close()))
  await kept.remove()
})

/** Replicas as they come up: each with connections of its own on PostgreSQL; PGlite has one connection, so they share it. */
async function start(): Promise<[Remember, Remember]> {
  await Promise.all(databases.map((database) => database.close()))
  databases = [await openDatabase(kept.config)]
  if (kept.config.kind === 'postgres') databases.push(await openDatabase(kept.config))
  const stores = await Promise.all(
    databases.map(async ({ db }) => createReplayStore({ db: await openBrokerTables(db), clock })),
  )
  const [first, second = first] = stores
  if (!first || !second) throw new Error('no replica')
  return [first, second]
}

const assertion = () =>
  makeClientAssertion({
    ...{ key: signer.key, kid: signer.kid, alg: 'ES256', clientId: 'member', audience: AUDIENCE },
    ...{ asker: ASKER, nowMs: NOW },
  })

const show = (remember: Remember, made: string) =>
  refusal(() =>
    verifyClientAssertion({
      ...{ assertion: made, audience: AUDIENCE, keysOf: async () => jwksOf(signer), remember, nowMs: NOW },
    }),
  )

async function proof() {
  const keys = { privateKey: signer.key, publicKey: signer.publicKey }
  const made = await (await createDpopProver(keys))({ method: 'POST', url: AUDIENCE, nowMs: NOW })
  return (remember: Remember) =>
    refusal(() => verifyDpopProof({ proof: made.proof, method: 'POST', url: AUDIENCE, remember, nowMs: NOW }))
}

test('an assertion and a proof that one replica has seen are refused by the other', async () => {
  const [one, two] = await start()
  const made = await assertion()
  expect([await show(one, made), await show(two, made)]).toEqual(['accepted', 'assertion-replayed'])
  const prove = await proof()
  expect([await prove(two), await prove(one)]).toEqual(['accepted', 'dpop-replayed'])
})

test('of many replicas that are shown one assertion at the same moment, one takes it', async () => {
  const [one, two] = await start()
  for (let round = 0; round < 5; round++) {
    const made = await assertion()
    const said = await Promise.all(Array.from({ length: 12 }, (_, i) => show(i % 2 ? one : two, made)))
    expect(said.filter((code) => code === 'accepted')).toHaveLength(1)
    expect(said.filter((code) => code === 'assertion-replayed')).toHaveLength(11)
  }
})

test('what was seen before a restart is refused after it', async () => {
  const [before] = await start()
  const made = await assertion()
  const prove = await proof()
  expect([await show(before, made), await prove(before)]).toEqual(['accepted', 'accepted'])
  const [one, two] = await start()
  for (const after of [one, two])
    expect([await show(after, made), await prove(after)]).toEqual(['assertion-replayed', 'dpop-replayed'])
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { RecordDirectory__factory } from '../../src/chain/contracts.ts'
import { freshPostgres } from '../support/databases.ts'
import { reconciled } from '../support/reconcile.ts'
import { openReplicas, type Replica, type Replicas } from '../support/replicas.ts'
import { ANNA, BRAM, observation, patient } from '../support/samples.ts'
import { eventually } from '../support/world.ts'

/** Versions that are there before the broker has read any of them. */
const VERSIONS = 4_000
const KILLS = 6

let on: Replicas
let broker: Replica

beforeAll(async () => {
  on = await openReplicas(0, await freshPostgres(process.env.DATABASE_URL ?? ''))
  await on.put(patient('anna', ANNA))
  await on.put(patient('bram', BRAM))
  for (let i = 0; i < VERSIONS; i += 500) {
    const entry = Array.from({ length: 500 }, (_, k) => {
      const id = `o${i + k}`
      const resource = observation(id, k % 3 === 0 ? 'bram' : 'anna', i + k)
      return { resource, request: { method: 'PUT', url: `Observation/${id}` } }
    })
    const answer = await fetch(on.fhirBase, {
      method: 'POST',
      headers: { 'content-type': 'application/fhir+json' },
      body: JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }),
    })
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
  }
}, 300_000)
afterAll(() => on?.close())

test(`a broker that is killed ${KILLS} times amid a backlog of ${VERSIONS} versions goes on where it was: none is lost, none registered twice`, async () => {
  broker = await on.start()
  const directory = RecordDirectory__factory.connect(on.contracts.recordDirectory, on.provider)
  const onChain = async () =>
    (await directory.queryFilter(directory.filters.RecordRegistered(on.member))).length
  const progress: number[] = []
  for (let kill = 1; kill <= KILLS; kill++) {
    // Each time it has come further: read, packed, sent or mined.
    await eventually(async () => {
      const { registered } = await broker.ready()
      return registered >= (kill * VERSIONS) / (KILLS + 2)
    }, 120_000)
    progress.push((await broker.ready()).registered)
    await broker.kill()
    await eventually(async () => (await fetch(`${broker.base}/health`)).ok, 60_000)
  }
  await eventually(async () => {
    const state = await broker.ready()
    if (state.registered === VERSIONS && state.waiting === 0 && state.backlog === null) return true
    throw new Error(JSON.stringify(state))
  }, 240_000)
  // It was killed while there was something left to do.
  expect(progress[0]).toBeLessThan(VERSIONS)
  const taken = await directory.queryFilter(directory.filters.TagTaken(on.member))
  expect({ onChain: await onChain(), taken: taken.length }).toEqual({ onChain: VERSIONS, taken: 0 })
  const { code, found, report } = await reconciled(broker.configFile)
  expect({ code, found, versions: report.versions }).toEqual({ code: 0, found: {}, versions: VERSIONS })
  console.info(`killed at ${progress.join(', ')} of ${VERSIONS} versions`)
}, 600_000)

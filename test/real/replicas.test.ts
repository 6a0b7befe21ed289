import { generateProof } from 'dpop'
import { generateKeyPair, importJWK } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AccessLog__factory, RecordDirectory__factory } from '../../src/chain/contracts.ts'
import { identifierText, memberId } from '../../src/domain/identity/member-id.ts'
import { ASSERTION_TYPE, makeClientAssertion } from '../../src/exchange/client-assertion.ts'
import { answerOf } from '../../src/sandbox/his-client.ts'
import { openDatabase } from '../../src/store/database.ts'
import { openBrokerTables } from '../../src/store/migrate.ts'
import { freshPostgres } from '../support/databases.ts'
import { reconciled } from '../support/reconcile.ts'
import { openReplicas, type Replica, type Replicas } from '../support/replicas.ts'
import { ANNA, condition, patient } from '../support/samples.ts'
import { eventually } from '../support/world.ts'

let on: Replicas
let first: Replica
let second: Replica

beforeAll(async () => {
  on = await openReplicas(2, await freshPostgres(process.env.DATABASE_URL ?? ''))
  ;[first, second] = on.replicas as [Replica, Replica]
  await on.put(patient('anna', ANNA))
}, 300_000)
afterAll(() => on?.close())

const settled = (replica: Replica, registered: number) =>
  eventually(async () => {
    const state = await replica.ready()
    if (state.registered === registered && state.waiting === 0 && state.backlog === null) return true
    throw new Error(
      `${JSON.stringify(state)} of ${registered}\n${on.log(0).slice(-1_500)}\n${on.log(1).slice(-1_500)}`,
    )
  }, 60_000)

describe('Of two brokers of one member on one PostgreSQL', () => {
  test('each refuses an assertion and a proof that the other has taken', async () => {
    const url = `${on.base}/exchange/token`
    const keys = await generateKeyPair('ES256', { extractable: true })
    const { signing } = on.other.keyring
    const assertion = async () =>
      makeClientAssertion({
        ...{ key: (await importJWK(signing, 'ES256')) as CryptoKey, kid: signing.kid ?? '', alg: 'ES256' },
        ...{ clientId: memberId(on.other.hospital.identifier), audience: url, nowMs: Date.now() },
        asker: {
          ...{ userId: 'dr-1', role: 'physician', purpose: 'TREAT' },
          organization: identifierText(on.other.hospital.identifier),
        },
      })
    const proof = () => generateProof(keys, url, 'POST')
    const at = async ({ base }: Replica, client_assertion: string, dpop: string) => {
      const body = new URLSearchParams({
        ...{ grant_type: 'client_credentials', client_assertion_type: ASSERTION_TYPE, client_assertion },
        scope: `record:0x${'7'.repeat(64)}`,
      })
      const answer = await fetch(`${base}/exchange/token`, { method: 'POST', headers: { dpop }, body })
      return (await answerOf(answer)).code
    }
    for (const [one, other] of [
      [first, second],
      [second, first],
    ] as const) {
      const [used, shown] = [await assertion(), await proof()]
      expect(await at(one, used, shown)).toBe('not-available')
      expect(await at(other, used, await proof())).toBe('assertion-replayed')
      expect(await at(other, await assertion(), shown)).toBe('dpop-replayed')
    }
  })

  test('one registers and anchors at a time, though either is killed again and again: no pointer twice, no windows that overlap', async () => {
    let written = 0
    for (let kills = 0; kills < 8; kills++) {
      for (let i = 0; i < 25; i++, written++)
        await on.put(condition(`c${written}`, 'anna', `Text ${written}`))
      const [killed, other] = kills % 2 === 0 ? [first, second] : [second, first]
      // The other one goes on while this one is gone.
      await killed.kill()
      await settled(other, written)
      await eventually(async () => (await fetch(`${killed.base}/health`)).ok, 60_000)
    }
    await settled(first, written)
    await settled(second, written)

    const directory = RecordDirectory__factory.connect(on.contracts.recordDirectory, on.provider)
    const registered = await directory.queryFilter(directory.filters.RecordRegistered(on.member))
    const taken = await directory.queryFilter(directory.filters.TagTaken(on.member))
    expect({ registered: registered.length, taken: taken.length }).toEqual({ registered: written, taken: 0 })

    const log = AccessLog__factory.connect(on.contracts.accessLog, on.provider)
    const windows = await log.queryFilter(log.filters.WindowAnchored(on.member))
    const numbers = windows.map(({ args }) => Number(args.number))
    expect(numbers).toEqual(numbers.map((_, i) => i + 1))
    for (const [i, { args }] of windows.entries())
      if (i > 0) expect(args.from).toBe(windows[i - 1]?.args.until)

    const database = await openDatabase(on.database)
    const db = await openBrokerTables(database.db)
    const failed = await db.selectFrom('chain_outbox').selectAll().where('status', '=', 'failed').execute()
    await database.close()
    expect(failed).toEqual([])
  }, 300_000)

  test('one goes on alone when the other does not come back, and agrees with the FHIR server', async () => {
    await first.process.stop()
    on.replicas.shift()
    await on.put(condition('last', 'anna', 'The last one'))
    await settled(second, 201)
    const { code, found } = await reconciled(second.configFile)
    expect({ code, found }).toEqual({ code: 0, found: {} })
  }, 120_000)
})

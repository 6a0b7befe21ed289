import { randomBytes } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { request } from 'undici'
import { createConsentStates } from '../../src/broker/consent/consent-state.ts'
import { createConsentReader } from '../../src/chain/consent-reader.ts'
import { watchHead } from '../../src/chain/head-watch.ts'
import { createNodeRpc } from '../../src/chain/node-rpc.ts'
import { decide } from '../../src/domain/consent/decide.ts'
import type { Hex } from '../../src/domain/hex.ts'
import { createIndexQueries } from '../../src/indexer/index.ts'
import { createPatientStore } from '../../src/store/patients.ts'
import type { BrokerTables, IndexTables } from '../../src/store/schema.ts'
import { createVault } from '../../src/store/vault.ts'
import { partyOf } from '../../test/support/acts.ts'
import { patient, somebody } from '../../test/support/samples.ts'
import { createWorld, eventually } from '../../test/support/world.ts'
import { median } from './load.ts'

/** Patients whose consents are asked about, in turn. */
const ASKED = 10
const CHECKS = 2_000
const WARM_UP = 300

/** Rows that one statement makes, and words that one message writes to the chain. */
const ROWS = 50_000
const WORDS = 5_000

/** Milliseconds of one consent check while so many consents stand in the database and on the chain. */
export type ConsentCheck = { consents: number; p50: number; p99: number }

/**
 * The consent check alone: all that is known of a patient's consents from the database, their words from the chain, and
 * the decision. Between the two measurements the others' consents are multiplied: rows in the custodian's tables, words in
 * the storage of the ConsentRegistry.
 */
export async function measureConsentChecks(
  sizes: readonly number[],
  tell: (line: string) => void,
): Promise<ConsentCheck[]> {
  // Of a million words anvil would keep every block's own copy.
  const world = await createWorld({ hospitals: 2, chainFlags: ['--prune-history', '4'] })
  try {
    const [custodian, requester] = world.hospitals
    if (!custodian || !requester) throw new Error('two hospitals are needed')
    const vault = createVault(Buffer.from(custodian.files.keyring.kek, 'base64url'))
    const db = custodian.database.db.withSchema('broker') as Kysely<BrokerTables>
    const index = createIndexQueries(custodian.database.db.withSchema('chain_index') as Kysely<IndexTables>)
    const { clock } = custodian
    const head = watchHead({ provider: world.provider, clock })
    const rpc = createNodeRpc({ url: world.chain.rpc })
    const states = createConsentStates({
      ...{ head, index, clock, custodian: custodian.member, groups: custodian.config.groups },
      reader: createConsentReader(rpc, world.chain.contracts),
    })
    const patients = createPatientStore({ vault, clock })
    for (let n = 0; n < ASKED; n++) {
      const nationalId = somebody(n)
      await custodian.put(patient(`asked-${n}`, nationalId))
      await custodian.settled()
      const device = await world.enrol(custodian, nationalId)
      await device.grant({ to: partyOf(requester), purpose: 'TREAT', classes: ['problems'] })
    }
    const asked = await eventually(async () => {
      const all = await patients.withScopes(db)
      return all.length === ASKED ? all : undefined
    })

    async function check(n: number): Promise<string> {
      const who = asked[n % asked.length]
      if (!who || !requester) throw new Error('nobody to ask about')
      const state = await states.read(db, { patient: who, requester: requester.member, purpose: 'TREAT' })
      return decide({ ...state, record: { dataClass: 'problems', kinds: [], contained: [] } }).decision
    }
    await eventually(async () =>
      (await Promise.all(asked.map((_, n) => check(n)))).every((d) => d === 'permit'),
    )

    // They would look through all those patients, too, again and again: only the check is to be measured.
    for (const hospital of world.hospitals) await hospital.stop()

    const out: ConsentCheck[] = []
    let standing = ASKED
    for (const consents of sizes) {
      await multiply(consents - standing)
      standing = consents
      const times: number[] = []
      for (let n = 0; n < WARM_UP + CHECKS; n++) {
        const started = performance.now()
        if ((await check(n)) !== 'permit') throw new Error('A consent that stands was not found')
        if (n >= WARM_UP) times.push(performance.now() - started)
      }
      times.sort((a, b) => a - b)
      out.push({ consents, p50: median(times), p99: times[Math.floor(times.length * 0.99)] ?? 0 })
    }
    await head.close()
    await rpc.close()
    return out

    /** Consents of others: five to a patient, as rows and as words. */
    async function multiply(more: number): Promise<void> {
      tell(`Making ${more.toLocaleString('en-GB')} more consents …`)
      const blob = sql`decode(repeat(md5(g::text), 16), 'hex')`
      for (let from = 0; from < more; from += ROWS) {
        const to = Math.min(from + ROWS, more) - 1
        const numbers = sql`generate_series(${sql.lit(from + standing)}, ${sql.lit(to + standing)}) as g`
        const owner = sql`'p' || (g - g % 5)`
        await sql`insert into broker.patients (id, wrapped_key, sealed, handle_lookup, fhir_lookup, created_at)
          select distinct on (g - g % 5) ${owner}, ${blob}, ${blob}, md5('h' || (g - g % 5)), md5('f' || (g - g % 5)), ''
          from ${numbers} on conflict do nothing`.execute(db)
        await sql`insert into broker.scopes (scope_hash, patient_id, sealed)
          select '0x' || md5('a' || g) || md5('b' || g), ${owner}, ${blob} from ${numbers}`.execute(db)
        await sql`insert into broker.terms (patient_id, terms_key, sealed)
          select ${owner}, '0x' || md5('t' || g), ${blob} from ${numbers}`.execute(db)
        await sql`insert into broker.acts (digest, patient_id, act, scope_hash, sealed, received_at)
          select md5('d' || g), ${owner}, 'Grant', '0x' || md5('a' || g) || md5('b' || g), ${blob}, '' from ${numbers}`.execute(
          db,
        )
      }
      await sql`analyze`.execute(db)
      tell('… the rows are there; now the words on the chain')
      // No block meanwhile: anvil would keep a copy of the storage for each.
      await world.provider.send('evm_setIntervalMining', [0])
      for (let from = 0; from < more; from += WORDS) {
        const count = Math.min(WORDS, more - from)
        const calls = Array.from({ length: count }, (_, id) => ({
          ...{ jsonrpc: '2.0', id, method: 'anvil_setStorageAt' },
          params: [world.chain.contracts.consentRegistry, random32(), random32()],
        }))
        // A connection of its own for each: while PGlite writes rows nothing else runs here, and an idle one is closed meanwhile.
        const { statusCode, body } = await request(world.anvil.rpc, {
          ...{ method: 'POST', reset: true, body: JSON.stringify(calls) },
          headers: { 'content-type': 'application/json' },
        })
        if (statusCode !== 200) throw new Error(`The chain answered ${statusCode}`)
        await body.arrayBuffer()
      }
      await world.provider.send('evm_setIntervalMining', [2])
      await world.provider.send('evm_mine', [])
      // The head is fresh again once it was seen.
      await eventually(async () => (await check(0)) === 'permit')
    }
  } finally {
    await world.close()
  }
}

const random32 = (): Hex => `0x${randomBytes(32).toString('hex')}`

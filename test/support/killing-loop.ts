import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JsonRpcProvider, NonceManager, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BrokerConfig } from '../../src/broker/index.ts'
import { deployContracts } from '../../src/chain/deploy.ts'
import { memberId } from '../../src/domain/identity/member-id.ts'
import { type Anvil, SANDBOX_CHAIN_ID, startAnvil } from '../../src/sandbox/anvil.ts'
import { ALL_ROLES, newSeats, publicSeats } from '../../src/sandbox/council.ts'
import { type HospitalFiles, openHospitalFiles, writeBrokerConfig } from '../../src/sandbox/hospital-files.ts'
import { freePort } from '../../src/sandbox/ports.ts'
import { type Supervised, supervise } from '../../src/sandbox/supervisor.ts'
import { withoutSettings } from '../../src/sandbox/without-settings.ts'
import { openDatabase } from '../../src/store/database.ts'
import { openBrokerTables } from '../../src/store/migrate.ts'
import { createPatientStore } from '../../src/store/patients.ts'
import { createVault, openJson } from '../../src/store/vault.ts'
import { seeded } from '../seeded.ts'
import { reconciled } from './reconcile.ts'
import { ANNA, BRAM, condition, observation, patient } from './samples.ts'
import { eventually } from './world.ts'

/** The servers that a hospital runs on, its broker apart. */
export type LoopServers = Pick<BrokerConfig, 'database' | 'fhir'> & {
  fhirBase: string
  /** Kills the FHIR server and starts it again on the same data; where it is a process of its own. */
  killFhir?: () => Promise<void>
  close: () => Promise<void>
}

const CLI = join(import.meta.dirname, '../../src/cli/main.ts')
const PEOPLE = ['anna', 'bram']

/** Records are written while broker and FHIR server are killed, over and over; in the end nothing is missing, and nothing there twice. */
export function describeKillingLoop(
  servers: string,
  loop: { updates: number; brokerKills: number; fhirKills: number; within: number },
  open: (files: HospitalFiles) => Promise<LoopServers>,
): void {
  const { updates, brokerKills, fhirKills } = loop
  describe(`On ${servers},`, () => {
    const { seed } = seeded({})
    const random = randomOf(seed)
    const dir = mkdtempSync(join(tmpdir(), 'wayleave-loop-'))
    let anvil: Anvil
    let files: HospitalFiles
    let on: LoopServers
    let broker: Supervised

    beforeAll(async () => {
      anvil = await startAnvil({ port: await freePort() })
      files = await openHospitalFiles(dir, {
        key: 'a',
        name: 'Hospital A',
        identifier: { system: 'http://fhir.nl/fhir/NamingSystem/ura', value: '00000001' },
        recordNumberSystem: 'urn:test:a',
        phone: '',
        address: { line: [], city: '', postalCode: '', country: 'NL' },
      })
      const provider = new JsonRpcProvider(anvil.rpc, SANDBOX_CHAIN_ID, {
        staticNetwork: true,
        cacheTimeout: -1,
        pollingInterval: 50,
      })
      const deployment = await deployContracts(new NonceManager(Wallet.createRandom(provider)), {
        seats: publicSeats(newSeats()),
        delay: 0,
        members: [
          {
            id: memberId(files.hospital.identifier),
            roles: ALL_ROLES,
            operator: new Wallet(files.keyring.operator).address,
            profile: '{}',
          },
        ],
      })
      provider.destroy()
      on = await open(files)
      const written = writeBrokerConfig(files, { rpc: anvil.rpc, chainId: SANDBOX_CHAIN_ID, ...deployment })
      const { database, fhir } = on
      writeFileSync(
        files.configFile,
        JSON.stringify({ ...written, database, fhir, timing: { ...written.timing, feedMs: 500 } }),
      )
      broker = supervise({
        command: process.execPath,
        args: [CLI, 'broker', '--config', files.configFile, '--log-level', 'warn'],
        env: withoutSettings(),
        logFile: files.logFile,
      })
      await alive()
    }, 300_000)

    afterAll(async () => {
      await broker?.stop()
      await on?.close()
      await anvil?.stop()
      rmSync(dir, { recursive: true, force: true })
    })

    const ready = async () => (await fetch(`http://127.0.0.1:${files.ports.broker}/ready`)).json()
    /** The broker has opened its database and serves. */
    const alive = () =>
      eventually(ready, 120_000).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${readFileSync(files.logFile, 'utf8').slice(-2_000)}`)
      })

    /** Says it until the FHIR server has answered; it may have taken the first one, too. */
    const write = (method: string, path: string, resource?: object) =>
      eventually(async () => {
        const answer = await fetch(`${on.fhirBase}/${path}`, {
          method,
          ...(resource
            ? { body: JSON.stringify(resource), headers: { 'content-type': 'application/fhir+json' } }
            : {}),
          signal: AbortSignal.timeout(20_000),
        })
        const text = await answer.text()
        if (answer.ok || (method === 'DELETE' && [404, 410].includes(answer.status))) return true
        throw new Error(`${answer.status} ${text.slice(0, 500)}`)
      }, 120_000)

    const touched = new Map<string, string>()

    async function update(i: number): Promise<void> {
      const known = [...touched.keys()]
      const [type = '', id = ''] = (random() < 0.55 &&
        known[Math.floor(random() * known.length)]?.split('/')) || [
        random() < 0.5 ? 'Observation' : 'Condition',
        `r${i}`,
      ]
      const of = PEOPLE[Math.floor(random() * PEOPLE.length)] ?? ''
      touched.set(`${type}/${id}`, of)
      const kind = random()
      if (kind < 0.12) return void (await write('DELETE', `${type}/${id}`))
      const resource = type === 'Observation' ? observation(id, of, i) : condition(id, of, `Text ${i}`)
      await write('PUT', `${type}/${id}`, resource)
    }

    test(
      `after ${updates} updates, ${brokerKills} kills of the broker and ${fhirKills} of the FHIR server, server, books and chain agree`,
      async () => {
        await write('PUT', 'Patient/anna', patient('anna', ANNA))
        await write('PUT', 'Patient/bram', patient('bram', BRAM))
        const places = (count: number) =>
          Array.from({ length: count }, () => Math.floor(random() * updates)).sort((x, y) => x - y)
        const deaths = { broker: places(brokerKills), fhir: places(fhirKills) }
        const killed = { broker: 0, fhir: 0 }
        for (let i = 0; i < updates; i++) {
          await update(i)
          while (deaths.broker[0] === i) {
            deaths.broker.shift()
            await alive()
            // Anywhere in its work.
            await new Promise((done) => setTimeout(done, random() * 400))
            process.kill(broker.pid(), 'SIGKILL')
            killed.broker++
          }
          while (deaths.fhir[0] === i) {
            deaths.fhir.shift()
            await on.killFhir?.()
            killed.fhir++
          }
        }
        expect(killed).toEqual({ broker: brokerKills, fhir: fhirKills })
        expect(broker.restarts()).toBeGreaterThanOrEqual(brokerKills)
        await alive()
        const { versions } = await eventually(async () => {
          const state = (await ready()) as { waiting: number; unsent: number; backlog: unknown }
          const { code, report, found } = await reconciled(files.configFile)
          if (code !== 0 || state.waiting > 0 || state.backlog !== null)
            throw new Error(`seed ${seed}: ${JSON.stringify({ state, found, examples: report.differences })}`)
          return report
        }, 60_000)
        console.info(`${versions} versions are registered, each once; seed ${seed}`)
        const now = await currentAtTheServer()
        await broker.stop()
        await holdsOnly(now, versions)
      },
      loop.within,
    )

    /** Of each record its version and patient as the FHIR server has it now; undefined for what is deleted. */
    async function currentAtTheServer(): Promise<Map<string, string | undefined>> {
      const all = new Map<string, string | undefined>()
      for (const path of touched.keys()) {
        const answer = await fetch(`${on.fhirBase}/${path}`)
        const { meta, subject } = (await answer.json()) as {
          meta?: { versionId: string }
          subject?: { reference: string }
        }
        all.set(path, answer.ok ? `${subject?.reference.split('/')[1]} ${meta?.versionId}` : undefined)
      }
      return all
    }

    /** By its newest entry each record stands as the FHIR server has it, and every version has one entry. */
    async function holdsOnly(now: ReadonlyMap<string, string | undefined>, versions: number): Promise<void> {
      const vault = createVault(Buffer.from(files.keyring.kek, 'base64url'))
      // An embedded FHIR server went with its broker, and so the folder is free.
      const database = await openDatabase(on.database)
      try {
        const db = await openBrokerTables(database.db)
        const patients = createPatientStore({
          vault,
          clock: { now: Date.now, monotonic: () => performance.now() },
        })
        const rows = await db.selectFrom('records').selectAll().orderBy('seq').execute()
        const lookups = rows.flatMap(({ version_lookup }) => version_lookup ?? [])
        expect(lookups).toHaveLength(versions)
        expect(
          rows.filter(({ kind, version_lookup }) => kind === 'snapshot' && version_lookup === null),
        ).toEqual([])
        // The newest entry of each patient says whether the record is there; it is with one of them at the most.
        const newest = new Map<string, string | undefined>()
        for (const row of rows) {
          const owner = await patients.byId(db, row.patient_id)
          if (!owner || row.kind === 'closing') continue
          const record = openJson<Record<'resourceType' | 'id' | 'versionId', string>>(owner.key, row.sealed)
          const { fhirId } = owner.secrets
          const stands = row.kind === 'snapshot' ? `${fhirId} ${record.versionId}` : undefined
          newest.set(`${record.resourceType}/${record.id} ${fhirId}`, stands)
        }
        for (const [path, current] of now) {
          const stands = PEOPLE.flatMap((person) => newest.get(`${path} ${person}`) ?? [])
          expect(`${path} ${stands.join()}`).toBe(`${path} ${current ?? ''}`)
        }
      } finally {
        await database.close()
      }
    }
  })
}

/** Mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

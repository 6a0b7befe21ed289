import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JsonRpcProvider, NonceManager, Wallet } from 'ethers'
import type { BrokerConfig } from '../../src/broker/index.ts'
import type { Contracts } from '../../src/chain/contracts.ts'
import { deployContracts } from '../../src/chain/deploy.ts'
import { memberId } from '../../src/domain/identity/member-id.ts'
import { SANDBOX_CHAIN_ID, startAnvil } from '../../src/sandbox/anvil.ts'
import { ALL_ROLES, newSeats, publicSeats } from '../../src/sandbox/council.ts'
import { createFhirServer } from '../../src/sandbox/fhir-server/fhir-server.ts'
import { type HospitalFiles, openHospitalFiles, writeBrokerConfig } from '../../src/sandbox/hospital-files.ts'
import { freePort } from '../../src/sandbox/ports.ts'
import { type Supervised, supervise } from '../../src/sandbox/supervisor.ts'
import { withoutSettings } from '../../src/sandbox/without-settings.ts'
import { openDatabase } from '../../src/store/database.ts'
import { publicJwks } from '../../src/store/keyring.ts'
import type { TestDatabase } from './databases.ts'
import { eventually } from './world.ts'

const CLI = join(import.meta.dirname, '../../src/cli/main.ts')
const HOSPITALS = ['a', 'b'].map((key, i) => ({
  key,
  name: `Hospital ${key.toUpperCase()}`,
  identifier: { system: 'http://fhir.nl/fhir/NamingSystem/ura', value: `0000000${i + 1}` },
  recordNumberSystem: `urn:test:${key}`,
  phone: '',
  address: { line: [], city: '', postalCode: '', country: 'NL' },
}))

export type Replica = {
  base: string
  configFile: string
  process: Supervised
  ready(): Promise<{ registered: number; waiting: number; unsent: number; backlog: unknown }>
  /** The process dies, and is started again by its supervisor. */
  kill(): Promise<void>
}

/**
 * One member's brokers, each a process of its own, on one database, before a FHIR server that outlives them; what anybody
 * else sees of them is `base`, which hands each request to the next that answers. Another member has keys on the chain.
 */
export async function openReplicas(count: number, kept: TestDatabase) {
  const dir = mkdtempSync(join(tmpdir(), 'wayleave-replicas-'))
  const anvil = await startAnvil({ port: await freePort() })
  const provider = new JsonRpcProvider(anvil.rpc, SANDBOX_CHAIN_ID, {
    ...{ staticNetwork: true, cacheTimeout: -1, pollingInterval: 50 },
  })
  const [files, other] = [
    await openHospitalFiles(dir, HOSPITALS[0] as never),
    await openHospitalFiles(dir, HOSPITALS[1] as never),
  ]
  const deployment = await deployContracts(new NonceManager(Wallet.createRandom(provider)), {
    seats: publicSeats(newSeats()),
    delay: 0,
    members: [files, other].map(({ hospital, keyring }) => ({
      id: memberId(hospital.identifier),
      roles: ALL_ROLES,
      operator: new Wallet(keyring.operator).address,
      profile: JSON.stringify({
        ...{ name: hospital.name, identifier: hospital.identifier },
        ...{ endpoint: 'http://127.0.0.1:1', jwks: publicJwks(keyring) },
      }),
    })),
  })
  const store = await openDatabase({ kind: 'pglite' })
  const fhir = await createFhirServer({
    db: store.db,
    contentDir: join(dir, 'contents'),
    now: () => new Date(),
  })
  await fhir.app.listen({ host: '127.0.0.1', port: files.ports.fhir })
  const fhirBase = `http://127.0.0.1:${files.ports.fhir}/fhir`

  const replicas: Replica[] = []
  const balancer = await openBalancer(() => replicas.map(({ base }) => base))
  for (let i = 0; i < count; i++) replicas.push(await startReplica(i))

  async function startReplica(i: number): Promise<Replica> {
    const port = i === 0 ? files.ports.broker : await freePort()
    const written = writeBrokerConfig(files, { rpc: anvil.rpc, chainId: SANDBOX_CHAIN_ID, ...deployment })
    const config: BrokerConfig = {
      ...{ ...written, port, publicBase: balancer.base, database: kept.config as never },
      fhir: { kind: 'server', base: fhirBase },
      timing: { ...written.timing, feedMs: 500, windowMs: 1_000 },
    }
    const configFile = join(dir, `broker-${i}.json`)
    const logFile = join(dir, `broker-${i}.log`)
    writeFileSync(configFile, JSON.stringify(config), { mode: 0o600 })
    const process_ = supervise({
      command: process.execPath,
      args: [CLI, 'broker', '--config', configFile, '--log-level', 'warn'],
      env: withoutSettings(),
      logFile,
    })
    const base = `http://127.0.0.1:${port}`
    const replica: Replica = {
      ...{ base, configFile, process: process_ },
      ready: async () => (await fetch(`${base}/ready`)).json() as never,
      async kill() {
        process.kill(process_.pid(), 'SIGKILL')
      },
    }
    await eventually(async () => (await fetch(`${base}/health`)).ok, 120_000).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${readFileSync(logFile, 'utf8').slice(-2_000)}`)
    })
    return replica
  }

  return {
    ...{ dir, provider, files, other, replicas, fhirBase, base: balancer.base },
    member: memberId(files.hospital.identifier),
    contracts: deployment.contracts as Contracts,
    database: kept.config,
    /** One more broker on the same database. */
    async start(): Promise<Replica> {
      const replica = await startReplica(replicas.length)
      replicas.push(replica)
      return replica
    },
    log: (i: number) => readFileSync(join(dir, `broker-${i}.log`), 'utf8'),
    async put(resource: { resourceType: string; id: string }): Promise<void> {
      const answer = await fetch(`${fhirBase}/${resource.resourceType}/${resource.id}`, {
        ...{ method: 'PUT', body: JSON.stringify(resource) },
        headers: { 'content-type': 'application/fhir+json' },
      })
      if (!answer.ok) throw new Error(`PUT: ${answer.status} ${await answer.text()}`)
    },
    async close(): Promise<void> {
      for (const replica of replicas) await replica.process.stop()
      await balancer.close()
      await fhir.close()
      await store.close()
      provider.destroy()
      await anvil.stop()
      await kept.remove()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

export type Replicas = Awaited<ReturnType<typeof openReplicas>> & { files: HospitalFiles }

/** In turn, and the next one where one does not answer: what a balancer does. */
async function openBalancer(bases: () => readonly string[]) {
  let turn = 0
  const server = createServer((incoming, outgoing) => {
    const answer = async () => {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk as Buffer)
      const all = bases()
      for (let tries = 0; tries < all.length; tries++) {
        const base = all[turn++ % all.length]
        const { method = 'GET', url = '/', headers } = incoming
        const { host: _host, connection: _connection, 'transfer-encoding': _te, ...rest } = headers
        const given = await fetch(`${base}${url}`, {
          ...{ method, headers: rest as Record<string, string>, redirect: 'manual' },
          ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
        }).catch(() => undefined)
        if (!given) continue
        const {
          'content-encoding': _ce,
          'transfer-encoding': _t,
          ...told
        } = Object.fromEntries(given.headers)
        outgoing.writeHead(given.status, told)
        outgoing.end(Buffer.from(await given.arrayBuffer()))
        return
      }
      outgoing.writeHead(502).end()
    }
    answer().catch(() => outgoing.destroy())
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

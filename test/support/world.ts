import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JsonRpcProvider, NonceManager, Wallet } from 'ethers'
import type { BrokerConfig } from '../../src/broker/config.ts'
import { type Broker, type BrokerDeps, createBroker } from '../../src/broker/index.ts'
import { inSteps } from '../../src/broker/start-steps.ts'
import { deployContracts } from '../../src/chain/deploy.ts'
import type { Clock } from '../../src/domain/clock.ts'
import type { Hex } from '../../src/domain/hex.ts'
import { memberId } from '../../src/domain/identity/member-id.ts'
import type { Identifier } from '../../src/domain/identity/national-ids.ts'
import { createLog, type Logger, type LogLevel } from '../../src/observe/log.ts'
import { createPatientClient, type PatientClient } from '../../src/patient/client.ts'
import { createWords } from '../../src/patient/seed.ts'
import { type Anvil, SANDBOX_CHAIN_ID, startAnvil } from '../../src/sandbox/anvil.ts'
import { ALL_ROLES, councilOf, newSeats, publicSeats, type SeatKey } from '../../src/sandbox/council.ts'
import { createFhirServer, type FhirAccess } from '../../src/sandbox/fhir-server/fhir-server.ts'
import { createHisClient, type HisClient } from '../../src/sandbox/his-client.ts'
import {
  consoleOrigin,
  type HospitalFiles,
  openHospitalFiles,
  writeBrokerConfig,
} from '../../src/sandbox/hospital-files.ts'
import { freePort } from '../../src/sandbox/ports.ts'
import { openTlsFiles, type TlsFiles, trustAuthority } from '../../src/sandbox/tls-files.ts'
import type { Database } from '../../src/store/database.ts'
import { openHospitalDatabase } from './databases.ts'
import { createFront, type Front } from './front.ts'

/** A clock that tests move; it starts at the real time. Both hands move together. */
export type TestClock = Clock & {
  advance(ms: number): void
  /** Only the monotonic hand: time that passes without any clock being set. */
  elapse(ms: number): void
}

function createTestClock(): TestClock {
  let offset = 0
  let elapsed = 0
  return {
    now: () => Date.now() + offset,
    monotonic: () => performance.now() + offset + elapsed,
    advance: (ms) => {
      offset += ms
    },
    elapse: (ms) => {
      elapsed += ms
    },
  }
}

export type TestHospital = {
  key: string
  member: Hex
  files: HospitalFiles
  config: BrokerConfig
  clock: TestClock
  database: Database
  broker: Broker
  fhir: string
  /** Every request that has reached the hospital's FHIR server so far. */
  readonly fhirAccess: readonly FhirAccess[]
  /** What stands before the FHIR server, and before the broker as the others see it, where a test asked for it. */
  fhirFront: Front | undefined
  brokerFront: Front | undefined
  /** What stands before the node that the broker uses. */
  chainFront: Front | undefined
  his: HisClient
  auditor: HisClient
  /** Set by a test to act between intent and release. */
  afterIntent: (() => Promise<void>) | undefined
  put(resource: { resourceType: string; id: string } & Record<string, unknown>): Promise<void>
  /** Waits until everything put so far is on the chain and in the index. */
  settled(): Promise<void>
  restart(): Promise<void>
  /** Ends the broker, and nothing else; `start` opens it again. */
  stop(): Promise<void>
  start(): Promise<void>
  /** The broker's database is lost; another one, filled by `fill`, takes its place. The FHIR server keeps its own. */
  replaceDatabase(fill: (database: Database) => Promise<void>): Promise<void>
}

export type World = {
  anvil: Anvil
  provider: JsonRpcProvider
  council: ReturnType<typeof councilOf>
  seats: readonly SeatKey[]
  chain: BrokerConfig['chain']
  hospitals: TestHospital[]
  /** @param replacement number of the key of these words */
  enrol(
    hospital: TestHospital,
    nationalId: Identifier,
    words?: string,
    replacement?: number,
  ): Promise<PatientClient>
  close(): Promise<void>
}

export const BSN = 'http://fhir.nl/fhir/NamingSystem/bsn'

const HOSPITALS = ['a', 'b', 'c'].map((key, i) => ({
  key,
  name: `Hospital ${key.toUpperCase()}`,
  identifier: { system: 'http://fhir.nl/fhir/NamingSystem/ura', value: `0000000${i + 1}` },
  recordNumberSystem: `urn:test:${key}`,
  phone: '',
  address: { line: [], city: '', postalCode: '', country: 'NL' },
}))

/** A real chain, and hospitals with real databases, FHIR servers and brokers, all in this process. */
export type WorldOptions = {
  hospitals?: number
  groups?: string[]
  windowMs?: number
  /** How entries are batched: at once, and not filled up, unless given. */
  batches?: { batchMs: number; padding: BrokerConfig['batches'] }
  requestsPerMinute?: number
  requestsPerMinuteOfClient?: number
  callbackOrigins?: string[]
  /** Keys of the hospitals before whose FHIR server, broker or node a front stands. */
  fronts?: { fhir?: string[]; broker?: string[]; chain?: string[] }
  /** The log of each hospital's broker. */
  log?: (key: string) => Logger
  bounds?: BrokerDeps['bounds']
  /** The last word on each hospital's configuration. */
  configure?: (config: BrokerConfig) => BrokerConfig
  /** How long the council's acts wait, in seconds; not at all unless given. */
  councilDelay?: number
  /** More flags of anvil. */
  chainFlags?: readonly string[]
  /** Whether the brokers speak TLS, with certificates of one CA. */
  tls?: boolean
  /** A FHIR server for each hospital, by its key, with its access log so far; the embedded one unless given. */
  fhirServers?: Readonly<Record<string, { base: string; accesses: () => readonly FhirAccess[] }>>
}

/** Those whose broker was ended and not opened again. */
const stopped = new WeakSet<TestHospital>()

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const slow = (step: string, seconds: number) =>
    console.warn(`After ${seconds} s the world stands at ${step}`)
  return inSteps(slow, (at) => openWorld(options, at))
}

async function openWorld(options: WorldOptions, at: (step: string) => void): Promise<World> {
  at('the chain')
  const dir = mkdtempSync(join(tmpdir(), 'wayleave-test-'))
  const anvil = await startAnvil({ port: await freePort(), flags: options.chainFlags ?? [] })
  const provider = new JsonRpcProvider(anvil.rpc, SANDBOX_CHAIN_ID, {
    staticNetwork: true,
    cacheTimeout: -1,
    pollingInterval: 50,
  })
  const hospitals: TestHospital[] = []
  async function close(): Promise<void> {
    for (const h of hospitals) {
      if (!stopped.has(h)) await h.broker.close()
      await closers.get(h)?.()
    }
    provider.destroy()
    await anvil.stop()
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    at('the files of the hospitals')
    const corners: HospitalFiles[] = []
    for (const hospital of HOSPITALS.slice(0, options.hospitals ?? 2))
      corners.push(await openHospitalFiles(dir, hospital))
    const tls = options.tls ? await openTlsFiles(dir, corners) : []
    if (tls[0]) trustAuthority(tls[0].ca)
    const seats = newSeats()
    at('the contracts')
    const deployment = await deployContracts(new NonceManager(Wallet.createRandom(provider)), {
      seats: publicSeats(seats),
      delay: options.councilDelay ?? 0,
      members: corners.map(({ hospital, keyring }) => ({
        id: memberId(hospital.identifier),
        roles: ALL_ROLES,
        operator: new Wallet(keyring.operator).address,
        profile: '{}',
      })),
    })
    const council = councilOf({ provider, ...deployment, seats })
    const chain = { rpc: anvil.rpc, chainId: SANDBOX_CHAIN_ID, ...deployment }
    for (const [i, files] of corners.entries())
      hospitals.push(await openHospital(files, chain, tls[i], options, at))
    return {
      anvil,
      provider,
      council,
      seats,
      chain,
      hospitals,
      enrol: (hospital, nationalId, words = createWords(), replacement = 0) =>
        enrol(hospital, chain, nationalId, words, replacement),
      close,
    }
  } catch (error) {
    // A world that could not be made leaves no chain behind.
    await close()
    throw error
  }
}

const closers = new WeakMap<TestHospital, () => Promise<void>>()

async function openHospital(
  files: HospitalFiles,
  chain: BrokerConfig['chain'],
  tls: TlsFiles | undefined,
  options: WorldOptions,
  at: (step: string) => void,
): Promise<TestHospital> {
  const { key } = files.hospital
  at(`what stands before hospital ${key}`)
  const brokerFront = options.fronts?.broker?.includes(key)
    ? await createFront(`http://127.0.0.1:${files.ports.broker}`)
    : undefined
  const fhirFront = options.fronts?.fhir?.includes(key)
    ? await createFront(`http://127.0.0.1:${files.ports.fhir}`)
    : undefined
  const chainFront = options.fronts?.chain?.includes(key) ? await createFront(chain.rpc) : undefined
  const written = writeBrokerConfig(files, { ...chain, rpc: chainFront?.base ?? chain.rpc }, { tls })
  const common: BrokerConfig = {
    ...written,
    ...(brokerFront ? { publicBase: brokerFront.base } : {}),
    groups: options.groups ?? [],
    // Its pages are built for journeys in a browser only.
    console: { origin: consoleOrigin(files, tls), pages: join(import.meta.dirname, 'console-pages') },
    ...(options.callbackOrigins ? { callbackOrigins: options.callbackOrigins } : {}),
    timing: {
      batchMs: options.batches?.batchMs ?? 20,
      feedMs: 500,
      windowMs: options.windowMs ?? 1_000,
    },
    batches: options.batches?.padding ?? 'none',
    requestsPerMinute: options.requestsPerMinute ?? 100_000,
    ...(options.requestsPerMinuteOfClient
      ? { requestsPerMinuteOfClient: options.requestsPerMinuteOfClient }
      : {}),
  }
  const config = options.configure?.(common) ?? common
  const clock = createTestClock()
  const log =
    options.log?.(key) ?? createLog({ level: (process.env.TEST_LOG ?? 'silent') as LogLevel, hospital: key })
  at(`the database of hospital ${key}`)
  const database = await openHospitalDatabase()
  at(`the FHIR server of hospital ${key}`)
  const given = options.fhirServers?.[key]
  const server = given
    ? { ...given, close: async () => {} }
    : await embeddedServer(database, files, fhirFront)
  const fhir = server.base
  const member = memberId(config.identifier)
  const open = () =>
    createBroker({
      config,
      keyring: files.keyring,
      database: hospital.database,
      fhirBase: fhirFront ? `${fhirFront.base}/fhir` : fhir,
      clock,
      log,
      ...(options.bounds ? { bounds: options.bounds } : {}),
      afterIntent: async () => hospital.afterIntent?.(),
      starting: (step) => at(`the broker of hospital ${key}: ${step}`),
    })
  const client = {
    broker: config.publicBase ?? `${tls ? 'https' : 'http'}://127.0.0.1:${config.port}`,
    organization: config.identifier,
    now: () => clock.now(),
  }
  const user = { id: 'dr-1', name: 'Dr One', role: 'physician' }
  const hospital: TestHospital = {
    key: files.hospital.key,
    member,
    files,
    config,
    clock,
    database,
    broker: undefined as never,
    fhir,
    get fhirAccess() {
      return server.accesses()
    },
    fhirFront,
    brokerFront,
    chainFront,
    his: createHisClient({ ...client, client: files.his, user }),
    auditor: createHisClient({ ...client, client: files.auditor }),
    afterIntent: undefined,
    async put(resource) {
      const send = () =>
        fetch(`${fhir}/${resource.resourceType}/${resource.id}`, {
          method: 'PUT',
          headers: { 'content-type': 'application/fhir+json' },
          body: JSON.stringify(resource),
        })
      let response = await send()
      // Of several who write one resource at once HAPI refuses all but one, and they try again.
      for (let tries = 0; tries < 10 && response.status === 409; tries++) response = await send()
      if (!response.ok)
        throw new Error(`PUT ${resource.resourceType}: ${response.status} ${await response.text()}`)
    },
    async settled() {
      await eventually(async () => {
        const state = (await (await fetch(`${client.broker}/ready`)).json()) as {
          waiting: number
          unsent: number
          registered: number
        }
        const wanted = await countRecords(fhir)
        if (state.registered >= wanted && state.waiting === 0 && state.unsent === 0) return true
        throw new Error(
          `The FHIR server has ${wanted} versions, and the broker says ${JSON.stringify(state)}`,
        )
      })
    },
    async restart() {
      await hospital.stop()
      await hospital.start()
    },
    async stop() {
      await hospital.broker.close()
      stopped.add(hospital)
    },
    async start() {
      hospital.broker = await open()
      stopped.delete(hospital)
    },
    async replaceDatabase(fill) {
      await hospital.broker.close()
      hospital.database = await openHospitalDatabase()
      await fill(hospital.database)
      hospital.broker = await open()
    },
  }
  hospital.broker = await open()
  closers.set(hospital, async () => {
    await brokerFront?.close()
    await fhirFront?.close()
    await chainFront?.close()
    await server.close()
    await database.close()
    if (hospital.database !== database) await hospital.database.close()
  })
  return hospital
}

async function embeddedServer(database: Database, files: HospitalFiles, front: Front | undefined) {
  const port = files.ports.fhir
  const accesses: FhirAccess[] = []
  const server = await createFhirServer({
    db: database.db,
    contentDir: join(files.dir, 'fhir-contents'),
    now: () => new Date(),
    accessLog: (entry) => accesses.push(entry),
    ...(front ? { baseUrl: `${front.base}/fhir` } : {}),
  })
  await server.app.listen({ host: '127.0.0.1', port })
  return { base: `http://127.0.0.1:${port}/fhir`, accesses: () => accesses, close: () => server.close() }
}

/** Versions that a broker has to register: everything in the history but Patients, Binaries and the broker's own subscription. */
async function countRecords(fhir: string): Promise<number> {
  let total = 0
  let next: string | undefined = `${fhir}/_history?_count=500`
  while (next) {
    const bundle = (await (await fetch(next)).json()) as {
      entry?: { resource?: { resourceType: string }; request?: { method: string } }[]
      link?: { relation: string; url: string }[]
    }
    total += (bundle.entry ?? []).filter(
      ({ resource, request }) =>
        request?.method !== 'DELETE' &&
        !['Patient', 'Subscription', 'Binary'].includes(resource?.resourceType ?? 'Patient'),
    ).length
    next = bundle.link?.find(({ relation }) => relation === 'next')?.url
  }
  return total
}

async function enrol(
  hospital: TestHospital,
  chain: BrokerConfig['chain'],
  nationalId: Identifier,
  words: string,
  replacement: number,
): Promise<PatientClient> {
  const [first, second] = hospital.files.registrars.map((client) =>
    createHisClient({
      broker: hospital.broker.base,
      client,
      organization: hospital.config.identifier,
      now: () => hospital.clock.now(),
    }),
  )
  const started = await first?.post('/registrar/enrolments', nationalId)
  const { enrolment } = (started?.body ?? {}) as { enrolment?: string }
  if (!enrolment) throw new Error(`enrolment refused: ${started?.code}`)
  await second?.post(`/registrar/enrolments/${enrolment}/confirmation`, {})
  const codes = readFileSync(hospital.files.contactFile, 'utf8').trim().split('\n')
  const { code } = JSON.parse(codes.findLast((line) => line.includes(enrolment)) ?? '{}') as { code: string }
  const client = createPatientClient({
    broker: hospital.broker.base,
    member: hospital.member,
    words,
    replacement,
    clock: hospital.clock,
    chain: {
      chainId: chain.chainId,
      consentRegistry: chain.contracts.consentRegistry,
      patientRegistry: chain.contracts.patientRegistry,
    },
  })
  await client.enrol({ enrolment, code })
  await eventually(async () => {
    await client.signIn()
    return true
  })
  return client
}

/** Waits until something holds; what it throws counts as not yet. */
export async function eventually<T>(
  check: () => Promise<T>,
  withinMs = 40_000,
): Promise<Exclude<T, false | null | undefined>> {
  const until = performance.now() + withinMs
  let last: unknown
  while (performance.now() < until) {
    try {
      const value = await check()
      if (value) return value as Exclude<T, false | null | undefined>
      last = value
    } catch (error) {
      last = error
    }
    await new Promise((done) => setTimeout(done, 60))
  }
  throw new Error(
    `It did not come to hold within ${withinMs} ms: ${String(last instanceof Error ? (last.stack ?? last) : last)}`,
  )
}

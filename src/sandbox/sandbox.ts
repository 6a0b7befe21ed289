import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { JsonRpcProvider, NonceManager, Wallet } from 'ethers'
import { type Deployment, deployContracts } from '../chain/deploy.ts'
import type { Hex } from '../domain/hex.ts'
import { memberId } from '../domain/identity/member-id.ts'
import { spkiPin } from '../outward/spki-pin.ts'
import { createWords } from '../patient/seed.ts'
import { publicJwks } from '../store/keyring.ts'
import { type Anvil, SANDBOX_CHAIN_ID, startAnvil } from './anvil.ts'
import { ALL_ROLES, newSeats, publicSeats, SANDBOX_DELAY, SANDBOX_GROUPS, type SeatKey } from './council.ts'
import { awaitBinding, enrolSample } from './enrol-samples.ts'
import { type FhirKind, keepToFhirKind, openHapi } from './fhir-kind.ts'
import { findToolchain } from './hapi/toolchain.ts'
import { consoleOrigin, type HospitalFiles, openHospitalFiles, writeBrokerConfig } from './hospital-files.ts'
import { inviteStaff } from './invite-staff.ts'
import { countSampleRecords, loadSamples } from './load-samples.ts'
import { NotYet, patiently } from './patiently.ts'
import { networkOf, portalOrigin, servePortal } from './portal.ts'
import { freePort } from './ports.ts'
import { superviseRegistrars } from './registrars.ts'
import { sampleHospitals, samplePeople } from './samples/index.ts'
import { type SandboxFile, writeSandboxFile } from './sandbox-file.ts'
import { type Supervised, supervise } from './supervisor.ts'
import { openTlsFiles, type TlsFiles, trustAuthority } from './tls-files.ts'
import { withoutSettings } from './without-settings.ts'

export type Sandbox = {
  file: SandboxFile
  /** Milliseconds from `startedAt` until every broker answered `/ready` with every sample record registered. */
  readyMs: number
  /** Process ids beside the brokers' own: of the chain, and of HAPI FHIR. */
  pids: { chain: number; fhir?: number }
  /** Stops brokers, then the chain; what they know stays on disk. */
  stop(): Promise<void>
}

/** What the sandbox keeps of its chain: written once, when the contracts are there. */
type ChainFile = {
  deployer: string
  seats: SeatKey[]
  port: number
  deployed?: Deployment
}

/**
 * Starts, or resumes from disk, the whole network in miniature: a chain, three hospitals each with broker, FHIR server,
 * database and keys of its own in a process of its own, the sample records and patients.
 */
export async function startSandbox(args: {
  dir: string
  fresh: boolean
  fhir: FhirKind
  /** Whether brokers speak TLS, with certificates that are made here. */
  tls?: boolean
  startedAt: number
  /** This process's entry, with which brokers are started. */
  cli: string
  tell: (line: string) => void
  /** What a broker takes from one address; the default is that of a sandbox. */
  requestsPerMinute?: number
}): Promise<Sandbox> {
  const { tell } = args
  // Before anything is emptied or started.
  if (args.fhir === 'hapi') await findToolchain()
  const dir = resolve(args.dir)
  if (args.fresh) emptySandbox(dir)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  keepToFhirKind(dir, args.fhir)
  const releaseDir = claim(dir)
  const closers: (() => Promise<void>)[] = [async () => releaseDir()]
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    const hospitals = await Promise.all(sampleHospitals().map((hospital) => openHospitalFiles(dir, hospital)))
    const tls = args.tls ? await openTlsFiles(dir, hospitals) : undefined
    const ca = tls?.[0]?.ca
    if (ca) trustAuthority(ca)
    const { chain, anvil, seats } = await openChain(dir, hospitals, tls, tell)
    closers.push(() => anvil.stop())
    const pids: Sandbox['pids'] = { chain: anvil.pid }
    if (args.fhir === 'hapi') {
      const hapi = await openHapi(dir, hospitals, ca, tell)
      pids.fhir = hapi.pid
      closers.push(() => hapi.stop())
    }
    const council = { delay: SANDBOX_DELAY, seats, groups: [...SANDBOX_GROUPS] }
    const patients = openPatients(dir)
    const portal = await portalOrigin(dir)
    const file: SandboxFile = { chain, ...(ca ? { ca } : {}), council, portal, hospitals: [], patients }
    const path = join(dir, 'sandbox.json')
    const supervised = hospitals.map((files, i) =>
      startBroker({ ...args, portal }, files, chain, tls?.[i], () => rewrite()),
    )
    // All brokers close at the same time.
    closers.push(async () => {
      await Promise.all(supervised.map((broker) => broker.stop()))
    })
    const invitations: SandboxFile['hospitals'][number]['invitations'][] = []
    const rewrite = () => {
      file.hospitals = hospitals.map((files, i) => ({
        ...describe(files, tls?.[i], supervised[i]?.pid() ?? 0),
        invitations: invitations[i] ?? {},
      }))
      writeSandboxFile(path, file)
    }
    rewrite()
    await loadAll(hospitals, file, tell)
    const readyMs = Date.now() - args.startedAt
    tell(
      `All brokers are ready and every sample record is registered after ${(readyMs / 1000).toFixed(1)} s.`,
    )
    await enrolAll(hospitals, file, tell)
    for (const files of hospitals) invitations.push(await inviteStaff(files, file))
    rewrite()
    const keys = new Map(
      hospitals.map((files) => [memberId(files.hospital.identifier), publicJwks(files.keyring)]),
    )
    const served = await servePortal({
      origin: portal,
      network: networkOf(file, (id) => keys.get(id as Hex)),
      messageFiles: hospitals.map(({ contactFile }) => contactFile),
    })
    closers.push(() => served.stop())
    const registrars = superviseRegistrars(() => file.hospitals)
    closers.push(() => registrars.stop())
    return { file, readyMs, pids, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Empties only what a sandbox made: a folder of somebody else's is left alone. */
function emptySandbox(dir: string): void {
  if (!existsSync(dir)) return
  if (!existsSync(join(dir, 'chain.json')) && !existsSync(join(dir, 'owner.pid'))) {
    throw new Error(`${dir} holds no sandbox; --fresh does not empty it`)
  }
  assertFree(dir)
  rmSync(dir, { recursive: true })
}

function assertFree(dir: string): void {
  const file = join(dir, 'owner.pid')
  if (!existsSync(file)) return
  const pid = Number(readFileSync(file, 'utf8'))
  try {
    process.kill(pid, 0)
  } catch {
    return // left over from a sandbox that was killed
  }
  if (pid !== process.pid)
    throw new Error(`A sandbox runs in ${dir} already (process ${pid}). Stop it, or choose another --dir`)
}

function claim(dir: string): () => void {
  assertFree(dir)
  const file = join(dir, 'owner.pid')
  writeFileSync(file, String(process.pid))
  return () => rmSync(file, { force: true })
}

async function openChain(
  dir: string,
  hospitals: readonly HospitalFiles[],
  tls: readonly TlsFiles[] | undefined,
  tell: (line: string) => void,
): Promise<{ chain: SandboxFile['chain']; anvil: Anvil; seats: SeatKey[] }> {
  const path = join(dir, 'chain.json')
  const saved: ChainFile = existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as ChainFile)
    : { deployer: Wallet.createRandom().privateKey, seats: newSeats(), port: 0 }
  // A deployer from before the council came.
  if (!saved.seats) throw new Error(`${dir} was made by an older version. Begin anew with --fresh`)
  saved.port = await freePort(saved.port || undefined)
  const save = () => writeFileSync(path, JSON.stringify(saved), { mode: 0o600 })
  save()
  const chainDir = join(dir, 'chain')
  mkdirSync(chainDir, { recursive: true })
  const anvil = await startAnvil({ port: saved.port, dir: chainDir })
  const provider = new JsonRpcProvider(anvil.rpc, SANDBOX_CHAIN_ID, {
    staticNetwork: true,
    cacheTimeout: -1,
    pollingInterval: 50,
  })
  try {
    const signer = new NonceManager(new Wallet(saved.deployer, provider))
    const fresh = !saved.deployed
    saved.deployed ??= await deployContracts(signer, {
      seats: publicSeats(saved.seats),
      delay: SANDBOX_DELAY,
      members: hospitals.map((files, i) => ({
        id: memberId(files.hospital.identifier),
        roles: ALL_ROLES,
        operator: new Wallet(files.keyring.operator).address,
        profile: JSON.stringify(profileOf(files, tls?.[i])),
      })),
    })
    save()
    if ((await provider.getCode(saved.deployed.contracts.accessLog)) === '0x') {
      throw new Error(
        `The chain's state in ${chainDir} is lost, and what the hospitals know of it is worth nothing. Begin anew with --fresh`,
      )
    }
    const chain = {
      rpc: anvil.rpc,
      ws: anvil.rpc.replace('http', 'ws'),
      chainId: SANDBOX_CHAIN_ID,
      ...saved.deployed,
    }
    tell(
      `The chain runs at ${anvil.rpc}; ${fresh ? 'contracts deployed, three hospitals admitted, everything handed to a council' : 'resumed from disk'}.`,
    )
    return { chain, anvil, seats: saved.seats }
  } catch (error) {
    await anvil.stop()
    throw error
  } finally {
    provider.destroy()
  }
}

const brokerBase = (files: HospitalFiles, tls: TlsFiles | undefined) =>
  `${tls ? 'https' : 'http'}://127.0.0.1:${files.ports.broker}`

function profileOf(files: HospitalFiles, tls: TlsFiles | undefined) {
  const { name, identifier } = files.hospital
  const endpoint = brokerBase(files, tls)
  const pins = tls ? { tlsPins: [spkiPin(readFileSync(tls.cert, 'utf8'))] } : {}
  return { name, identifier, endpoint, jwks: publicJwks(files.keyring), ...pins }
}

function startBroker(
  {
    cli,
    fhir,
    portal,
    requestsPerMinute,
  }: { cli: string; fhir: FhirKind; portal: string; requestsPerMinute?: number },
  files: HospitalFiles,
  chain: SandboxFile['chain'],
  tls: TlsFiles | undefined,
  onStart: () => void,
): Supervised {
  writeBrokerConfig(files, chain, { fhir, tls, portal, ...(requestsPerMinute ? { requestsPerMinute } : {}) })
  let first = true
  return supervise({
    command: process.execPath,
    args: [cli, 'broker', '--config', files.configFile],
    // The CA for the embedded FHIR server in it, whose hooks go to the broker.
    env: { ...withoutSettings(), ...(tls ? { NODE_EXTRA_CA_CERTS: tls.ca } : {}) },
    logFile: files.logFile,
    onStart: () => {
      if (!first) onStart()
      first = false
    },
  })
}

function describe(
  files: HospitalFiles,
  tls: TlsFiles | undefined,
  pid: number,
): Omit<SandboxFile['hospitals'][number], 'invitations'> {
  const { hospital, ports } = files
  return {
    key: hospital.key,
    name: hospital.name,
    member: memberId(hospital.identifier),
    identifier: hospital.identifier,
    fhir: `http://127.0.0.1:${ports.fhir}/fhir`,
    broker: brokerBase(files, tls),
    console: `${consoleOrigin(files, tls)}/console/`,
    callback: `http://127.0.0.1:${ports.callback}`,
    pid,
    his: files.his,
    registrars: files.registrars,
    auditor: files.auditor,
    admin: files.admin,
    log: files.logFile,
    fhirAccessLog: files.fhirAccessLog,
  }
}

/** The sample people who live, with their words; the words are made once and kept, as on their own devices. */
function openPatients(dir: string): SandboxFile['patients'] {
  const path = join(dir, 'words.json')
  const words = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>) : {}
  const living = samplePeople().filter(({ deceased }) => !deceased)
  const patients = living.map(({ name, nationalId, at }) => {
    words[nationalId.value] ??= createWords()
    return { name, nationalId, words: words[nationalId.value] ?? '', at }
  })
  writeFileSync(path, JSON.stringify(words), { mode: 0o600 })
  return patients
}

async function loadAll(
  hospitals: readonly HospitalFiles[],
  file: SandboxFile,
  tell: (line: string) => void,
): Promise<void> {
  await Promise.all(
    hospitals.map(async ({ hospital, dir }) => {
      const described = file.hospitals.find((h) => h.key === hospital.key)
      if (!described) return
      const loaded = join(dir, 'samples-loaded')
      await patiently(async () => {
        const answer = await fetch(`${described.broker}/health`)
        if (!answer.ok) throw new NotYet('the broker starts')
      }, 120_000)
      if (!existsSync(loaded)) {
        await loadSamples(hospital.key, described.fhir, () => {})
        writeFileSync(loaded, '')
      }
      const wanted = countSampleRecords(hospital.key)
      await patiently(async () => {
        const answer = await fetch(`${described.broker}/ready`)
        const { registered, waiting } = (await answer.json()) as { registered: number; waiting: number }
        if (!answer.ok || registered < wanted || waiting > 0)
          throw new NotYet(`${hospital.key}: ${registered} of ${wanted}, ${waiting} waiting`)
      }, 120_000)
      tell(`${hospital.name}: ${wanted} sample records registered.`)
    }),
  )
}

async function enrolAll(
  hospitals: readonly HospitalFiles[],
  file: SandboxFile,
  tell: (line: string) => void,
): Promise<void> {
  let count = 0
  await Promise.all(
    hospitals.map(async ({ hospital, contactFile }) => {
      const described = file.hospitals.find((h) => h.key === hospital.key)
      const known = file.patients.filter((p) => p.at.some((place) => place.hospital === hospital.key))
      if (!described) return
      for (const person of known) await enrolSample(file, described, contactFile, person)
      for (const person of known) await awaitBinding(file, described, person)
      count += known.length
    }),
  )
  tell(`${file.patients.length} sample patients are enrolled, ${count} enrolments in all.`)
}

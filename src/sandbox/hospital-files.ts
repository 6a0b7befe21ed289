import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import type { BrokerConfig } from '../broker/index.ts'
import { loadKeyring } from '../store/key-file.ts'
import type { Keyring } from '../store/keyring.ts'
import { SANDBOX_GROUPS } from './council.ts'
import type { FhirKind } from './fhir-kind.ts'
import { freePort } from './ports.ts'
import type { SampleHospital } from './samples/index.ts'
import type { SandboxClient, SandboxFile } from './sandbox-file.ts'
import type { TlsFiles } from './tls-files.ts'

/** One hospital's corner of the sandbox: keys, programs, ports, and the paths of its files. */
export type HospitalFiles = {
  hospital: SampleHospital
  dir: string
  keyring: Keyring
  his: SandboxClient
  registrars: SandboxClient[]
  auditor: SandboxClient
  /** Registers other programs. */
  admin: SandboxClient
  /** `callback` is where the hospital's programs may listen for webhooks. */
  ports: { broker: number; fhir: number; callback: number }
  configFile: string
  logFile: string
  fhirAccessLog: string
  contactFile: string
}

const SCOPES = {
  his: [
    'system/DocumentReference.rs',
    'system/DocumentReference.c',
    'system/Binary.r',
    'system/Patient.r',
    'system/Task.c',
    'system/Task.rs',
    'system/Task.u',
    'system/Consent.rs',
    'system/Consent.c',
    'system/Consent.u',
  ],
  registrar: ['system/registrar'],
  auditor: ['system/AuditEvent.rs', 'system/legal-hold', 'system/reidentify', 'system/cases'],
  admin: ['system/client-admin'],
}

/** Opens the hospital's corner, making on the first start what is missing. */
export async function openHospitalFiles(root: string, hospital: SampleHospital): Promise<HospitalFiles> {
  const dir = join(root, hospital.key)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const keyring = await loadKeyring(join(dir, 'keys.json'))
  const clients = await openClients(join(dir, 'clients.json'), hospital.key)
  const portsFile = join(dir, 'ports.json')
  const before = existsSync(portsFile)
    ? (JSON.parse(readFileSync(portsFile, 'utf8')) as { broker: number; fhir: number; callback?: number })
    : undefined
  const broker = await freePort(before?.broker)
  let fhir = await freePort(before?.fhir)
  while (fhir === broker) fhir = await freePort()
  let callback = await freePort(before?.callback)
  while ([broker, fhir].includes(callback)) callback = await freePort()
  const ports = { broker, fhir, callback }
  writeFileSync(portsFile, JSON.stringify(ports))
  return {
    hospital,
    dir,
    keyring,
    ...clients,
    ports,
    configFile: join(dir, 'broker.json'),
    logFile: join(dir, 'broker.log'),
    fhirAccessLog: join(dir, 'fhir-access.log'),
    contactFile: join(dir, 'contact.jsonl'),
  }
}

type Clients = Pick<HospitalFiles, 'his' | 'registrars' | 'auditor' | 'admin'>

async function openClients(file: string, key: string): Promise<Clients> {
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Clients) : undefined
  // A sandbox from before this program came gets it now.
  // A sandbox from before this permission came gives it now.
  if (before) before.auditor.scopes = SCOPES.auditor
  if (before?.admin) return before
  const clients: Clients = before
    ? { ...before, admin: await newClient(`admin.${key}`, SCOPES.admin) }
    : {
        his: await newClient(`his.${key}`, SCOPES.his),
        registrars: [
          await newClient(`registrar-1.${key}`, SCOPES.registrar),
          await newClient(`registrar-2.${key}`, SCOPES.registrar),
        ],
        auditor: await newClient(`auditor.${key}`, SCOPES.auditor),
        admin: await newClient(`admin.${key}`, SCOPES.admin),
      }
  writeFileSync(file, JSON.stringify(clients), { mode: 0o600 })
  return clients
}

async function newClient(clientId: string, scopes: string[]): Promise<SandboxClient> {
  const { privateKey } = await generateKeyPair('ES384', { extractable: true })
  return {
    clientId,
    jwk: { ...(await exportJWK(privateKey)), kid: `${clientId}-1`, alg: 'ES384', use: 'sig' },
    scopes,
  }
}

function publicClient(
  { clientId, jwk, scopes }: SandboxClient,
  name: string,
): BrokerConfig['clients'][number] {
  const { d: _private, ...publicJwk }: JWK = jwk
  return { clientId, name, scopes, jwks: { keys: [publicJwk] } }
}

/** Passkeys need a name (WebAuthn Level 3 §5.1.3): the broker listens at an address, and its console is reached as `localhost`. */
export const consoleOrigin = ({ ports }: HospitalFiles, tls: TlsFiles | undefined): string =>
  `${tls ? 'https' : 'http'}://localhost:${ports.broker}`

/** Writes the broker's configuration; it names the key file and holds no private key. */
export function writeBrokerConfig(
  files: HospitalFiles,
  chain: SandboxFile['chain'],
  {
    fhir = 'embedded',
    requestsPerMinute = 6_000,
    tls,
    portal,
  }: { fhir?: FhirKind; requestsPerMinute?: number; tls?: TlsFiles | undefined; portal?: string } = {},
): BrokerConfig {
  const { hospital, dir } = files
  const config: BrokerConfig = {
    name: hospital.name,
    identifier: hospital.identifier,
    host: '127.0.0.1',
    port: files.ports.broker,
    keys: join(dir, 'keys.json'),
    database: { kind: 'pglite', dir: join(dir, 'database') },
    fhir:
      fhir === 'embedded'
        ? { kind: 'embedded', port: files.ports.fhir, accessLog: files.fhirAccessLog }
        : { kind: 'server', base: `http://127.0.0.1:${files.ports.fhir}/fhir` },
    chain,
    clients: [
      publicClient(files.his, 'Hospital information system'),
      ...files.registrars.map((client) => publicClient(client, 'Registrar')),
      publicClient(files.auditor, 'Compliance'),
      publicClient(files.admin, 'Administration of programs'),
    ],
    ...(portal ? { portalOrigins: [portal] } : {}),
    console: { origin: consoleOrigin(files, tls) },
    callbackOrigins: [`http://127.0.0.1:${files.ports.callback}`],
    groups: [...SANDBOX_GROUPS],
    contactFile: files.contactFile,
    messages: { country: hospital.address.country },
    identifierSystems: ['http://fhir.nl/fhir/NamingSystem/bsn'],
    // Everything is on this machine here, at ports that were free.
    peers: { networks: ['127.0.0.1/32'], ports: 'any', ...(tls ? { ca: tls.ca } : { plainHttp: true }) },
    ...(tls ? { tls: { cert: tls.cert, key: tls.key } } : {}),
    timing: { batchMs: 150, feedMs: 2_000, windowMs: 10_000 },
    // For trying: whoever looks on wants to see a record at once.
    batches: 'none',
    requestsPerMinute,
    // well within what the supervisor waits for
    drain: { delayMs: 0, withinMs: 2_000 },
  }
  writeFileSync(files.configFile, JSON.stringify(config, null, 2), { mode: 0o600 })
  return config
}

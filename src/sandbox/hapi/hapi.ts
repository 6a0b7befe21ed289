import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildHapi } from './build.ts'
import { findToolchain } from './toolchain.ts'

const run = promisify(execFile)

/** Where the servers keep their data. `{name}` in the URL of a PostgreSQL database stands for each server's name. */
export type HapiDatabase =
  | { kind: 'memory' }
  | { kind: 'folder'; dir: string }
  | { kind: 'postgres'; jdbcUrl: string; user: string; password: string }

export type Hapi = {
  /** Base address of each server, by its name. */
  bases: Readonly<Record<string, string>>
  pid: number
  /** Ends the process, by its handle, and waits until it is gone. May be called twice. */
  stop(): Promise<void>
}

/** A start takes 15 s on two idle cores, and several times that on busy ones. Milliseconds. */
const PATIENCE = 240_000

/** What is kept of the process's output, for the message of a start that fails. */
const REMEMBERED = 4_000

/**
 * Starts HAPI FHIR: one R4 server for each name, on these ports of 127.0.0.1, all in one JVM, which ends when this
 * process does, however it ends. Builds it first where it has not been built.
 * @throws HapiUnavailable without Java 17 or Maven; Error with the end of its output when it does not start.
 */
export async function startHapi(args: {
  servers: Readonly<Record<string, number>>
  database: HapiDatabase
  /** File of each server's access log, `{name}` standing for its name; absent: none is written. */
  accessLog?: string
  /** PEM file of the authority whose certificates its hooks believe, in place of those that Java brings; absent: Java's. */
  ca?: string
  tell?: (line: string) => void
}): Promise<Hapi> {
  const tools = await findToolchain()
  const classPath = await buildHapi(tools, args.tell ?? (() => {}))
  const names = Object.keys(args.servers)
  const scratch = mkdtempSync(join(tmpdir(), 'wayleave-hapi-'))
  const trust = args.ca ? await trustStore(tools.keytool, args.ca, scratch) : []
  const child = spawn(
    tools.java,
    // The serial collector and the first compiler only: half the CPU and memory of a start.
    [
      `-Xmx${512 + 256 * names.length}m`,
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      `-Djava.io.tmpdir=${scratch}`,
      ...trust,
      ...['-cp', classPath, 'wayleave.fhir.Main'],
    ],
    // A group of its own, so that Ctrl-C reaches it only after the brokers have closed; it ends with its input.
    { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: { ...process.env, ...environment(args) } },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-REMEMBERED)
    })
  const stop = async () => {
    await end(child)
    rmSync(scratch, { recursive: true, force: true })
  }
  const bases = Object.fromEntries(
    Object.entries(args.servers).map(([name, port]) => [name, `http://127.0.0.1:${port}/fhir`]),
  )
  try {
    await new Promise((done, failed) => child.once('spawn', () => done(undefined)).once('error', failed))
    for (const base of Object.values(bases)) await answering(`${base}/metadata`, child)
  } catch (error) {
    await stop()
    throw new Error(`HAPI FHIR did not start: ${String(error)}\n${output}`, { cause: error })
  }
  return { bases, pid: child.pid ?? 0, stop }
}

/** Java reads no PEM: the certificate is put into a store of its own. It holds nothing secret, so its password is none. */
async function trustStore(keytool: string, ca: string, dir: string): Promise<string[]> {
  const [file, password] = [join(dir, 'trust.p12'), 'changeit']
  await run(keytool, [
    ...['-importcert', '-noprompt', '-alias', 'ca', '-file', ca],
    ...['-keystore', file, '-storetype', 'PKCS12', '-storepass', password],
  ])
  return [
    `-Djavax.net.ssl.trustStore=${file}`,
    '-Djavax.net.ssl.trustStoreType=PKCS12',
    `-Djavax.net.ssl.trustStorePassword=${password}`,
  ]
}

function environment({
  servers,
  database,
  accessLog,
}: Pick<Parameters<typeof startHapi>[0], 'servers' | 'database' | 'accessLog'>): Record<string, string> {
  return {
    FHIR_SERVERS: Object.entries(servers)
      .map(([name, port]) => `${name}=${port}`)
      .join(','),
    FHIR_STOP_AT_EOF: 'true',
    ...(accessLog ? { FHIR_ACCESS_LOG: accessLog } : {}),
    ...(database.kind === 'folder' ? { FHIR_DB_URL: `jdbc:h2:file:${join(database.dir, '{name}')}` } : {}),
    ...(database.kind === 'postgres'
      ? { FHIR_DB_URL: database.jdbcUrl, FHIR_DB_USER: database.user, FHIR_DB_PASSWORD: database.password }
      : {}),
  }
}

const isGone = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

async function answering(url: string, child: ChildProcess): Promise<void> {
  const until = AbortSignal.timeout(PATIENCE)
  const gone = new AbortController()
  child.once('exit', () => gone.abort())
  while (!until.aborted) {
    if (isGone(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`)
    const status = await statusOf(url, AbortSignal.any([until, gone.signal])).catch(() => undefined)
    if (status === 200) return
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error(`${url} does not answer`)
}

/** The statement is 1.5 MB: it is read to its end, and thrown away. */
async function statusOf(url: string, signal: AbortSignal): Promise<number> {
  const answer = await fetch(url, { signal })
  await answer.arrayBuffer()
  return answer.status
}

async function end(child: ChildProcess): Promise<void> {
  if (isGone(child)) return
  const gone = new Promise((done) => child.once('exit', done))
  child.kill('SIGTERM')
  const last = setTimeout(() => child.kill('SIGKILL'), 20_000)
  await gone
  clearTimeout(last)
}

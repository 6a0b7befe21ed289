import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Programs by which the FHIR server in `fhir/server` is built and run. */
export type Toolchain = { java: string; keytool: string; maven: string }

const JAVA = 17

/** HAPI FHIR cannot be had here: `missing` says what to install, in words for the reader. */
export class HapiUnavailable extends Error {
  readonly missing: readonly string[]
  constructor(missing: readonly string[]) {
    super(`HAPI FHIR needs ${missing.join(' and ')}`)
    this.name = 'HapiUnavailable'
    this.missing = missing
  }
}

/**
 * Finds Java (with its compiler) and Maven: under `JAVA_HOME` and on the path.
 * @throws HapiUnavailable that names each one that is not there, or is too old.
 */
export async function findToolchain(env: NodeJS.ProcessEnv = process.env): Promise<Toolchain> {
  const home = env.JAVA_HOME
  const tool = (name: string) => (home ? join(home, 'bin', name) : name)
  const [java, javac, maven] = await Promise.all([
    said(tool('java'), ['-version'], env),
    said(tool('javac'), ['-version'], env),
    said('mvn', ['-version'], env),
  ])
  const version = Number(/version "(\d+)/.exec(java ?? '')?.[1] ?? 0)
  const missing: string[] = []
  if (version === 0) missing.push(`Java ${JAVA} or newer (java)`)
  else if (version < JAVA) missing.push(`Java ${JAVA} or newer (found ${version})`)
  else if (javac === undefined) missing.push(`the compiler of a Java ${JAVA} development kit (javac)`)
  if (maven === undefined) missing.push('Maven (mvn)')
  if (missing.length > 0) throw new HapiUnavailable(missing)
  return { java: tool('java'), keytool: tool('keytool'), maven: 'mvn' }
}

/** What a program says of itself, on either stream; undefined where there is none that runs. */
async function said(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await run(program, args, { env, timeout: 30_000 })
    return `${stdout}${stderr}`
  } catch {
    return undefined
  }
}

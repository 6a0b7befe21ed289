import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { MADE_ONCE, madeOnce } from '../../store/made-once.ts'
import type { Toolchain } from './toolchain.ts'

const ROOT = join(import.meta.dirname, '../../..')
const SOURCES = join(ROOT, 'fhir', 'server')

/** How many files Maven fetches between two lines of progress. */
const STRIDE = 50

/**
 * Builds the FHIR server, once for each state of its sources, into a cache that git does not see; the first time Maven
 * fetches about 220 MB. Resolves to the class path.
 * @throws Error with the end of Maven's output.
 */
export async function buildHapi({ maven }: Toolchain, tell: (line: string) => void): Promise<string> {
  const folder = join(ROOT, 'node_modules', ...MADE_ONCE, `hapi-${sourcesHash()}`)
  const made = await madeOnce(folder, async (partial) => {
    tell('Building the HAPI FHIR server with Maven; the first time it fetches 220 MB.')
    const started = performance.now()
    await runMaven(maven, partial, tell)
    tell(`The HAPI FHIR server is built, ${((performance.now() - started) / 1000).toFixed(0)} s.`)
  })
  if (!made) throw new Error(`${folder} cannot be written, and the HAPI FHIR server not be built`)
  return [join(folder, 'wayleave-fhir-server.jar'), join(folder, 'dependency', '*')].join(delimiter)
}

function sourcesHash(): string {
  const hash = createHash('sha256')
  for (const file of ['pom.xml', ...globSync('src/**/*.*', { cwd: SOURCES }).sort()])
    hash.update(`${file}\n`).update(readFileSync(join(SOURCES, file)))
  return hash.digest('hex').slice(0, 12)
}

async function runMaven(maven: string, folder: string, tell: (line: string) => void): Promise<void> {
  const goals = ['package', 'dependency:copy-dependencies']
  const args = ['-B', '-f', join(SOURCES, 'pom.xml'), `-Dbuild.folder=${folder}`, ...goals]
  const child = spawn(maven, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const last: string[] = []
  let fetched = 0
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (/^(\[INFO\] )?Downloaded from/.test(line)) {
      fetched++
      if (fetched % STRIDE === 0) tell(`Maven has fetched ${fetched} files.`)
    } else if (!/Downloading from|Progress/.test(line)) last.push(line)
    if (last.length > 40) last.shift()
  })
  const code = await new Promise<number | null>((done, failed) => {
    child.once('error', failed)
    child.once('close', done)
  })
  if (code !== 0) throw new Error(`Maven ended with ${code}:\n${last.join('\n')}`)
}

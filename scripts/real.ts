/**
 * `npm run test:real`: on HAPI FHIR and PostgreSQL what `npm test` shows on the embedded servers, and what only HAPI can
 * judge: our FHIR definitions, and everything that a broker says in FHIR. Some minutes on two cores; the first time also
 * the build, for which Maven fetches 220 MB.
 *
 *   npm run test:real                     all of it
 *   npm run test:real -- conformance      the files whose path holds this word
 *
 * Ends with 3, and says what is missing, where something that it needs is not installed.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { buildHapi } from '../src/sandbox/hapi/build.ts'
import { findToolchain, HapiUnavailable, type Toolchain } from '../src/sandbox/hapi/toolchain.ts'
import { missing } from './missing.ts'

const root = join(import.meta.dirname, '..')

async function toolsOrExit(): Promise<Toolchain> {
  const absent = missing(['vitest'])
  try {
    const tools = await findToolchain()
    if (absent.length === 0) return tools
  } catch (error) {
    if (!(error instanceof HapiUnavailable)) throw error
    absent.push(...error.missing)
  }
  process.stderr.write(`test:real: missing ${absent.join(', ')}\n`)
  process.exit(3)
}

await buildHapi(await toolsOrExit(), (line) => console.log(line))

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const config = join(root, 'test', 'real', 'vitest.config.ts')
const child = spawn(process.execPath, [vitest, 'run', '--config', config, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
child.on('close', (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1)
})

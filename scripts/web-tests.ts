/**
 * `npm run test:web`: people's journeys through portal and console, in a real Chromium, on a sandbox of its own. Some minutes on
 * two cores.
 *
 *   npm run test:web                 all of them
 *   npm run test:web -- words        the files whose path holds this word
 *
 * Ends with 3, and says what is missing, where something that it needs is not installed.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { missing } from './missing.ts'

const root = join(import.meta.dirname, '..')
const absent = missing(['vitest', 'playwright-core'])
if (absent.length > 0) {
  process.stderr.write(`test:web: missing ${absent.join(', ')}\n`)
  process.exit(3)
}
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const config = join(root, 'test', 'web', 'vitest.config.ts')
const child = spawn(process.execPath, [vitest, 'run', '--config', config, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
child.on('close', (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1)
})

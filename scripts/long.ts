/**
 * `npm run test:long`: what `npm test` does in miniature, at length. 100,000 random sequences of acts on the contracts
 * and on their model, a quarter of an hour on two idle cores; a failure names the seed that has it again.
 *
 *   SEED=… SEQUENCES=… node bin/wayleave.mjs run scripts/long.ts
 *
 * Ends with 3, and says what is missing, where something that it needs is not installed.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { missing } from './missing.ts'

const root = join(import.meta.dirname, '..')
const arch = process.arch === 'x64' ? 'amd64' : process.arch
const absent = missing([`@foundry-rs/anvil-${process.platform}-${arch}`, 'solc', 'vitest'])
if (absent.length > 0) {
  process.stderr.write(`test:long: missing ${absent.join(', ')}\n`)
  process.exit(3)
}

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const child = spawn(process.execPath, [vitest, 'run', 'test/chain/model'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, SEQUENCES: process.env.SEQUENCES ?? '100000' },
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
child.on('close', (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1)
})

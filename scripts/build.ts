/**
 * Makes what is generated: the compiled contracts and their types. Through the launcher, which keeps two starts
 * from compiling at once.
 *
 *   npm run build
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const launcher = join(import.meta.dirname, '..', 'bin', 'wayleave.mjs')
const { status } = spawnSync(process.execPath, [launcher, 'run', 'scripts/contracts.ts'], {
  stdio: 'inherit',
})
process.exitCode = status ?? 1

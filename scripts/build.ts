/**
 * Makes what is generated: the compiled contracts and their types, and the pages. Through the launcher, which keeps two
 * starts from doing so at once.
 *
 *   npm run build
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const launcher = join(import.meta.dirname, '..', 'bin', 'wayleave.mjs')
for (const script of ['scripts/contracts.ts', 'scripts/pages.ts']) {
  const { status } = spawnSync(process.execPath, [launcher, 'run', script], { stdio: 'inherit' })
  process.exitCode ||= status ?? 1
}

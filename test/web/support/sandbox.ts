import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePages } from '../../../scripts/pages.ts'
import { type Sandbox, startSandbox } from '../../../src/sandbox/sandbox.ts'

export type TestSandbox = Sandbox & { dir: string }

/** A whole sandbox of its own: chain, three hospitals, sample patients, portal. */
export async function openSandbox(): Promise<TestSandbox> {
  await ensurePages()
  const dir = mkdtempSync(join(tmpdir(), 'wayleave-web-'))
  const sandbox = await startSandbox({
    ...{ dir: join(dir, 'sandbox'), fresh: false, fhir: 'embedded', startedAt: Date.now() },
    cli: join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'main.ts'),
    tell: () => {},
  })
  return {
    ...sandbox,
    dir,
    async stop() {
      await sandbox.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

import type { TestProject } from 'vitest/node'
import { ensurePages } from '../../../scripts/pages.ts'
import { readSandboxFile, type SandboxFile } from '../../../src/sandbox/sandbox-file.ts'
import { openSandbox } from './sandbox.ts'

declare module 'vitest' {
  interface ProvidedContext {
    sandbox: SandboxFile
  }
}

/**
 * Starts the sandbox that all journeys share: `inject('sandbox')` says where everything is. `WAYLEAVE_WEB_SANDBOX` may name the
 * sandbox.json of one that runs already; it keeps running.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = process.env.WAYLEAVE_WEB_SANDBOX
  if (running) {
    await ensurePages()
    project.provide('sandbox', readSandboxFile(running))
    return async () => {}
  }
  const sandbox = await openSandbox()
  project.provide('sandbox', sandbox.file)
  return () => sandbox.stop()
}

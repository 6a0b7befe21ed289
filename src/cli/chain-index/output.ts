import { once } from 'node:events'

/** Where a command writes; `out` may take its time. */
export type Output = { out: (text: string) => unknown; err: (text: string) => unknown }

export const PROCESS: Output = {
  out: (text) => process.stdout.write(text) || once(process.stdout, 'drain'),
  err: (text) => process.stderr.write(text),
}

/** Sets the exit code; what could not be done at all is 2. */
export async function told(output: Output, work: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await work()
  } catch (error) {
    output.err(`wayleave: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 2
  }
}

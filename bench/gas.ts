/**
 * `npm run bench:gas`: what each operation costs as a whole transaction on a real anvil, beside the targets and beside
 * EAS 1.9, compiled with its own solc 0.8.29 and OpenZeppelin 5.3 at our EVM version and optimizer runs. Prints the
 * table and writes it to `docs/gas.md`. Gas does not depend on the machine: keys, time and data are fixed.
 *
 * Ends with 3, and says what is missing, when EAS's packages cannot be installed.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectSettings } from '../scripts/solidity.ts'
import { measureBatches } from './batches.ts'
import { createBenchChain } from './chain.ts'
import { measureEas, PackagesMissing } from './eas.ts'
import { gasPage, type Measured } from './page.ts'
import { benchKey, createBenchWorld, measurePasskey, measureWayleave, type Passkeys } from './wayleave.ts'

const settings = await projectSettings()

/** The precompile for P-256 came with Osaka; all else is measured under the rules that the contracts are compiled for. */
async function measureWithPrecompile(): Promise<Passkeys['precompile']> {
  const chain = await createBenchChain('osaka', benchKey)
  try {
    return await measurePasskey(await createBenchWorld(chain))
  } finally {
    await chain.close()
  }
}

async function measure(): Promise<Measured> {
  const chain = await createBenchChain(settings.evmVersion, benchKey)
  try {
    const world = await createBenchWorld(chain)
    const ours = await measureWayleave(world)
    const passkeys = { precompile: await measureWithPrecompile(), without: await measurePasskey(world) }
    const batches = await measureBatches(world)
    return { ours, passkeys, batches, eas: await measureEas(chain, settings) }
  } finally {
    await chain.close()
  }
}

try {
  const page = gasPage(await measure(), settings)
  writeFileSync(join(import.meta.dirname, '..', 'docs', 'gas.md'), page)
  process.stdout.write(page)
} catch (error) {
  if (!(error instanceof PackagesMissing)) throw error
  process.stderr.write(`bench: ${error.message}\n`)
  process.exitCode = 3
}

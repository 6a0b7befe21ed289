import { createRequire } from 'node:module'
import { getBytes, toNumber } from 'ethers'
import type { CompiledContract } from '../solidity.ts'

/** A contract as EDR wants it. */
export type Artifact = {
  id: { name: string; source: string; solcVersion: string }
  contract: { abi: string; bytecode: string; deployedBytecode: string }
}
type SuiteResult = { testResults: { name: string; status: string }[] }
type Edr = {
  L1_CHAIN_TYPE: string
  l1SolidityTestRunnerFactory(): unknown
  EdrContext: new () => {
    registerSolidityTestRunnerFactory(chain: string, factory: unknown): Promise<void>
    runSolidityTests(
      chain: string,
      artifacts: Artifact[],
      suites: Artifact['id'][],
      config: object,
      tracing: object,
      done: (suite: SuiteResult) => void,
    ): Promise<unknown>
  }
}

const EDR = '@nomicfoundation/edr'

/** Lower than `npm test`'s: a mutant that only the two-hundredth run sees has a weak test. */
const FUZZ_RUNS = 32
const INVARIANT = { runs: 6, depth: 48, failOnRevert: true, shrinkRunLimit: 0 }
/** A mutant may loop for ever; no test of ours needs a tenth of this. */
const GAS_LIMIT = 100_000_000n
/** Nor takes any suite a tenth of this. */
const TIME_LIMIT_MS = 60_000

/**
 * The EVM that Hardhat runs Solidity tests on, within this process.
 *
 * @param root where `node_modules` is
 * @param seed of the fuzzer
 */
export async function createEvm(root: string, hardfork: string, seed: number) {
  // EDR comes with Hardhat and is no dependency of ours; its version is whatever Hardhat runs our tests on.
  const require = createRequire(createRequire(`${root}/package.json`).resolve('hardhat'))
  const edr = require(EDR) as Edr
  const context = new edr.EdrContext()
  await context.registerSolidityTestRunnerFactory(edr.L1_CHAIN_TYPE, edr.l1SolidityTestRunnerFactory())

  /**
   * Runs the tests of a suite whose names match.
   * @param artifacts the suite and what it deploys, whose functions an invariant's actor is called by
   * @param codes what lies at which address before the tests begin, in hexadecimal
   * @param hits takes what the code told EDR's coverage library, as numbers
   * @returns the name of a test that failed
   */
  return async function failing(
    suite: string,
    artifacts: Artifact[],
    testPattern: string,
    codes: ReadonlyMap<string, string>,
    hits?: number[],
  ): Promise<string | undefined> {
    const config = {
      projectRoot: root,
      hardfork,
      isolate: true,
      gasLimit: GAS_LIMIT,
      disableTransactionGasCap: true,
      disableBlockGasLimit: true,
      fuzz: { runs: FUZZ_RUNS, seed: `0x${seed.toString(16)}` },
      invariant: INVARIANT,
      testPattern,
      ...(hits && {
        observability: {
          codeCoverage: {
            onCollectedCoverageCallback: async (markers: Uint8Array[]) => {
              hits.push(...markers.map((marker) => toNumber(marker)))
            },
          },
        },
      }),
      localPredeploys: [...codes].map(([at, code]) => ({ address: getBytes(at), code: getBytes(code) })),
    }
    const ids = artifacts.map(({ id }) => id).filter(({ name }) => name === suite)
    let timer: NodeJS.Timeout | undefined
    // The suite's result may come after the run's own promise is kept.
    const results = await new Promise<SuiteResult['testResults']>((done, failed) => {
      const heard = ({ testResults }: SuiteResult) => done([...testResults])
      const run = context.runSolidityTests(edr.L1_CHAIN_TYPE, artifacts, ids, config, {}, heard)
      run.catch(failed)
      timer = setTimeout(() => done([{ name: 'out of time', status: 'Failure' }]), TIME_LIMIT_MS)
    }).finally(() => clearTimeout(timer))
    if (results.length === 0) throw new Error(`${suite} ran no ${testPattern}`)
    return results.find(({ status }) => status === 'Failure')?.name.replace(/\(.*/, '')
  }
}

/** An artifact of what was compiled. */
export function artifactOf(source: string, name: string, { abi, evm }: CompiledContract): Artifact {
  return {
    id: { name, source, solcVersion: '0.8.37' },
    contract: {
      abi: JSON.stringify(abi),
      bytecode: `0x${evm.bytecode.object}`,
      deployedBytecode: `0x${evm.deployedBytecode.object}`,
    },
  }
}

/** The Solidity library whose calls EDR reports as hits. */
export function coverageLibrary(root: string): string {
  const require = createRequire(createRequire(`${root}/package.json`).resolve('hardhat'))
  const { getCoverageLibrary } = require(`${EDR}/coverage`) as {
    getCoverageLibrary: () => { content: string }
  }
  return getCoverageLibrary().content
}

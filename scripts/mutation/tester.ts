import { createRequire } from 'node:module'
import { type CodeSettings, type CompiledContract, createCompiler, SolidityError } from '../solidity.ts'
import { createFreezer } from './freeze.ts'
import { imported } from './imported.ts'

/** How a mutant ended: by which test it died, or that none noticed, or that the compiler would not have it. */
export type Verdict = { outcome: 'killed'; by: string } | { outcome: 'survived' } | { outcome: 'invalid' }

type ArtifactId = { name: string; source: string; solcVersion: string }
type Artifact = { id: ArtifactId; contract: { abi: string; bytecode: string; deployedBytecode: string } }
type SuiteResult = { testResults: { name: string; status: string }[] }
type Edr = {
  L1_CHAIN_TYPE: string
  l1SolidityTestRunnerFactory(): unknown
  EdrContext: new () => {
    registerSolidityTestRunnerFactory(chain: string, factory: unknown): Promise<void>
    runSolidityTests(
      chain: string,
      artifacts: Artifact[],
      suites: ArtifactId[],
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
/** Nor takes any a twentieth of this. */
const TIME_LIMIT_MS = 60_000

/** A test function of a suite: `contracts/a/A.t.sol`, `ATest`, `test_it`. */
type Test = { suite: ArtifactId; name: string }

/**
 * Compiles sources in memory and runs Solidity tests one by one in the EVM that Hardhat brings, without touching any
 * file. Tests that killed before are tried first.
 *
 * @param root where `node_modules` is
 * @param seed of the fuzzer
 */
export async function createTester(root: string, settings: CodeSettings, seed: number) {
  const compile = createCompiler(root)
  // EDR comes with Hardhat and is no dependency of ours; its version is whatever Hardhat runs our tests on.
  const require = createRequire(createRequire(`${root}/package.json`).resolve('hardhat'))
  const edr = require(EDR) as Edr
  const context = new edr.EdrContext()
  await context.registerSolidityTestRunnerFactory(edr.L1_CHAIN_TYPE, edr.l1SolidityTestRunnerFactory())
  // Unoptimized code compiles three times as fast and behaves the same.
  const unoptimized = { ...settings, optimizer: { ...settings.optimizer, enabled: false } }
  const freeze = createFreezer(compile, settings)
  const solcVersion = '0.8.37'
  const kills = new Map<string, number>()

  async function holds(artifacts: Artifact[], { suite, name }: Test): Promise<boolean> {
    const config = {
      projectRoot: root,
      hardfork: settings.evmVersion,
      isolate: true,
      gasLimit: GAS_LIMIT,
      disableTransactionGasCap: true,
      disableBlockGasLimit: true,
      fuzz: { runs: FUZZ_RUNS, seed: `0x${seed.toString(16)}` },
      invariant: INVARIANT,
      testPattern: `^${name}(\\(|$)`,
      localPredeploys: [],
    }
    let timer: NodeJS.Timeout | undefined
    // The suite's result may come after the run's own promise is kept.
    const results = await new Promise<SuiteResult['testResults']>((done, failed) => {
      const heard = ({ testResults }: SuiteResult) => done([...testResults])
      const run = context.runSolidityTests(edr.L1_CHAIN_TYPE, artifacts, [suite], config, {}, heard)
      run.catch(failed)
      timer = setTimeout(() => done([{ name, status: 'Failure' }]), TIME_LIMIT_MS)
    }).finally(() => clearTimeout(timer))
    if (results.length === 0) throw new Error(`${suite.name} ran no ${name}`)
    return results.every(({ status }) => status !== 'Failure')
  }

  /**
   * Runs the tests in the given files, cheap ones first, and stops at the first that fails.
   * @param sources all files of ours by path
   */
  async function run(sources: Record<string, string>, testFiles: readonly string[]): Promise<Verdict> {
    const select = { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } }
    let contracts: Record<string, Record<string, CompiledContract>>
    try {
      // What these import is among the sources, mutated or not, and must not be read from disk.
      contracts = compile(imported(freeze(sources), testFiles), unoptimized, select).contracts
    } catch (error) {
      if (error instanceof SolidityError) return { outcome: 'invalid' }
      throw error
    }
    const artifacts: Artifact[] = []
    const tests: Test[] = []
    for (const [source, named] of Object.entries(contracts)) {
      for (const [name, { abi, evm }] of Object.entries(named)) {
        const id = { name, source, solcVersion }
        const bytecode = `0x${evm.bytecode.object}`
        const deployedBytecode = `0x${evm.deployedBytecode.object}`
        artifacts.push({ id, contract: { abi: JSON.stringify(abi), bytecode, deployedBytecode } })
        if (!testFiles.includes(source) || bytecode === '0x') continue
        for (const { type, name: test = '' } of abi) {
          if (type === 'function' && /^(test|invariant)/.test(test)) tests.push({ suite: id, name: test })
        }
      }
    }
    const titleOf = ({ suite, name }: Test) => `${suite.name}.${name}`
    const price = ({ name }: Test) => (name.startsWith('test_') ? 0 : name.startsWith('testFuzz') ? 1 : 2)
    const killed = (test: Test) => kills.get(titleOf(test)) ?? 0
    tests.sort((a, b) => price(a) - price(b) || killed(b) - killed(a))
    for (const test of tests) {
      if (await holds(artifacts, test)) continue
      kills.set(titleOf(test), killed(test) + 1)
      return { outcome: 'killed', by: titleOf(test) }
    }
    return { outcome: 'survived' }
  }

  /**
   * Optimized code, without metadata, of every contract that a file's code ends up in: two sources that yield the same
   * behave the same.
   */
  function codeOf(sources: Record<string, string>, file: string): string {
    const bare = { ...settings, metadata: { appendCBOR: false, bytecodeHash: 'none' } }
    const code = Object.keys(sources).filter((path) => !path.endsWith('.t.sol'))
    const users = code.filter((path) => file in imported(sources, [path]))
    const select = Object.fromEntries(users.map((path) => [path, { '*': ['evm.deployedBytecode.object'] }]))
    const { contracts } = compile(imported(sources, users), bare, select)
    const objects = Object.values(contracts ?? {}).flatMap((named) =>
      Object.entries(named).map(([name, { evm }]) => [name, evm.deployedBytecode.object]),
    )
    return JSON.stringify(objects.sort())
  }

  return { run, codeOf }
}

export type Tester = Awaited<ReturnType<typeof createTester>>

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type AbiItem, type CodeSettings, createCompiler, SolidityError } from '../solidity.ts'
import { type Artifact, artifactOf, coverageLibrary, createEvm } from './edr.ts'
import { imported } from './imported.ts'
import { storeOf, withStandIns } from './stand-ins.ts'

/** How a mutant ended: by which test it died, or that none noticed, or that the compiler would not have it. */
export type Verdict = { outcome: 'killed'; by: string } | { outcome: 'survived' } | { outcome: 'invalid' }

/** Gas measurements assert nothing by themselves. */
const MEASURES_ONLY = 'contracts/test/Gas.t.sol'
/** To count costs gas, so this one fails while we do. */
const COUNTS_GAS = 'test_anItemIsNotSkippedForWantOfGas'
/** Cheap ones first. */
const KINDS = ['test_', 'testFuzz', 'invariant_']

const COUNTED_FILE = 'contracts/counted.sol'
const COUNTED = `
function counted(bool condition, uint256 number) pure returns (bool) {
    __NomicFoundationCoverage.sendHit(number + (condition ? 1 : 0));
    return condition;
}
`

/** The tests of one kind in a suite. */
type Part = { file: string; suite: string; kind: string }

/** Compiled tests are kept for the next run, the last that were made. */
function kept(root: string, of: object, make: () => Map<string, Artifact[]>): Map<string, Artifact[]> {
  const hash = createHash('sha256').update(JSON.stringify(of)).digest('hex')
  const file = join(root, 'cache', 'mutation', 'tests.json')
  const known = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { hash: string; suites: [string, Artifact[]][] })
    : undefined
  if (known?.hash === hash) return new Map(known.suites)
  const suites = make()
  mkdirSync(dirname(file), { recursive: true })
  // Whole or not at all, since another run may read it meanwhile.
  const written = `${file}.${process.pid}`
  writeFileSync(written, JSON.stringify({ hash, suites: [...suites] }))
  renameSync(written, file)
  return suites
}

/**
 * Runs Solidity tests against changed contracts, all in memory. Tests are compiled once, against stand-ins that find
 * the contracts' code where `storeOf` says; what a change costs is to compile the contracts that it is in. Where tests
 * share the changed file (they unpack words with the contracts' own functions), they are compiled anew as well, so that
 * a change sees both sides as it would in the tree.
 *
 * @param root where `node_modules` is
 * @param sources all files of ours by path, without any change
 * @param seed of the fuzzer
 */
export async function createTester(
  root: string,
  settings: CodeSettings,
  sources: Record<string, string>,
  seed: number,
) {
  const compile = createCompiler(root)
  const failing = await createEvm(root, settings.evmVersion, seed)
  // Unoptimized code compiles three times as fast and behaves the same.
  const unoptimized = { ...settings, optimizer: { ...settings.optimizer, enabled: false } }
  const { sources: stoodIn, deployed } = withStandIns(compile, settings, sources)
  const testFiles = Object.keys(sources).filter((path) => path.endsWith('.t.sol') && path !== MEASURES_ONLY)
  const original = creationCodes(sources, Object.keys(deployed))
  const suites = kept(root, { stoodIn, settings }, () => compileTests(stoodIn, testFiles))
  const parts = [...suites].flatMap(([file, named]) => named.flatMap((artifact) => partsOf(file, artifact)))
  const kills = new Map<string, number>()

  /** Creation code by the address at which a stand-in looks for it. */
  function creationCodes(from: Record<string, string>, files: readonly string[]): Map<string, string> {
    const codes = new Map<string, string>()
    for (const optimized of [false, true]) {
      // Without the optimizer OpenZeppelin's P-256 does not fit the stack.
      const among = files.filter((file) => ('contracts/patients/PasskeyVerifier.sol' === file) === optimized)
      if (among.length === 0) continue
      const select = Object.fromEntries(among.map((file) => [file, { '*': ['evm.bytecode.object'] }]))
      const { contracts } = compile(imported(from, among), optimized ? settings : unoptimized, select)
      for (const file of among) {
        for (const name of deployed[file] ?? []) {
          codes.set(storeOf(name), `0x${contracts[file]?.[name]?.evm.bytecode.object}`)
        }
      }
    }
    return codes
  }

  function compileTests(from: Record<string, string>, files: readonly string[]): Map<string, Artifact[]> {
    const outputs = ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object']
    const select = Object.fromEntries(files.map((file) => [file, { '*': outputs }]))
    const { contracts } = compile(imported(from, files), unoptimized, select)
    return new Map(
      files.map((file) => {
        const all = Object.entries(contracts[file] ?? {}).map(([name, made]) => artifactOf(file, name, made))
        return [file, all.filter(({ contract }) => contract.bytecode !== '0x')]
      }),
    )
  }

  function partsOf(file: string, { id, contract }: Artifact): Part[] {
    const names = (JSON.parse(contract.abi) as AbiItem[]).map(({ name = '' }) => name)
    const there = KINDS.filter((kind) => names.some((name) => name.startsWith(kind)))
    return there.map((kind) => ({ file, suite: id.name, kind }))
  }

  /** Our files that a test file itself is made of, beside the contracts that it deploys. */
  function madeOf(testFile: string): Record<string, string> {
    const others = Object.entries(sources).filter(([file]) => !deployed[file])
    return imported(Object.fromEntries(others), [testFile])
  }

  /**
   * Runs the tests against a change of one file, unit tests first, then fuzzed ones, then invariants; of each kind those
   * of the file's own folder first; and stops at the first that fails.
   */
  async function run(changed: Record<string, string>, file: string): Promise<Verdict> {
    const users = Object.keys(deployed).filter((user) => file in imported(sources, [user]))
    const killed = (part: Part) => kills.get(`${file} ${part.suite}.${part.kind}`) ?? 0
    const price = (part: Part) =>
      2 * KINDS.indexOf(part.kind) + (dirname(part.file) === dirname(file) ? 0 : 1)
    const ordered = parts.toSorted((a, b) => price(a) - price(b) || killed(b) - killed(a))
    const anew = new Map<string, Artifact[]>()
    try {
      const codes = new Map([...original, ...creationCodes(changed, users)])
      for (const part of ordered) {
        const { file: testFile, suite, kind } = part
        let artifacts = suites.get(testFile) ?? []
        if (file in madeOf(testFile)) {
          const source = { ...stoodIn, [file]: changed[file] ?? '' }
          artifacts = anew.get(testFile) ?? compileTests(source, [testFile]).get(testFile) ?? []
          anew.set(testFile, artifacts)
        }
        const test = await failing(suite, artifacts, `^${kind}`, codes)
        if (test === undefined) continue
        kills.set(`${file} ${suite}.${kind}`, killed(part) + 1)
        return { outcome: 'killed', by: `${suite}.${test}` }
      }
    } catch (error) {
      if (error instanceof SolidityError) return { outcome: 'invalid' }
      throw error
    }
    return { outcome: 'survived' }
  }

  /**
   * Optimized code, without metadata, of every contract that a file's code ends up in: two sources that yield the same
   * behave the same.
   */
  function codeOf(from: Record<string, string>, file: string): string {
    const bare = { ...settings, metadata: { appendCBOR: false, bytecodeHash: 'none' } }
    const code = Object.keys(from).filter((path) => !path.endsWith('.t.sol'))
    const users = code.filter((path) => file in imported(from, [path]))
    const select = Object.fromEntries(users.map((path) => [path, { '*': ['evm.deployedBytecode.object'] }]))
    const { contracts } = compile(imported(from, users), bare, select)
    const objects = Object.values(contracts ?? {}).flatMap((named) =>
      Object.entries(named).map(([name, { evm }]) => [name, evm.deployedBytecode.object]),
    )
    return JSON.stringify(objects.sort())
  }

  /**
   * Runs unit and fuzzed tests against contracts that hand every condition through `counted`, a function of this file, with an
   * even number of its own.
   * @returns the number of every condition that was false, and of every one that was true plus one
   */
  async function outcomes(counting: Record<string, string>): Promise<number[]> {
    const given = { ...counting, [COUNTED_FILE]: `${coverageLibrary(root)}${COUNTED}` }
    const codes = creationCodes(given, Object.keys(deployed))
    const hits: number[] = []
    for (const { file, suite, kind } of parts.filter(({ kind }) => kind !== 'invariant_')) {
      const test = await failing(suite, suites.get(file) ?? [], `^${kind}`, codes, hits)
      if (test !== undefined && test !== COUNTS_GAS) throw new Error(`${suite}.${test} fails`)
    }
    return hits
  }

  return { run, codeOf, outcomes }
}

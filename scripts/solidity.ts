/**
 * The Solidity compiler from npm, for scripts that need more of it than Hardhat's artifacts hold: syntax trees,
 * NatSpec, mutants, another version. Nothing is downloaded.
 */
import { globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** Compiler options that change bytecode; the rest of solc's `settings` comes with each call. */
export type CodeSettings = {
  evmVersion: string
  optimizer: { enabled: boolean; runs: number }
  /** For syntax trees without types, which take a third of the time. */
  stopAfter?: 'parsing'
}

/** One contract of solc's output, as far as it was asked for. */
export type CompiledContract = {
  abi: AbiItem[]
  devdoc: { methods?: Record<string, { params?: Record<string, string>; returns?: Record<string, string> }> }
  userdoc: {
    notice?: string
    methods?: Record<string, { notice?: string }>
    events?: Record<string, { notice?: string }>
    errors?: Record<string, { notice?: string }[]>
  }
  evm: {
    bytecode: { object: string; linkReferences: object }
    deployedBytecode: { object: string; linkReferences: object }
    methodIdentifiers: Record<string, string>
  }
}

export type AbiItem = {
  type: string
  name?: string
  stateMutability?: string
  inputs?: { name: string; type: string; components?: AbiItem['inputs'] }[]
  outputs?: { name: string; type: string }[]
}

export type AstNode = {
  nodeType: string
  id: number
  name?: string
  src: string
} & Record<string, unknown>

export type SolcOutput = {
  contracts: Record<string, Record<string, CompiledContract>>
  sources: Record<string, { ast: AstNode }>
}

export type SolcProblem = { severity: string; formattedMessage: string }

type Soljson = { compile(input: string, callbacks: { import(path: string): object }): string }

/** What the compiler says of a source that it does not take. */
export class SolidityError extends Error {
  readonly problems: SolcProblem[]
  constructor(problems: SolcProblem[]) {
    super(problems.map(({ formattedMessage }) => formattedMessage).join('\n'))
    this.problems = problems
  }
}

/**
 * Loads the compiler that `package.json` in `folder` depends on: about 0.7 s.
 *
 * @param folder absolute; imports of npm packages are read from its `node_modules`
 * @throws Error with code MODULE_NOT_FOUND when the packages are not installed
 */
export function createCompiler(folder: string) {
  const solc = createRequire(join(folder, 'package.json'))('solc') as Soljson
  const read = (path: string) =>
    readFileSync(join(folder, path.startsWith('@') ? 'node_modules' : '', path), 'utf8')
  /**
   * @param sources the files to compile, by the paths that imports use; anything that they import and that is not
   *   among them is read below the folder
   * @param select solc's outputSelection
   * @throws SolidityError
   */
  return function compile(
    sources: Record<string, string>,
    settings: CodeSettings,
    select: Record<string, Record<string, string[]>>,
  ): SolcOutput {
    const given = Object.entries(sources).map(([path, content]) => [path, { content }])
    const input = {
      language: 'Solidity',
      sources: Object.fromEntries(given),
      settings: { ...settings, outputSelection: select },
    }
    const found = (path: string) => {
      try {
        return { contents: read(path) }
      } catch {
        return { error: 'not found' }
      }
    }
    const output = JSON.parse(solc.compile(JSON.stringify(input), { import: found })) as SolcOutput & {
      errors?: SolcProblem[]
    }
    const problems = (output.errors ?? []).filter(({ severity }) => severity === 'error')
    if (problems.length > 0) throw new SolidityError(problems)
    return output
  }
}

/** Where a node of a syntax tree stands in its source, in bytes. */
export function spanOf(node: unknown): [start: number, end: number] {
  const [start = 0, length = 0] = (node as AstNode).src.split(':').map(Number)
  return [start, start + length]
}

/** Our own Solidity files by their paths from `root`, tests included. */
export function readContracts(root: string): Record<string, string> {
  const files = globSync('contracts/**/*.sol', { cwd: root }).sort()
  return Object.fromEntries(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]))
}

/** The options that Hardhat compiles our contracts with. */
export async function projectSettings(): Promise<CodeSettings> {
  const { default: config } = await import('../hardhat.config.ts')
  const solidity = config.solidity as { compilers: { settings: CodeSettings }[] }
  const settings = solidity.compilers[0]?.settings
  if (!settings) throw new Error('hardhat.config.ts names no compiler')
  return settings
}

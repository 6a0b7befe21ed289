import type { AbiItem, CodeSettings, createCompiler } from '../solidity.ts'
import { imported } from './imported.ts'

/** Elliptic curves over the EVM take the compiler longer than all else of ours together. */
const HEAVY = /utils\/cryptography\/(WebAuthn|P256)\.sol/

/** What we wrote and the compiler takes long for. */
const isHeavy = (source: string): boolean => HEAVY.test(source)

/**
 * Replaces each heavy contract by one of the same name and interface that deploys the very code which the compiler
 * made of it, so that tests which embed it compile fast. Only for contracts without constructor and immutables.
 */
export function createFreezer(compile: ReturnType<typeof createCompiler>, settings: CodeSettings) {
  const known = new Map<string, string>()

  function freeze(file: string, sources: Record<string, string>): string {
    const source = sources[file] ?? ''
    const before = known.get(source)
    if (before !== undefined) return before
    const select = { [file]: { '*': ['abi', 'evm.deployedBytecode.object'] } }
    const output = compile(imported(sources, [file]), settings, select)
    const header = source.slice(0, source.indexOf('import'))
    const imports = [...source.matchAll(/import \{[^}]*\} from "\.[^"]+";/g)].map(([line]) => line)
    const contracts = Object.entries(output.contracts[file] ?? {}).map(([name, { abi, evm }]) => {
      const heading = new RegExp(`contract ${name}[^{]*`).exec(source)?.[0] ?? `contract ${name} `
      const functions = abi.filter(({ type }) => type === 'function').map(declaration)
      const deploy = 'assembly ("memory-safe") { return(add(code, 32), mload(code)) }'
      const deployed = `constructor() { bytes memory code = hex"${evm.deployedBytecode.object}"; ${deploy} }`
      return `${heading}{ ${deployed} ${functions.join(' ')} }`
    })
    const frozen = `${header}${imports.join('\n')}\n${contracts.join('\n')}\n`
    known.set(source, frozen)
    return frozen
  }

  /** The sources with every heavy one frozen. */
  return (sources: Record<string, string>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(sources).map(([file, source]) => [
        file,
        isHeavy(source) ? freeze(file, sources) : source,
      ]),
    )
}

function declaration({ name, stateMutability, inputs = [], outputs = [] }: AbiItem): string {
  const located = (type: string, where: string) =>
    /^(bytes|string)$|\]$/.test(type) ? `${type} ${where}` : type
  const takes = inputs.map(({ type }) => located(type, 'calldata')).join(', ')
  const gives = outputs.map(({ type }) => located(type, 'memory')).join(', ')
  const mutability = stateMutability === 'nonpayable' ? '' : stateMutability
  return `function ${name}(${takes}) external ${mutability} ${gives && `returns (${gives})`} {}`
}

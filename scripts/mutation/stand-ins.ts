import { getAddress, id } from 'ethers'
import { type AstNode, type CodeSettings, type createCompiler, spanOf } from '../solidity.ts'

/** Where the code of a contract lies while tests run, so that a stand-in finds it. */
export const storeOf = (name: string): string => getAddress(`0x${id(`code of ${name}`).slice(26)}`)

/** Elliptic curves over the EVM take the compiler longer than all else of ours together. */
const HEAVY = /^import .*utils\/cryptography\/(WebAuthn|P256)\.sol";$/gm

const BECOME_FILE = 'contracts/become.sol'
const BECOME = `pragma solidity 0.8.37;
interface Etcher { function etch(address target, bytes calldata code) external; }
function become(address store, bytes memory arguments) {
    address creation = address(uint160(uint256(keccak256(abi.encode(store)))));
    Etcher(address(uint160(uint256(keccak256("hevm cheat code"))))).etch(creation, bytes.concat(store.code, arguments));
    (bool done, bytes memory code) = creation.delegatecall("");
    assembly ("memory-safe") {
        switch done
        case 0 { revert(add(code, 32), mload(code)) }
        default { return(add(code, 32), mload(code)) }
    }
}
`

/**
 * Every contract replaced by one of the same name, interface and constructor, whose constructor runs the creation code
 * that lies at `storeOf(name)` and becomes what that yields. Tests compiled against these are compiled once, and run
 * against any change to the contracts.
 *
 * @returns the sources, and which contracts have a stand-in, by file
 */
export function withStandIns(
  compile: ReturnType<typeof createCompiler>,
  settings: CodeSettings,
  sources: Record<string, string>,
): { sources: Record<string, string>; deployed: Record<string, string[]> } {
  const code = Object.fromEntries(Object.entries(sources).filter(([path]) => !path.endsWith('.t.sol')))
  const parsing = { ...settings, stopAfter: 'parsing' as const }
  const trees = compile(code, parsing, { '*': { '': ['ast'] } }).sources
  const all = Object.values(trees).flatMap(({ ast }) => (ast.nodes as AstNode[]).filter(isDeployed))
  const deployed: Record<string, string[]> = {}
  const replaced = Object.entries(code).map(([file, source]) => {
    const nodes = (trees[file]?.ast.nodes ?? []) as AstNode[]
    const contracts = nodes.filter(isDeployed)
    if (contracts.length === 0) return [file, edited(source, nodes.flatMap(constructorEdits))]
    deployed[file] = contracts.map(({ name = '' }) => name)
    const edits = contracts.flatMap((contract) => editsOf(contract, basesOf(contract, all)))
    const text = edited(source, edits)
    return [file, `${text.replace(HEAVY, '')}\nimport {become} from "../become.sol";\n`]
  })
  return { sources: { ...sources, ...Object.fromEntries(replaced), [BECOME_FILE]: BECOME }, deployed }
}

const isDeployed = ({ nodeType, contractKind, abstract }: AstNode): boolean =>
  nodeType === 'ContractDefinition' && contractKind === 'contract' && abstract === false

/** The names of the contracts with a stand-in that one inherits from. */
function basesOf({ baseContracts }: AstNode, all: AstNode[]): string[] {
  const names = (baseContracts as { baseName: { name: string } }[]).map(({ baseName }) => baseName.name)
  return all
    .filter(({ name = '' }) => names.includes(name))
    .flatMap((base) => [base.name ?? '', ...basesOf(base, all)])
}

type Edit = { start: number; end: number; text: string }

function edited(source: string, edits: Edit[]): string {
  const bytes = Buffer.from(source)
  let [text, at] = ['', 0]
  for (const { start, end, text: put } of edits.toSorted((a, b) => a.start - b.start)) {
    text += bytes.subarray(at, start).toString() + put
    at = end
  }
  return text + bytes.subarray(at).toString()
}

const functionsOf = ({ nodes = [] }: AstNode): AstNode[] =>
  (nodes as AstNode[]).filter(({ nodeType }) => nodeType === 'FunctionDefinition')

/** What a stand-in inherits from sets nothing up: the code that it becomes does so, and nothing is to happen twice. */
function constructorEdits(contract: AstNode): Edit[] {
  if (contract.nodeType !== 'ContractDefinition') return []
  return functionsOf(contract)
    .filter(({ kind }) => kind === 'constructor')
    .map(({ body }) => {
      const [start, end] = spanOf(body)
      return { start, end, text: '{}' }
    })
}

/** Functions that can be called lose their bodies, others go; the constructor gets its own. */
function editsOf(contract: AstNode, bases: string[]): Edit[] {
  const functions = functionsOf(contract)
  const edits = functions.map((node): Edit => {
    const [start, end] = spanOf(node)
    const [from, to] = node.body ? spanOf(node.body) : [end, end]
    if (node.kind === 'constructor') {
      const { parameters } = node.parameters as unknown as { parameters: AstNode[] }
      return { start: from, end: to, text: becomes(contract, parameters) }
    }
    const callable = node.visibility === 'external' || node.visibility === 'public'
    return callable ? { start: from, end: to, text: '{}' } : { start, end, text: '' }
  })
  const constructed = functions.some(({ kind }) => kind === 'constructor')
  const [, end] = spanOf(contract)
  const last = [
    constructed ? '' : `constructor() ${becomes(contract, [])}`,
    `function ${isIt(contract.name)} internal pure virtual returns (bool) { return true; }`,
    ...bases.map((base) => `function ${isIt(base)} internal pure override returns (bool) { return false; }`),
  ]
  return [...edits, { start: end - 1, end: end - 1, text: last.join(' ') }]
}

/** Only the contract that is deployed becomes something, not one that it inherits from. */
const isIt = (name = ''): string => `_is${name}()`

function becomes({ name = '' }: AstNode, parameters: AstNode[]): string {
  const given = parameters.map((parameter) => parameter.name).join(', ')
  return `{ if (${isIt(name)}) become(${storeOf(name)}, abi.encode(${given})); }`
}

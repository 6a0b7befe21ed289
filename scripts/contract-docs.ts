/**
 * Writes `docs/contracts.md` from the contracts themselves: what each external function says (NatSpec), who may call
 * it, what it emits and reverts with (from the syntax trees, calls followed), what it costs (the gas snapshots, by
 * what the tests measure). A test holds the committed page equal to what this makes.
 *
 *   node bin/wayleave.mjs run scripts/contract-docs.ts
 *
 * Where the sources do not tell who may call a function, its NatSpec does, under `@custom:caller`.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import {
  type ContractNode,
  createAstIndex,
  type FunctionNode,
  natspec,
  oneLine,
  paramTags,
  tag,
  typeOf,
  walk,
} from './contract-ast.ts'
import type { AstNode } from './solidity.ts'
import { createCompiler, projectSettings, readContracts } from './solidity.ts'

/** Tests that write gas snapshots tell by what they call what a snapshot is of. */
const measures = (source: string) => source.includes('snapshotGasLastCall("')

type Index = ReturnType<typeof createAstIndex>
type Costs = Map<number, string[]>

/** The whole page, from the sources and snapshots below `root`. */
export async function contractDocs(root: string): Promise<string> {
  const sources = readContracts(root)
  const wanted = Object.entries(sources).filter(
    ([path, source]) => !path.endsWith('.t.sol') || measures(source),
  )
  const compile = createCompiler(root)
  const output = compile(Object.fromEntries(wanted), await projectSettings(), { '*': { '': ['ast'] } })
  const index = createAstIndex(output.sources)
  const costs = costsOf(index, readSnapshots(root))
  const documented = index.contracts
    .filter(
      ({ path, contract }) =>
        path.startsWith('contracts/') && !path.endsWith('.t.sol') && isDeployed(contract),
    )
    .sort((a, b) => a.path.localeCompare(b.path))
  const sections = documented.map(({ path, contract }) => contractSection(index, costs, path, contract))
  return `${HEAD}\n${sections.join('\n')}`
}

const HEAD = `# Contracts

Every external function of every contract: what it does, who may call it, what it emits, what it reverts with, what it
costs. Generated from the sources by \`scripts/contract-docs.ts\`; not to be edited. Gas is that of whole transactions,
from the committed snapshots. Reads are free outside a transaction.
`

const isDeployed = ({ contractKind, abstract }: ContractNode) => contractKind === 'contract' && !abstract

function readSnapshots(root: string): Map<string, string> {
  const costs = new Map<string, string>()
  for (const file of globSync('snapshots/*.json', { cwd: root }).sort()) {
    const group = basename(file, '.json')
    const entries = JSON.parse(readFileSync(join(root, file), 'utf8')) as Record<string, string>
    for (const [label, gas] of Object.entries(entries)) costs.set(`${group}/${label}`, gas)
  }
  return costs
}

/** Which function each gas snapshot measures: the one that the statement before `snapshotGasLastCall` calls. */
function costsOf(index: Index, snapshots: Map<string, string>): Costs {
  const costs: Costs = new Map()
  const inTests = (definition: AstNode) => testNodes.has(definition)
  const testNodes = new Set<AstNode>()
  for (const { path, contract } of index.contracts) {
    if (path.endsWith('.t.sol')) walk(contract, (node) => testNodes.add(node))
  }
  for (const { path, contract } of index.contracts.filter(({ path }) => path.endsWith('.t.sol'))) {
    walk(contract, (node) => {
      if (node.nodeType !== 'Block') return
      const statements = node.statements as AstNode[]
      for (const [at, statement] of statements.entries()) {
        const call = statement.expression as (AstNode & { arguments?: AstNode[] }) | undefined
        const called = call?.expression as AstNode | undefined
        if (called?.memberName !== 'snapshotGasLastCall') continue
        const [group, label] = (call?.arguments ?? []).map((argument) => String(argument.value))
        const gas = snapshots.get(`${group}/${label}`)
        const before = statements[at - 1]
        if (gas === undefined || !before) throw new Error(`${path}: no snapshot "${label}" in ${group}`)
        const external = [...index.reach(before, inTests).functions].filter(
          (definition) => !testNodes.has(definition) && definition.visibility === 'external',
        )
        const writing = external.filter(({ stateMutability }) => !isReading(stateMutability))
        for (const { id } of writing.length > 0 ? writing : external) {
          costs.set(id, [...(costs.get(id) ?? []), `${Number(gas).toLocaleString('en-GB')} (${label})`])
        }
      }
    })
  }
  return costs
}

const isReading = (mutability: string) => mutability === 'view' || mutability === 'pure'

function contractSection(index: Index, costs: Costs, path: string, contract: ContractNode): string {
  const bases = contract.linearizedBaseContracts.map((id) => index.nodes.get(id) as ContractNode)
  const notice = bases.map((base) => tag(natspec(base), 'notice')).find((text) => text !== '') ?? ''
  const title = bases.map((base) => tag(natspec(base), 'title')).find((text) => text !== '') ?? ''
  const ours = (base: ContractNode) =>
    index.contracts.some((c) => c.contract === base && c.path.startsWith('contracts/'))
  const own = contract.nodes.filter(isExternal).sort(byReading)
  const inherited = bases
    .slice(1)
    .filter((base) => base.contractKind === 'contract' && !ours(base))
    .flatMap((base) =>
      base.nodes.filter(isExternal).map((definition) => `\`${signature(definition)}\` of \`${base.name}\``),
    )
  const events = bases
    .filter(ours)
    .flatMap((base) => base.nodes.filter(({ nodeType }) => nodeType === 'EventDefinition'))
  // What other contracts and libraries revert with, too.
  const errors = new Set(
    bases.filter(ours).flatMap((base) => base.nodes.filter(({ nodeType }) => nodeType === 'ErrorDefinition')),
  )
  for (const definition of own) for (const error of index.reach(definition).errors) errors.add(error)
  return [
    `## ${contract.name}: ${oneLine(title).replace(/^./, (first) => first.toLowerCase())}`,
    `\`${path}\``,
    paragraphs(notice),
    ...own.map((definition) => functionSection(index, costs, definition)),
    ...(inherited.length > 0 ? [`From OpenZeppelin, unchanged: ${inherited.join(', ')}.`] : []),
    ...table('Event', events),
    ...table('Error', [...errors]),
    '',
  ].join('\n\n')
}

/** The compiler drops the empty lines of NatSpec; lists and examples get theirs back. */
function paragraphs(text: string): string {
  return text
    .replace(/^(?!- | {2})(.*)\n(?=- )/gm, '$1\n\n')
    .replace(/^((?:- | {2}).*)\n(?!- | {2})/gm, '$1\n\n')
    .replace(/\n(?=Example: )/g, '\n\n')
}

function isExternal(node: AstNode): node is FunctionNode {
  const { kind, visibility } = node as FunctionNode
  return (
    node.nodeType === 'FunctionDefinition' && kind === 'function' && /^(external|public)$/.test(visibility)
  )
}

/** What writes comes first; within that, the order of the source. */
const byReading = (a: FunctionNode, b: FunctionNode) =>
  Number(isReading(a.stateMutability)) - Number(isReading(b.stateMutability))

const signature = (node: FunctionNode | AstNode) => {
  const { parameters } = (node as FunctionNode).parameters
  return `${node.name}(${parameters.map((p) => `${typeOf(p)} ${p.name}`.trim()).join(', ')})`
}

function functionSection(index: Index, costs: Costs, definition: FunctionNode): string {
  const text = textOf(index, definition)
  const reach = index.reach(definition)
  const named = (declarations: Set<AstNode>) => [...declarations].map(({ name }) => `\`${name}\``)
  const returns = definition.returnParameters.parameters.map((p) => `\`${`${typeOf(p)} ${p.name}`.trim()}\``)
  const emits = named(reach.events)
  const errors = named(reach.errors)
  const reading = isReading(definition.stateMutability)
  const cost = costs.get(definition.id) ?? [reading ? 'nothing outside a transaction' : 'no snapshot']
  const lines = [
    ...paramTags(text).map(([name, says]) => `- \`${name}\`: ${says}`),
    ...(returns.length > 0 ? [`- Returns ${returns.join(', ')}`] : []),
    `- Who may call: ${callerOf(text, reach, definition)}`,
    ...(reading ? [] : [`- Emits: ${emits.join(', ') || 'nothing'}`]),
    `- Costs: ${cost.join('; ')}`,
    ...(errors.length > 0 ? [`- Errors: ${errors.join(', ')}`] : []),
  ]
  return [`### \`${signature(definition)}\``, tag(text, 'notice'), lines.join('\n')]
    .filter(Boolean)
    .join('\n\n')
}

/** What a function's NatSpec says, looked up where it is written first. */
function textOf(index: Index, definition: FunctionNode): string {
  const own = natspec(definition)
  if (!own.includes('@inheritdoc')) return own
  const bases = (definition.baseFunctions ?? []).map((id) => index.nodes.get(id) as FunctionNode)
  return bases.map((base) => textOf(index, base)).find((text) => text !== '') ?? own
}

/** Who may call, as the checks on `msg.sender` say it. */
function callerOf(text: string, reach: ReturnType<Index['reach']>, definition: FunctionNode): string {
  const said = oneLine(tag(text, 'custom:caller'))
  if (said !== '') return said
  if (isReading(definition.stateMutability)) return 'anybody'
  const signed = definition.parameters.parameters.some(({ name }) => /signature|proof/i.test(name ?? ''))
  const who = senderRule(reach)
  if (who === undefined) return signed ? 'anybody who brings the signature' : 'anybody'
  return signed ? `${who}, bringing the signature` : who
}

/** Who is left where a refusal names the sender for not being one. */
const REFUSED_ELSE: Readonly<Record<string, string>> = {
  CouncilSeatMissing: 'a holder of a seat in the council',
}

function senderRule({
  modifiers,
  senderUses,
  readsSender,
  errors,
}: ReturnType<Index['reach']>): string | undefined {
  if (modifiers.has('restricted')) return 'the council, through `AccessManager`'
  const called = (name: string) => senderUses.find((use) => use.called === name)
  const role = called('requireRole')?.second
  if (role) return `an operator of a live member with the role ${role.replace('ROLE_', '').toLowerCase()}`
  if (called('_requireLiveOperator')) return 'an operator of a live member'
  if (called('memberOf')) return 'an operator of a live or suspended member'
  const named = [...errors].map(({ name = '' }) => REFUSED_ELSE[name]).find(Boolean)
  if (named) return named
  return readsSender ? 'whoever passes the checks on the sender; see the errors' : undefined
}

function table(kind: 'Event' | 'Error', definitions: AstNode[]): string[] {
  if (definitions.length === 0) return []
  const rows = definitions.map(
    (node) =>
      `| \`${signature(node)}\` | ${oneLine(tag(natspec(node), 'notice') || tag(natspec(node), 'dev'))} |`,
  )
  return [[`| ${kind} | |`, '| --- | --- |', ...rows].join('\n')]
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..')
  writeFileSync(join(root, 'docs', 'contracts.md'), await contractDocs(root))
}

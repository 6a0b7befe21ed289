/** What a syntax tree of the contracts tells: which functions a function reaches, what they emit, revert with and ask. */
import type { AstNode, SolcOutput } from './solidity.ts'

export type FunctionNode = AstNode & {
  name: string
  kind: string
  visibility: string
  stateMutability: string
  implemented: boolean
  baseFunctions?: number[]
  functionSelector?: string
  parameters: { parameters: AstNode[] }
  returnParameters: { parameters: AstNode[] }
}

export type ContractNode = AstNode & {
  name: string
  contractKind: 'contract' | 'interface' | 'library'
  abstract: boolean
  linearizedBaseContracts: number[]
  nodes: AstNode[]
}

const isNode = (value: unknown): value is AstNode =>
  typeof value === 'object' && value !== null && typeof (value as AstNode).nodeType === 'string'

/** Calls `visit` for a node and everything below it, outermost first. */
export function walk(root: unknown, visit: (node: AstNode) => void): void {
  if (Array.isArray(root)) for (const item of root) walk(item, visit)
  else if (isNode(root)) {
    visit(root)
    for (const value of Object.values(root)) if (typeof value === 'object') walk(value, visit)
  }
}

/** The text of a node's NatSpec, without comment marks. */
export const natspec = (node: AstNode): string => {
  const documentation = node.documentation as { text?: string } | string | undefined
  return typeof documentation === 'string' ? documentation : (documentation?.text ?? '')
}

/** One tag's text, its lines kept; empty when there is none. */
export function tag(text: string, name: string): string {
  const found = new RegExp(`(?:^|\\n)\\s*@${name} ?([\\s\\S]*?)(?=\\n\\s*@[a-z]|$)`).exec(text)?.[1] ?? ''
  return found
    .split('\n')
    .map((line) => line.replace(/^ /, ''))
    .join('\n')
    .trim()
}

/** `@param NAME text` of each parameter. */
export function paramTags(text: string): [name: string, text: string][] {
  const found = text.matchAll(/(?:^|\n)\s*@param (\w+) ([\s\S]*?)(?=\n\s*@[a-z]|$)/g)
  return [...found].map(([, name = '', says = '']) => [name, oneLine(says)])
}

export const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()

/** A declaration's type as Solidity writes it, without `struct`, `contract`, `enum` and where it lies. */
export function typeOf(declaration: AstNode): string {
  const { typeString = '' } = declaration.typeDescriptions as { typeString?: string }
  return typeString.replace(/\b(struct|contract|enum) /g, '').replace(/ (calldata|memory|storage \w+)$/, '')
}

/** `msg.sender`, where a call hands it on: the name of what is called and of its second argument. */
export type SenderUse = { called: string; second: string | undefined }

/** All that can happen in a call, as far as the sources say it. */
export type Reach = {
  functions: Set<FunctionNode>
  modifiers: Set<string>
  errors: Set<AstNode>
  events: Set<AstNode>
  senderUses: SenderUse[]
  /** `msg.sender` is read, in whatever way. */
  readsSender: boolean
}

/** Finds its way in the trees of one compilation. */
export function createAstIndex(sources: SolcOutput['sources']) {
  const nodes = new Map<number, AstNode>()
  const contracts: { path: string; contract: ContractNode }[] = []
  const implementers = new Map<number, FunctionNode[]>()
  for (const [path, { ast }] of Object.entries(sources)) {
    walk(ast, (node) => {
      nodes.set(node.id, node)
      if (node.nodeType === 'ContractDefinition') contracts.push({ path, contract: node as ContractNode })
      if (node.nodeType !== 'FunctionDefinition' || !path.startsWith('contracts/')) return
      for (const base of (node as FunctionNode).baseFunctions ?? []) {
        implementers.set(base, [...(implementers.get(base) ?? []), node as FunctionNode])
      }
    })
  }

  /** The function definitions that a reference can mean: an interface's function means those that implement it. */
  function definitions(id: unknown): AstNode[] {
    const node = typeof id === 'number' ? nodes.get(id) : undefined
    if (node?.nodeType !== 'FunctionDefinition') return node?.nodeType === 'ModifierDefinition' ? [node] : []
    return (node as FunctionNode).implemented ? [node] : (implementers.get(node.id) ?? [])
  }

  const add = (to: Set<AstNode>, reference: unknown) => {
    const declaration = nodes.get(Number(referenceOf(reference)))
    if (declaration) to.add(declaration)
  }
  const nameOf = (id: unknown) => String(nodes.get(Number(id))?.name ?? '')

  /** Follows calls from a node through every function, of ours and of libraries, that it can reach. */
  function reach(start: AstNode, follow: (definition: AstNode) => boolean = () => true): Reach {
    const found: Reach = {
      functions: new Set(),
      modifiers: new Set(),
      errors: new Set(),
      events: new Set(),
      senderUses: [],
      readsSender: false,
    }
    const seen = new Set<AstNode>()
    const enter = (from: AstNode) => {
      if (seen.has(from)) return
      seen.add(from)
      walk(from, (node) => {
        const target = node.referencedDeclaration
        if (node.nodeType === 'RevertStatement') {
          add(found.errors, (node.errorCall as AstNode).expression)
        } else if (node.nodeType === 'EmitStatement') {
          add(found.events, (node.eventCall as AstNode).expression)
        } else if (node.nodeType === 'ModifierInvocation') {
          found.modifiers.add(nameOf(referenceOf(node.modifierName)))
        } else if (isSender(node)) {
          found.readsSender = true
        } else if (node.nodeType === 'FunctionCall') {
          const [first, second] = node.arguments as AstNode[]
          if (first && isSender(first)) {
            const called = node.expression as AstNode
            found.senderUses.push({
              called: (called.memberName as string | undefined) ?? called.name ?? '',
              second: second?.name,
            })
          }
        }
        for (const definition of definitions(target)) {
          if (definition.nodeType === 'FunctionDefinition') found.functions.add(definition as FunctionNode)
          if (follow(definition)) enter(definition)
        }
      })
    }
    enter(start)
    return found
  }

  return { nodes, contracts, reach }
}

const referenceOf = (node: unknown) => (node as { referencedDeclaration?: number }).referencedDeclaration

function isSender(node: AstNode): boolean {
  const of = node.expression as AstNode | undefined
  return node.nodeType === 'MemberAccess' && node.memberName === 'sender' && of?.name === 'msg'
}

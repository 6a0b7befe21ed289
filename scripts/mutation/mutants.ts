import { createHash } from 'node:crypto'
import { walk } from '../contract-ast.ts'
import { type AstNode, type CodeSettings, createCompiler, spanOf } from '../solidity.ts'

/** One change to one file: bytes `from` to `to` become `text`. */
export type Mutant = {
  /** Stable while its surroundings are: a hash over file, change and the text around it. */
  id: string
  file: string
  line: number
  operator: string
  start: number
  end: number
  before: string
  after: string
}

type Change = { operator: string; start: number; end: number; after: string }

const COMPARISONS: Record<string, string[]> = {
  '<': ['<='],
  '<=': ['<'],
  '>': ['>='],
  '>=': ['>'],
  '==': ['!='],
  '!=': ['=='],
}
const ARITHMETIC: Record<string, string[]> = { '+': ['-'], '-': ['+'], '*': ['/'], '/': ['*'], '%': ['*'] }
const LOGIC: Record<string, string[]> = { '&&': ['||'], '||': ['&&'] }
const BITS: Record<string, string[]> = { '&': ['|'], '|': ['&'], '^': ['&'], '<<': ['>>'], '>>': ['<<'] }
const BINARY = { comparison: COMPARISONS, arithmetic: ARITHMETIC, logic: LOGIC, bits: BITS }

/** Everything that the operators of `scripts/mutation.ts` make of a node. */
function changesOf(node: AstNode, source: Buffer): Change[] {
  const text = (start: number, end: number) => source.subarray(start, end).toString()
  const [start, end] = spanOf(node)
  const change = (operator: string, after: string, from = start, to = end): Change => ({
    operator,
    start: from,
    end: to,
    after,
  })
  const expression = node.expression as AstNode | undefined
  switch (node.nodeType) {
    case 'BinaryOperation': {
      const [, left] = spanOf(node.leftExpression)
      const [right] = spanOf(node.rightExpression)
      const between = text(left, right)
      const symbol = node.operator as string
      return Object.entries(BINARY).flatMap(([operator, table]) =>
        (table[symbol] ?? []).map((other) => change(operator, between.replace(symbol, other), left, right)),
      )
    }
    case 'UnaryOperation': {
      if (node.operator === '!') return [change('negation', text(...spanOf(node.subExpression)))]
      if (node.operator === '~') return [change('bits', text(...spanOf(node.subExpression)))]
      if (node.operator === '++') return [change('arithmetic', text(start, end).replace('++', '--'))]
      return []
    }
    case 'Literal': {
      if (node.kind === 'bool') return [change('literal', node.value === 'true' ? 'false' : 'true')]
      return node.kind === 'number' ? [change('literal', `(${text(start, end)} + 1)`)] : []
    }
    case 'MemberAccess':
      return node.memberName === 'max' && text(start, end).startsWith('type(')
        ? [change('literal', `(${text(start, end)} - 1)`)]
        : []
    case 'IfStatement': {
      const condition = node.condition as AstNode
      const compared = condition.nodeType === 'BinaryOperation' && COMPARISONS[condition.operator as string]
      if (compared || (condition.nodeType === 'UnaryOperation' && condition.operator === '!')) return []
      const [from, to] = spanOf(condition)
      return [change('condition', `!(${text(from, to)})`, from, to)]
    }
    case 'Conditional': {
      const [yes, no] = [text(...spanOf(node.trueExpression)), text(...spanOf(node.falseExpression))]
      const [from] = spanOf(node.trueExpression)
      return [change('choice', `${no} : ${yes}`, from)]
    }
    case 'RevertStatement':
      return [change('revert', '{}', start, end + 1)]
    case 'EmitStatement':
      return [change('event', '{}', start, end + 1)]
    case 'Continue':
    case 'Break':
      return [change('jump', '{}', start, end + 1)]
    case 'ExpressionStatement':
      return [change('statement', '{}', start, end + 1)]
    case 'Return':
      return expression && expression.nodeType !== 'TupleExpression'
        ? [change('return', '{}', start, end + 1)]
        : []
    case 'ModifierInvocation':
      return node.kind === 'modifierInvocation' ? [change('modifier', '')] : []
    default:
      return []
  }
}

/** Every mutant of our contracts, libraries and free functions, in the order of files and places. */
export function mutantsOf(root: string, sources: Record<string, string>, settings: CodeSettings): Mutant[] {
  const code = Object.keys(sources).filter((path) => !path.endsWith('.t.sol'))
  const given = Object.fromEntries(code.map((path) => [path, sources[path] ?? '']))
  const trees = createCompiler(root)(given, settings, { '*': { '': ['ast'] } }).sources
  const mutants: Mutant[] = []
  for (const file of code.sort()) {
    const source = Buffer.from(given[file] ?? '')
    const seen = new Set<string>()
    const bodies: AstNode[] = []
    walk(trees[file]?.ast, (node) => {
      if (node.nodeType === 'FunctionDefinition' && node.implemented) bodies.push(node)
      // Bounds and the like; type hashes are strings, which no operator changes.
      if (node.nodeType === 'VariableDeclaration' && node.constant && node.value)
        bodies.push(node.value as AstNode)
    })
    for (const body of bodies) {
      walk(body, (node) => {
        for (const { operator, start, end, after } of changesOf(node, source)) {
          const before = source.subarray(start, end).toString()
          const around = source.subarray(Math.max(0, start - 60), end + 60).toString()
          const id = createHash('sha256')
            .update([file, operator, before, after, around].join('\0'))
            .digest('hex')
          if (seen.has(id)) continue
          seen.add(id)
          const line = source.subarray(0, start).toString().split('\n').length
          mutants.push({ id: id.slice(0, 12), file, line, operator, start, end, before, after })
        }
      })
    }
  }
  return mutants
}

/** The sources with one change made. */
export function mutated(
  sources: Record<string, string>,
  { file, start, end, after }: Mutant,
): Record<string, string> {
  const source = Buffer.from(sources[file] ?? '')
  const changed = Buffer.concat([source.subarray(0, start), Buffer.from(after), source.subarray(end)])
  return { ...sources, [file]: changed.toString() }
}

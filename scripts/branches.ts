/**
 * Counts the outcomes of every branch of the contracts while their tests run: each condition of `if`, `?:`, `for`
 * and `while`, and each side of `&&` and `||`, must have been true in one test and false in another. Invariants are left
 * out; what is fuzzed is drawn by a fixed seed.
 *
 *   node bin/wayleave.mjs run scripts/branches.ts
 *
 * In memory only. Ends with 1 where an outcome never came, and names it.
 */
import { join } from 'node:path'
import { walk } from './contract-ast.ts'
import { createTester } from './mutation/tester.ts'
import { type AstNode, createCompiler, projectSettings, readContracts, spanOf } from './solidity.ts'

const root = join(import.meta.dirname, '..')

/** Outcomes that cannot come here, and why. */
const EXCEPT = new Map([
  [
    'contracts/patients/HandleWord.sol is never false: earlier < suspectFrom',
    'a recovery starts after the one before it was completed',
  ],
  [
    'contracts/consent/ConsentRegistry.sol is never true: gasleft() < gasBefore / 16',
    'to count costs gas; its test runs without',
  ],
])

type Branch = { file: string; line: number; text: string }

const settings = await projectSettings()
const sources = readContracts(root)
const code = Object.fromEntries(Object.entries(sources).filter(([path]) => !path.endsWith('.t.sol')))
const parsed = createCompiler(root)(code, { ...settings, stopAfter: 'parsing' }, { '*': { '': ['ast'] } })

const branches: Branch[] = []
const instrumented = Object.fromEntries(
  Object.entries(code).map(([file, source]) => [file, instrument(file, source)]),
)
const tester = await createTester(root, settings, sources, 1)
const seen = new Set(await tester.outcomes({ ...sources, ...instrumented }))

const missing = branches.flatMap((branch, index) =>
  [false, true]
    .filter((outcome) => !seen.has(2 * index + Number(outcome)))
    .filter((outcome) => !EXCEPT.has(`${branch.file} is never ${outcome}: ${branch.text}`))
    .map((outcome) => `${branch.file}:${branch.line} is never ${outcome}: ${branch.text}`),
)
console.log(
  `${branches.length} branches; ${missing.length} outcomes never came, beside ${EXCEPT.size} that cannot`,
)
for (const line of missing) console.log(line)
process.exitCode = missing.length > 0 ? 1 : 0

/** The source with every condition handed through `counted`, by its number among all. */
function instrument(file: string, source: string): string {
  const bytes = Buffer.from(source)
  const conditions: [start: number, end: number][] = []
  walk(parsed.sources[file]?.ast, (node) => conditions.push(...conditionsOf(node).map(spanOf)))
  const puts = conditions.flatMap(([start, end]) => {
    const index = branches.length
    const line = bytes.subarray(0, start).toString().split('\n').length
    branches.push({ file, line, text: bytes.subarray(start, end).toString() })
    return [
      { at: start, order: 0, text: 'counted(' },
      { at: end, order: -start, text: `, ${2 * index})` },
    ]
  })
  // Of two that end at one place the one within ends first.
  puts.sort((a, b) => a.at - b.at || a.order - b.order)
  let [text, at] = ['', 0]
  for (const put of puts) {
    text += bytes.subarray(at, put.at).toString() + put.text
    at = put.at
  }
  return `${text}${bytes.subarray(at).toString()}\nimport {counted} from "../counted.sol";\n`
}

function conditionsOf(node: AstNode): unknown[] {
  switch (node.nodeType) {
    case 'IfStatement':
    case 'Conditional':
    case 'ForStatement':
    case 'WhileStatement':
      return node.condition ? [node.condition] : []
    case 'BinaryOperation':
      return node.operator === '&&' || node.operator === '||'
        ? [node.leftExpression, node.rightExpression]
        : []
    default:
      return []
  }
}

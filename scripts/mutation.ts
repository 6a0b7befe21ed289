/**
 * `npm run test:mutation`: changes the contracts in one place at a time and asks whether a test notices.
 *
 * Operators, each at every place where it applies, within functions and in constants:
 *   comparison   < ↔ <=, > ↔ >=, == ↔ !=
 *   arithmetic   + ↔ -, * ↔ /, % → *, ++ → --
 *   logic        && ↔ ||
 *   bits         & ↔ |, ^ → &, << ↔ >>, ~ dropped
 *   negation     ! dropped
 *   condition    a condition that compares nothing is turned over
 *   literal      a number or type(T).max changed by one, true ↔ false
 *   choice       c ? a : b → c ? b : a
 *   revert, event, jump, statement, return, modifier   left out
 *
 * A mutant runs against the tests of its own folder, unit tests first, then fuzzed ones and invariants with fewer runs
 * than `npm test` has, then against all others; it ends at its first failing test. Everything happens in memory on
 * sources read at the start: no file of the tree is changed. Each verdict is kept under `cache/mutation/`, so a run
 * that was stopped goes on where it was, unless contracts or seed have changed. Mutants come in an order drawn by
 * seed, so what has been judged so far is a fair sample. At the end `docs/security/mutation.md` is written.
 *
 *   node bin/wayleave.mjs run scripts/mutation.ts [--seed N] [--report]
 *
 * `--report` writes the report on what has been judged so far, and judges nothing. Ends with 1 below 90 % killed.
 */
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createJudge, describeMutant, type Judgement, sampleOf } from './mutation/judge.ts'
import { explanationsIn, mutationReport, seedIn } from './mutation/report.ts'
import { readContracts } from './solidity.ts'

const root = join(import.meta.dirname, '..')
const report = join(root, 'docs', 'security', 'mutation.md')
const { values } = parseArgs({
  options: { seed: { type: 'string' }, report: { type: 'boolean', default: false } },
})
const earlier = existsSync(report) ? readFileSync(report, 'utf8') : ''
const seed = Number(values.seed ?? seedIn(earlier) ?? 1)

const sourcesHash = createHash('sha256')
  .update(JSON.stringify(readContracts(root)))
  .digest('hex')
const kept = join(root, 'cache', 'mutation', `${sourcesHash.slice(0, 16)}-${seed}.jsonl`)
mkdirSync(join(kept, '..'), { recursive: true })

const judged = new Map<string, Judgement>()
for (const line of existsSync(kept) ? readFileSync(kept, 'utf8').split('\n').filter(Boolean) : []) {
  const { id, ...judgement } = JSON.parse(line) as Judgement & { id: string }
  judged.set(id, judgement)
}

const judge = await createJudge(root, seed)
const mutants = sampleOf(judge.mutants, judge.mutants.length, seed)
if (!values.report) {
  const baseline = await judge.baseline()
  if (baseline.outcome !== 'survived')
    throw new Error(`the tests fail without a change: ${JSON.stringify(baseline)}`)
  for (const [index, mutant] of mutants.entries()) {
    if (judged.has(mutant.id)) continue
    const judgement = await judge.judge(mutant)
    judged.set(mutant.id, judgement)
    appendFileSync(kept, `${JSON.stringify({ id: mutant.id, ...judgement })}\n`)
    const by = judgement.outcome === 'killed' ? ` by ${judgement.by}` : ''
    console.log(`${index + 1}/${mutants.length} ${judgement.outcome}${by}: ${describeMutant(mutant)}`)
  }
}

const date = new Date().toISOString().slice(0, 10)
const { text, killedShare } = mutationReport({
  mutants,
  judged,
  seed,
  date,
  explanations: explanationsIn(earlier),
})
mkdirSync(join(report, '..'), { recursive: true })
writeFileSync(report, text)
console.log(`${(100 * killedShare).toFixed(1)} % killed; see docs/security/mutation.md`)
process.exitCode = killedShare >= 0.9 ? 0 : 1

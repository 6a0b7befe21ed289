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
 * A mutant runs against all tests, unit tests first, then fuzzed ones and invariants with fewer runs than `npm test` has,
 * of each kind those of its own folder first; it ends at its first failing suite. Everything happens in memory on
 * sources read at the start: no file of the tree is changed. Each verdict is kept under `cache/mutation/`, so a run
 * that was stopped goes on where it was, unless contracts or seed have changed; where only tests have, the survivors
 * are judged anew. Mutants come in an order drawn by seed, so what has been judged so far is a fair sample. At the end
 * `docs/security/mutation.md` is written.
 *
 *   node bin/wayleave.mjs run scripts/mutation.ts [--seed N] [--report | --replay N | --files NAME,…]
 *
 * `--report` writes the report on what has been judged so far, and judges nothing. Ends with 1 below 90 % killed.
 * `--files` judges the mutants of the contracts with these names only, keeps the verdicts as a whole run does, and writes
 * no report.
 * `--replay` judges that many of the mutants, drawn by seed, and writes nothing; survivors that the report owns to are
 * passed over. Ends with 1 where another lives.
 */
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createJudge, describeMutant, type Judgement, sampleOf } from './mutation/judge.ts'
import type { Mutant } from './mutation/mutants.ts'
import { explanationsIn, mutationReport, seedIn } from './mutation/report.ts'
import { readContracts } from './solidity.ts'

const root = join(import.meta.dirname, '..')
const report = join(root, 'docs', 'security', 'mutation.md')
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    report: { type: 'boolean', default: false },
    replay: { type: 'string' },
    files: { type: 'string' },
  },
})
const earlier = existsSync(report) ? readFileSync(report, 'utf8') : ''
const seed = Number(values.seed ?? seedIn(earlier) ?? 1)

if (values.replay) await replay(Number(values.replay))
else await judgeAll(values.files?.split(','))

async function replay(count: number): Promise<void> {
  console.log(`seed ${seed}`)
  // What the fuzzer draws stays as it was when the report was made.
  const judge = await createJudge(root, seedIn(earlier) ?? seed)
  const known = explanationsIn(earlier)
  const drawn = sampleOf(
    judge.mutants.filter(({ id }) => !known.has(id)),
    count,
    seed,
  )
  for (const mutant of drawn) {
    const { outcome } = await judge.judge(mutant)
    if (outcome !== 'survived') continue
    console.log(`no test notices ${mutant.id}, ${describeMutant(mutant)}`)
    process.exitCode = 1
  }
  console.log(`${drawn.length} mutants judged`)
}

async function judgeAll(names?: string[]): Promise<void> {
  const files = Object.entries(readContracts(root))
  const isTest = ([path]: [string, string]) => path.endsWith('.t.sol')
  const code = hashOf(files.filter((file) => !isTest(file)))
  const tests = hashOf(files.filter(isTest))
  const kept = join(root, 'cache', 'mutation', `${code}-${seed}.jsonl`)
  mkdirSync(join(kept, '..'), { recursive: true })

  const judged = new Map<string, Judgement>()
  for (const line of existsSync(kept) ? readFileSync(kept, 'utf8').split('\n').filter(Boolean) : []) {
    const { id, tests: by, ...judgement } = JSON.parse(line) as Judgement & { id: string; tests: string }
    if (judgement.outcome !== 'survived' || by === tests) judged.set(id, judgement)
    else judged.delete(id)
  }

  const judge = await createJudge(root, seed)
  const wanted = ({ file }: Mutant) => !names || names.some((name) => file.endsWith(`/${name}.sol`))
  const mutants = sampleOf(judge.mutants, judge.mutants.length, seed).filter(wanted)
  if (!values.report) {
    const baseline = await judge.baseline()
    if (baseline.outcome !== 'survived')
      throw new Error(`the tests fail without a change: ${JSON.stringify(baseline)}`)
    for (const [index, mutant] of mutants.entries()) {
      if (judged.has(mutant.id)) continue
      const judgement = await judge.judge(mutant)
      judged.set(mutant.id, judgement)
      appendFileSync(kept, `${JSON.stringify({ id: mutant.id, tests, ...judgement })}\n`)
      const by = judgement.outcome === 'killed' ? ` by ${judgement.by}` : ''
      console.log(`${index + 1}/${mutants.length} ${judgement.outcome}${by}: ${describeMutant(mutant)}`)
    }
  }

  const date = new Date().toISOString().slice(0, 10)
  const explanations = explanationsIn(earlier)
  const { text, killedShare } = mutationReport({ mutants, judged, seed, date, explanations })
  mkdirSync(join(report, '..'), { recursive: true })
  if (names) console.log(text)
  else writeFileSync(report, text)
  console.log(`${(100 * killedShare).toFixed(1)} % killed${names ? '' : '; see docs/security/mutation.md'}`)
  process.exitCode = killedShare >= 0.9 ? 0 : 1
}

function hashOf(files: [string, string][]): string {
  return createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16)
}

/**
 * `npm test`: every check there is, each with its time and count, going on after a failure.
 * The last line is `N passed, N failed`: Solidity tests, TypeScript tests, and one for each other check.
 *
 *   npm test                      all of them
 *   npm test -- lint layers       these only, by the names below
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import {
  type Count,
  countSolidity,
  countVitest,
  type Ended,
  filesNotBegun,
  type VitestReport,
} from './test-counts.ts'

const root = join(import.meta.dirname, '..')
const tool = (name: string) => join(root, 'node_modules', '.bin', name)

/** No check takes this long on two cores; one that does hangs. */
const TIMEOUT_MS = 25 * 60_000

const running = new Set<ChildProcess>()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    const ends = [...running].map((child) => new Promise((done) => child.once('exit', done)))
    for (const child of running) child.kill(signal)
    void Promise.all(ends).then(() => process.kill(process.pid, signal))
  })
}

/** Runs a program of ours or of node_modules/.bin under this Node; shows its output at once if `live`. */
function run(script: string, args: string[], { live = false } = {}): Promise<Ended> {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    // Its output goes through a pipe, so it must be told that somebody is watching.
    env: { ...process.env, ...(live && process.stdout.isTTY && { FORCE_COLOR: '1' }) },
  })
  running.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (live) process.stdout.write(text)
    })
  }
  return new Promise((done, failed) => {
    child.on('error', failed)
    child.on('close', (code, signal) => {
      running.delete(child)
      done({ ok: code === 0, output: stripVTControlCharacters(output), ...(signal && { signal }) })
    })
  })
}

type Check = { name: string; title: string; run(): Promise<Ended & { count: Count }> }

/** A check that holds or does not: the first program that fails ends it. */
function plain(name: string, title: string, programs: [script: string, ...args: string[]][]): Check {
  return {
    name,
    title,
    async run() {
      for (const [script, ...args] of programs) {
        const ended = await run(script, args)
        if (!ended.ok) return { ...ended, count: { passed: 0, failed: 1 } }
      }
      return { ok: true, output: '', count: { passed: 1, failed: 0 } }
    },
  }
}

const solidity: Check = {
  name: 'solidity',
  title: 'Solidity tests, fuzzing and gas snapshots',
  async run() {
    const ended = await run(tool('hardhat'), ['test', 'solidity', '--snapshot-check'])
    return { ...ended, count: countSolidity(ended) }
  },
}

/** More files than these have a cause in common, and not the machine's. */
const MOST_BEGUN_AGAIN = 2

const vitest: Check = {
  name: 'typescript',
  title: 'TypeScript tests',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'wayleave-test-'))
    const report = join(folder, 'vitest.json')
    try {
      const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
      const read = () => JSON.parse(readFileSync(report, 'utf8')) as VitestReport
      const ended = await run(tool('vitest'), args, { live: true })
      const count = countVitest(ended, read)
      const again = ended.ok || ended.signal || !existsSync(report) ? [] : filesNotBegun(read())
      if (again.length === 0 || again.length > MOST_BEGUN_AGAIN) return { ...ended, count }
      // A network of chain, databases and brokers that did not come up has shown nothing. What failed in a test is
      // never tried again.
      console.log(`\n── Begun once more, since the set-up did not get ready: ${again.join(', ')}`)
      const second = await run(tool('vitest'), [...args, ...again], { live: true })
      const more = countVitest(second, read)
      const failed = count.failed - again.length + more.failed
      return { ...second, ok: failed === 0, count: { passed: count.passed + more.passed, failed } }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

const contracts = plain('contracts', 'Contracts compile', [
  [join(root, 'bin', 'wayleave.mjs'), 'run', 'scripts/contracts.ts'],
])

/** They read sources only, and each keeps one core busy: they run one after another beside the Solidity tests. */
const besideSolidity: Check[] = [
  plain('types', 'Types', [
    [tool('tsc'), '-p', 'tsconfig.json'],
    [tool('tsc'), '-p', 'src/web/portal/tsconfig.json'],
    [tool('tsc'), '-p', 'src/web/console/tsconfig.json'],
  ]),
  plain('format', 'Format and lint (Biome)', [[tool('biome'), 'check', '.']]),
  plain('lint', 'Lint with types (oxlint)', [
    [tool('oxlint'), '--type-aware', '--deny-warnings', 'src', 'scripts', 'test', 'bench'],
  ]),
  plain('layers', 'Layers', [[join(root, 'scripts', 'layers.ts')]]),
  // Once with the tests as users; once without, since a file that only tests use is dead.
  plain('deadcode', 'Dead code (knip)', [
    [tool('knip')],
    [tool('knip'), '--production', '--include', 'files'],
  ]),
  // What `--coverage` of Hardhat does not count.
  plain('branches', 'Branches, errors and events are tested', [
    [join(root, 'scripts', 'expected.ts')],
    [join(root, 'scripts', 'branches.ts')],
  ]),
  plain('mutants', 'Mutants of the contracts are noticed', [
    [join(root, 'scripts', 'mutation.ts'), '--replay', '20'],
  ]),
]

/** One step after another, lanes of a step side by side. Hardhat and vitest never are: both load and write what is compiled. */
const steps: Check[][][] = [[[contracts]], [[solidity], besideSolidity], [[vitest]]]
const checks = steps.flat(2)

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
const indent = (text: string) => text.trimEnd().replace(/^(?=.)/gm, '  ')

async function main(names: string[]): Promise<void> {
  const unknown = names.filter((name) => !checks.some((check) => check.name === name))
  if (unknown.length > 0) {
    console.error(
      `No check is called ${unknown.join(', ')}; there are ${checks.map(({ name }) => name).join(', ')}`,
    )
    process.exitCode = 2
    return
  }
  const total: Count = { passed: 0, failed: 0 }
  const summary = new Map<Check, string>()
  const perform = async (check: Check) => {
    if (check === vitest) console.log(`\n── ${check.title}`)
    const started = performance.now()
    const { ok, output, signal, count } = await check.run()
    const mark = count.failed > 0 ? '✗' : '✓'
    const line = `${count.passed} passed, ${count.failed} failed, ${seconds(performance.now() - started)}`
    console.log(`${mark} ${check.title}: ${line}`)
    if (!ok && check !== vitest) console.log(indent(output))
    if (signal) console.log(`  ended by ${signal}`)
    summary.set(check, `${mark} ${check.title.padEnd(42)} ${line}`)
    total.passed += count.passed
    total.failed += count.failed
  }
  const wanted = (check: Check) => names.length === 0 || names.includes(check.name)
  for (const lanes of steps)
    await Promise.all(
      lanes.map(async (lane) => {
        for (const check of lane.filter(wanted)) await perform(check)
      }),
    )
  const lines = checks.flatMap((check) => summary.get(check) ?? [])
  console.log(`\n${lines.join('\n')}\n\n${total.passed} passed, ${total.failed} failed`)
  process.exitCode = total.failed > 0 ? 1 : 0
}

await main(process.argv.slice(2))

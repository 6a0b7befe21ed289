/**
 * `npm run test:long`: what `npm test` does in miniature, at length; a failure names the seed that has it again.
 *
 *   contracts   100,000 random sequences of acts on the contracts and on their model, a quarter of an hour on two idle cores
 *   contents    1 GB from one hospital to another, in constant memory, a quarter of a minute
 *   windows     200,000 entries of an access log by two replicas that are killed 40 times, a quarter of an hour
 *   filtering   10,000 Bundles into which something was planted that may not come out of the filter, half a minute
 *   kills       2,000 SIGKILLs of a process that indexes into PostgreSQL, at seeded moments, half an hour on two idle cores;
 *               KILLS=500 does them in parts. And 1,000 ends at seeded points of the indexer's way
 *
 *   npm run test:long -- filtering                                          these only, by the names above
 *   SEED=… SEQUENCES=… BUNDLES=… KILLS=… CUTS=… node bin/wayleave.mjs run scripts/long.ts
 *
 * Ends with 3, and says what is missing, where something that it needs is not installed.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { missing } from './missing.ts'

const root = join(import.meta.dirname, '..')
const arch = process.arch === 'x64' ? 'amd64' : process.arch
const absent = missing([`@foundry-rs/anvil-${process.platform}-${arch}`, 'solc', 'vitest'])
if (absent.length > 0) {
  process.stderr.write(`test:long: missing ${absent.join(', ')}\n`)
  process.exit(3)
}

type Suite = { readonly test: string; readonly env: Readonly<Record<string, string>> }

const SUITES: Readonly<Record<string, Suite>> = {
  contracts: { test: 'test/chain/model', env: { SEQUENCES: '100000' } },
  contents: { test: 'test/broker/exchange/large-content.test.ts', env: { CONTENT_MB: '1024' } },
  kills: {
    test: 'test/indexer/kills.test.ts',
    env: { KILLS: '2000', CUTS: '1000', KILLS_ON: 'postgres' },
  },
  windows: {
    test: 'test/broker/audit/windows-at-scale.test.ts',
    env: { KILLS: '40', STEPS: '12', ENTRIES: '5000' },
  },
  filtering: { test: 'test/domain/consent/filtering/planted.test.ts', env: { BUNDLES: '10000' } },
}

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')

/** The exit code; what the environment says already stands. */
function run({ test, env }: Suite): Promise<number> {
  const child = spawn(process.execPath, [vitest, 'run', test], {
    cwd: root,
    stdio: 'inherit',
    env: { ...env, ...process.env },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      child.kill(signal)
      stopped = true
    })
  return new Promise((done) => {
    child.on('close', (code, signal) => {
      // Vitest then ends without a word, which must not pass for a run that came to its end.
      if (signal) process.stderr.write(`test:long: ${test} was ended by ${signal}\n`)
      done(signal ? 1 : (code ?? 1))
    })
  })
}

let stopped = false
const named = process.argv.slice(2)
const unknown = named.filter((name) => !Object.hasOwn(SUITES, name))
if (unknown.length > 0) {
  process.stderr.write(
    `test:long: no suite ${unknown.join(', ')}; there are ${Object.keys(SUITES).join(', ')}\n`,
  )
  process.exit(2)
}
for (const [name, suite] of Object.entries(SUITES)) {
  if (stopped || (named.length > 0 && !named.includes(name))) continue
  // On after a failure: each of them is worth its time.
  if ((await run(suite)) !== 0) process.exitCode = 1
}

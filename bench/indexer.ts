/**
 * `npm run bench:indexer`: builds a chain with 20,000 and one with 100,000 events, the same bytes each time, and times the
 * real indexer from an empty PostgreSQL to ready: with durable commits, and with `synchronous_commit=off`; and the node's bare
 * answers to `eth_getLogs` in the same run. Prints an md5 over the rows, by which two runs or two indexers can be compared.
 *
 *   npm run bench:indexer -- [--events 1000000]
 *
 * Without options it writes the table into docs/performance.md. Ends with 1 where an aim is missed, with 3, and says what is
 * missing, where something that it needs is not installed.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { missing } from '../scripts/missing.ts'
import { freshPostgres } from '../test/support/databases.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { buildChain } from './indexer/chain.ts'
import { type Backfill, backfill, rawBound } from './indexer/measure.ts'
import { aims, type Sizes, table } from './indexer/page.ts'

const PAGE = join(import.meta.dirname, '..', 'docs', 'performance.md')
const [BEGIN, END] = ['<!-- figures of the index -->\n', '<!-- end of figures of the index -->']
const SIZES = ['20000', '100000']

const tell = (line: string) => process.stdout.write(`${line}\n`)
const { values } = parseArgs({ options: { events: { type: 'string', multiple: true } } })
const sizes = (values.events ?? SIZES).map(Number)

type Server = Awaited<ReturnType<typeof startPostgres>>

async function measure(events: number, server: Server): Promise<Sizes> {
  tell(`Building a chain with ${events.toLocaleString('en-GB')} events …`)
  const chain = await buildChain(events, tell)
  try {
    const bound = await rawBound(chain)
    tell(`  the node answers ${Math.round(bound.events / bound.seconds)} events a second`)
    const backfills: Backfill[] = []
    for (const [database, options] of [
      ['PostgreSQL, durable', ''],
      ['PostgreSQL, `synchronous_commit=off`', '?options=-c%20synchronous_commit%3Doff'],
    ] as const) {
      tell(`${database} …`)
      const { config, remove } = await freshPostgres(server.url)
      const done = await backfill({
        ...{ chain, database, tell },
        config: { kind: 'postgres', url: `${config.url}${options}` },
        watched: { node: chain.pid, database: server.pid },
      })
      await remove()
      tell(`  ${done.events} events in ${done.seconds.toFixed(1)} s, md5 ${done.md5}`)
      backfills.push(done)
    }
    return { events, bound, backfills }
  } finally {
    await chain.close()
  }
}

async function main(server: Server): Promise<number> {
  const measured: Sizes[] = []
  for (const events of sizes) measured.push(await measure(events, server))
  const text = table(measured, server.version)
  tell(`\n${text}`)
  if (values.events === undefined) {
    const page = readFileSync(PAGE, 'utf8')
    const [before, rest] = page.split(BEGIN)
    const after = rest?.split(END)[1]
    if (before === undefined || after === undefined) throw new Error(`${PAGE} lacks its marks`)
    writeFileSync(PAGE, `${before}${BEGIN}\n${text}\n${END}${after}`)
    tell(`Written into ${PAGE}`)
  }
  const digests = measured.map(({ backfills }) => new Set(backfills.map(({ md5 }) => md5)).size)
  if (digests.some((count) => count !== 1)) throw new Error('Two backfills of one chain made different rows')
  return aims(measured).some((line) => line.endsWith('missed')) ? 1 : 0
}

const arch = process.arch === 'x64' ? 'amd64' : process.arch
const absent = missing([`@foundry-rs/anvil-${process.platform}-${arch}`, 'pg', 'pg-copy-streams'])
const server =
  absent.length === 0
    ? await startPostgres(tell, { durable: true }).catch((error: unknown) => String(error))
    : undefined
if (typeof server === 'string') absent.push(`PostgreSQL (${server})`)
if (absent.length > 0 || typeof server !== 'object') {
  process.stderr.write(`bench:indexer: missing ${absent.join(', ')}\n`)
  process.exit(3)
}
try {
  process.exitCode = await main(server)
} finally {
  await server.stop()
}

import { cpus } from 'node:os'
import type { Backfill, Bound } from './measure.ts'

/** What was measured on one chain. */
export type Sizes = { events: number; bound: Bound; backfills: readonly Backfill[] }

/** Events a second with durable commits; how much longer the last tenth may take than the first; a million events. */
const AIM_PER_SECOND = 15_000
const AIM_TENTHS = 1.2
const AIM_MILLION_SECONDS = 15 * 60
const MILLION = 1_000_000

const many = (count: number) => Math.round(count).toLocaleString('en-GB')
const met = (holds: boolean) => (holds ? 'met' : 'missed')

/** Which aims hold, in words. */
export function aims(sizes: readonly Sizes[]): string[] {
  return sizes.flatMap(({ events, backfills }) =>
    backfills.flatMap((one) => {
      const name = `${many(events)} events, ${one.database}`
      const perSecond = one.events / one.seconds
      const growth = one.lastTenth / one.firstTenth
      return [
        `${name}: ${many(perSecond)} events a second; aim at least ${many(AIM_PER_SECOND)}: ${met(perSecond >= AIM_PER_SECOND)}`,
        `${name}: the last tenth took ${growth.toFixed(2)} of the first; aim at most ${AIM_TENTHS}: ${met(growth <= AIM_TENTHS)}`,
        ...(events >= MILLION
          ? [
              `${name}: ${Math.round(one.seconds)} s; aim at most ${AIM_MILLION_SECONDS}: ${met(one.seconds <= AIM_MILLION_SECONDS)}`,
            ]
          : []),
      ]
    }),
  )
}

/** The table of docs/performance.md, between its marks. */
export function table(sizes: readonly Sizes[], postgres: string): string {
  const rows = sizes.flatMap(({ events, bound, backfills }) => [
    `| ${[many(events), 'raw `eth_getLogs`, parsed and thrown away', bound.seconds.toFixed(1), many(bound.events / bound.seconds), '', '', ''].join(' | ')} |`,
    ...backfills.map((one) => {
      const cpu = Object.entries(one.cpu).map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`)
      const tenths = `${one.firstTenth.toFixed(1)} / ${one.lastTenth.toFixed(1)}`
      const cells = [many(events), one.database, one.seconds.toFixed(1), many(one.events / one.seconds)]
      return `| ${[...cells, tenths, cpu.join(', '), `\`${one.md5}\``].join(' | ')} |`
    }),
  ])
  const [processor] = cpus()
  return `${cpus().length} cores (${processor?.model.trim() ?? 'unknown'}), Node ${process.versions.node}, ${postgres}; chain, database and
indexer all on this one machine.

| Events | From an empty database to ready | s | Events a second | First / last tenth s | CPU s | md5 of the rows |
| --: | --- | --: | --: | --: | --- | --- |
${rows.join('\n')}

${aims(sizes)
  .map((line) => `- ${line}.`)
  .join('\n')}
`
}

import { cpus } from 'node:os'
import type { FhirKind } from '../../src/sandbox/fhir-kind.ts'
import type { ConsentCheck } from './consent-check.ts'
import type { Load } from './load.ts'
import type { Profile } from './profile.ts'

/** What was measured with one kind of FHIR server: each way of reading, at a fixed rate and saturated. */
export type Reads = {
  fhir: FhirKind
  records: number
  rate: { direct: Load; through: Load }
  saturated: { direct: Load; through: Load }
}

export type Settings = { seconds: number; perSecond: number; clients: number }

const NAMES: Readonly<Record<FhirKind, string>> = { embedded: 'Embedded server', hapi: 'HAPI FHIR' }

/** At most the direct read's median and this, at the fixed rate. Milliseconds. */
const AIM_ADDED = 10
/** Of the direct throughput on HAPI; reads a second on the embedded server. */
const AIM_SHARE = 0.4
const AIM_READS = 250
/** The consent check's median at the most consents, over that at the fewest. */
const AIM_GROWTH = 1.2

const ms = (value: number) => value.toFixed(1)
const met = (holds: boolean) => (holds ? 'met' : 'missed')

function readRow(name: string, how: string, load: Load): string {
  const cpu = Object.entries(load.cpu).map(([process, spent]) => `${process} ${ms(spent)}`)
  return `| ${[name, how, load.reads, ms(load.p50), ms(load.p99), Math.round(load.perSecond), cpu.join(', ')].join(' | ')} |`
}

/** Which aims hold, in words. */
export function aims(reads: readonly Reads[], checks: readonly ConsentCheck[]): string[] {
  const lines = reads.flatMap(({ fhir, rate, saturated }) => {
    const added = rate.through.p50 - rate.direct.p50
    const share = saturated.through.perSecond / saturated.direct.perSecond
    const second =
      fhir === 'hapi'
        ? `${share.toFixed(2)} of the direct throughput; aim at least ${AIM_SHARE}: ${met(share >= AIM_SHARE)}`
        : `${Math.round(saturated.through.perSecond)} verified reads a second; aim at least ${AIM_READS}: ${met(saturated.through.perSecond >= AIM_READS)}`
    return [
      `${NAMES[fhir]}, fixed rate: the median is ${ms(added)} ms above the direct one; aim at most ${AIM_ADDED}: ${met(added <= AIM_ADDED)}`,
      `${NAMES[fhir]}, saturated: ${second}`,
    ]
  })
  const [first, last] = [checks[0], checks.at(-1)]
  if (!first || !last) return lines
  const growth = last.p50 / first.p50
  return [
    ...lines,
    `Consent check: the median at ${many(last.consents)} consents is ${growth.toFixed(2)} of that at ${many(first.consents)}; aim at most ${AIM_GROWTH}: ${met(growth <= AIM_GROWTH)}`,
  ]
}

const many = (count: number) => count.toLocaleString('en-GB')

const checkTable = (checks: readonly ConsentCheck[]) => `
| Consents in tables and on the chain | Consent check p50 ms | p99 ms |
| --: | --: | --: |
${checks.map(({ consents, p50, p99 }) => `| ${many(consents)} | ${p50.toFixed(2)} | ${p99.toFixed(2)} |`).join('\n')}
`

/** Where the brokers' time goes, as a table of shares. */
export function profileTable(fhir: FhirKind, profiles: readonly Profile[]): string {
  const names = [...new Set(profiles.flatMap(({ shares }) => shares.map(([what]) => what)))]
  const cell = (profile: Profile, what: string) => {
    const share = profile.shares.find(([name]) => name === what)?.[1] ?? 0
    return `${Math.round(share * 100)} %`
  }
  const rows = names.map((what) => `| ${[what, ...profiles.map((one) => cell(one, what))].join(' | ')} |`)
  return `Where the time of each broker's main thread goes (${NAMES[fhir]}, saturated, under V8's profiler; what Node does counts for whoever
has it done; signatures run on other threads as well, and their time there is not in it):

| | ${profiles.map(({ process }) => process).join(' | ')} |
| --- |${profiles.map(() => ' --: |').join('')}
${rows.join('\n')}
`
}

/** The tables of docs/performance.md, between its marks. */
export function tables(
  reads: readonly Reads[],
  checks: readonly ConsentCheck[],
  { seconds, perSecond, clients }: Settings,
): string {
  const rows = reads.flatMap(({ fhir, rate, saturated }) => [
    readRow(NAMES[fhir], `direct, ${perSecond} a second`, rate.direct),
    readRow(NAMES[fhir], `through, ${perSecond} a second`, rate.through),
    readRow(NAMES[fhir], `direct, ${clients} clients`, saturated.direct),
    readRow(NAMES[fhir], `through, ${clients} clients`, saturated.through),
  ])
  const [processor] = cpus()
  return `${cpus().length} cores (${processor?.model.trim() ?? 'unknown'}), Node ${process.versions.node}, ${seconds} s each; chain, brokers, FHIR
servers and the reading client all on this one machine.

| FHIR server | Read | Reads | p50 ms | p99 ms | A second | CPU ms a read |
| --- | --- | --: | --: | --: | --: | --- |
${rows.join('\n')}
${checks.length > 0 ? checkTable(checks) : ''}
${aims(reads, checks)
  .map((line) => `- ${line}.`)
  .join('\n')}
`
}

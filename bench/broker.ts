/**
 * `npm run bench:broker`: side by side in one run, a read at the FHIR server itself and the same read through two brokers,
 * consent verified on the chain and the record verified against it, on HAPI FHIR and on the embedded server; the consent check
 * alone; and where the brokers' CPU time goes. Prints the tables and writes them into docs/performance.md; ends with 1 where an
 * aim is missed, with 3 where HAPI FHIR cannot be started.
 *
 *   npm run bench:broker -- [--fhir embedded|hapi] [--seconds 15] [--rate 100] [--clients 16] [--no-checks]
 *     [--no-profile] [--no-reads]
 *
 * With any of these the page is left as it is.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { FhirKind } from '../src/sandbox/fhir-kind.ts'
import { findToolchain, HapiUnavailable } from '../src/sandbox/hapi/toolchain.ts'
import { measureConsentChecks } from './broker/consent-check.ts'
import { atRate, saturated } from './broker/load.ts'
import { openNetwork } from './broker/network.ts'
import { aims, profileTable, type Reads, type Settings, tables } from './broker/page.ts'
import { profileReads } from './broker/profile.ts'

const PAGE = join(import.meta.dirname, '..', 'docs', 'performance.md')
const [BEGIN, END] = ['<!-- figures -->\n', '<!-- end of figures -->']
const CONSENTS = [10_000, 1_000_000]
/** Seconds before anything is measured: programs are compiled as they run. */
const WARM_UP = 5

const { values } = parseArgs({
  options: {
    fhir: { type: 'string' },
    seconds: { type: 'string', default: '15' },
    rate: { type: 'string', default: '100' },
    clients: { type: 'string', default: '16' },
    checks: { type: 'boolean', default: true },
    profile: { type: 'boolean', default: true },
    reads: { type: 'boolean', default: true },
  },
  allowNegative: true,
})
const settings: Settings = {
  seconds: Number(values.seconds),
  perSecond: Number(values.rate),
  clients: Number(values.clients),
}
const tell = (line: string) => process.stdout.write(`${line}\n`)

async function measureReads(fhir: FhirKind): Promise<Reads> {
  const network = await openNetwork(fhir, tell)
  try {
    const { direct, through, processes, records } = network
    const { clients, seconds, perSecond } = settings
    const step = (name: string) => tell(`${fhir}: ${name} …`)
    step('warming up')
    for (const read of [direct, through]) await saturated(read, processes, { clients, seconds: WARM_UP })
    step(`${perSecond} reads a second`)
    const rate = {
      direct: await atRate(direct, processes, { perSecond, seconds }),
      through: await atRate(through, processes, { perSecond, seconds }),
    }
    step(`${clients} clients`)
    const full = {
      direct: await saturated(direct, processes, { clients, seconds }),
      through: await saturated(through, processes, { clients, seconds }),
    }
    return { fhir, records, rate, saturated: full }
  } finally {
    await network.close()
  }
}

async function main(): Promise<number> {
  const kinds = (values.fhir ? [values.fhir] : ['embedded', 'hapi']) as FhirKind[]
  if (kinds.includes('hapi')) await findToolchain()
  const reads: Reads[] = []
  for (const kind of values.reads ? kinds : []) {
    reads.push(await measureReads(kind))
    // Told at once: the rest takes minutes.
    tell(`\n${tables(reads.slice(-1), [], settings)}`)
  }
  const checks = values.checks ? await measureConsentChecks(CONSENTS, tell) : []
  const profiles = values.profile
    ? profileTable('embedded', await profileReads('embedded', settings, tell))
    : ''
  const text = `${tables(reads, checks, settings)}\n${profiles}`
  tell(`\n${text}`)
  if (process.argv.length === 2) {
    const page = readFileSync(PAGE, 'utf8')
    const [before, rest] = page.split(BEGIN)
    const after = rest?.split(END)[1]
    if (before === undefined || after === undefined) throw new Error(`${PAGE} lacks its marks`)
    writeFileSync(PAGE, `${before}${BEGIN}\n${text}\n${END}${after}`)
    tell(`Written into ${PAGE}`)
  }
  return aims(reads, checks).some((line) => line.endsWith('missed')) ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof HapiUnavailable)) throw error
  process.stderr.write(`bench:broker: missing ${error.missing.join(', ')}\n`)
  process.exitCode = 3
}

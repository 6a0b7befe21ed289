/**
 * Reads every Consent that HL7 publishes as an example with R4, and holds the list in docs/decide.md to what is found:
 * which could be filed as they are, and what of the others cannot be enforced. The package is fetched for this only.
 *
 *   node bin/wayleave.mjs run scripts/hl7-examples.ts            compares, and ends with 1 where the list differs
 *   node bin/wayleave.mjs run scripts/hl7-examples.ts --print    prints the list
 *
 * Ends with 3 when the package cannot be had.
 */
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Consent } from 'fhir/r4.js'
import { enforceability } from '../src/domain/consent/fhir/enforceability.ts'

const PACKAGE = 'hl7.fhir.r4.examples@4.0.1'

/** One row for each example, as the document has it: each reason once, with the first place where it holds. */
function exampleRow(consent: Consent): string {
  const byReason = Map.groupBy(enforceability(consent), ({ reason }) => reason)
  const reasons = [...byReason].map(([reason, [first, ...more]]) => {
    const rest = more.length > 0 ? ` and ${more.length} more` : ''
    return `\`${first?.path}\`${rest}: ${reason}`
  })
  return `| \`${consent.id}\` | ${reasons.length === 0 ? 'enforceable' : reasons.join('; ')} |`
}

function fetchExamples(folder: string): Consent[] | undefined {
  const run = (command: string, ...args: string[]) =>
    spawnSync(command, args, { cwd: folder, encoding: 'utf8' }).status === 0
  if (!run('npm', 'pack', '--silent', PACKAGE)) return undefined
  const [archive = ''] = globSync('*.tgz', { cwd: folder })
  if (!run('tar', '-xzf', archive)) return undefined
  return globSync('package/Consent-*.json', { cwd: folder })
    .sort()
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Consent)
}

const folder = mkdtempSync(join(tmpdir(), 'wayleave-hl7-'))
try {
  const examples = fetchExamples(folder)
  if (!examples || examples.length === 0) {
    console.error(`${PACKAGE} could not be fetched by npm and unpacked by tar`)
    process.exitCode = 3
  } else {
    const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'decide.md'), 'utf8')
    const rows = examples.map(exampleRow)
    const missing = rows.filter((row) => !page.includes(row))
    if (process.argv.includes('--print')) console.log(rows.join('\n'))
    else for (const row of missing) console.error(`docs/decide.md lacks: ${row}`)
    process.exitCode = missing.length > 0 ? 1 : 0
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

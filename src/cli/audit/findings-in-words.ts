import {
  FINDINGS,
  type FindingCode,
  type ReconciliationReport,
} from '../../domain/audit/reconcile/findings.ts'

/** Of each code so many are named in the terminal; `--json` has more. */
const NAMED = 20

/** A report as people read it: each code with what it means and what to do, then what it was found of. */
export function findingsInWords(report: ReconciliationReport, nameOf: (member: string) => string): string {
  const { compared } = report
  const lines = [
    `${compared.windows} windows, ${compared.entries} entries (${compared.expired} past their retention), ${compared.trailLines} lines of the trail, ${compared.events} events of the chain.`,
    `${compared.ownLines} own lines and ${compared.theirLines} of others about exchanges; ${compared.matched} exchanges match.`,
  ]
  for (const { member, why } of report.silent)
    lines.push('', `${nameOf(member)} could not be asked: ${why}. Nothing is said of the exchanges with it.`)
  for (const [code, { found, examples }] of Object.entries(report.findings)) {
    const { means, act } = FINDINGS[code as FindingCode]
    lines.push('', `${code}: ${found}`, `  ${means}`, `  ${act}`)
    const named = examples.slice(0, NAMED)
    const wide = Math.max(...named.map(({ what }) => what.length))
    for (const { what, of, note } of named)
      lines.push(`    ${what.padEnd(wide)}  ${nameOf(of)}${note ? `  (${note})` : ''}`)
    if (found > named.length) lines.push(`    and ${found - named.length} more`)
  }
  lines.push('', report.agree ? 'They agree.' : 'They do not agree.')
  return `${lines.join('\n')}\n`
}

import { describeMutant, type Judgement } from './judge.ts'
import type { Mutant } from './mutants.ts'

const NOT_EXPLAINED = 'not explained yet'

/** The seed that a report was made with. */
export function seedIn(report: string): number | undefined {
  const found = /^Seed (\d+),/m.exec(report)?.[1]
  return found === undefined ? undefined : Number(found)
}

/** What a report says of each survivor, by its id; written by hand, and kept when the report is made anew. */
export function explanationsIn(report: string): Map<string, string> {
  const rows = report.matchAll(/^\| `([0-9a-f]{12})` \|.*\| ([^|]+) \|$/gm)
  return new Map([...rows].map(([, id = '', why = '']) => [id, why.trim()]))
}

/** The report as committed, and the share of mutants killed among those that can be. */
export function mutationReport(args: {
  mutants: readonly Mutant[]
  judged: ReadonlyMap<string, Judgement>
  seed: number
  date: string
  explanations: ReadonlyMap<string, string>
}): { text: string; killedShare: number } {
  const { mutants, judged, seed, date, explanations } = args
  const having = (outcome: Judgement['outcome'], among = mutants) =>
    among.filter(({ id }) => judged.get(id)?.outcome === outcome)
  const survivors = having('survived')
  const killed = having('killed').length
  const share = (k: number, s: number) => (k + s === 0 ? 0 : k / (k + s))
  const percent = (k: number, s: number) => (k + s === 0 ? '–' : `${(100 * share(k, s)).toFixed(1)} %`)

  const table = (by: (mutant: Mutant) => string) =>
    [...new Set(mutants.map(by))].sort().map((name) => {
      const among = mutants.filter((mutant) => by(mutant) === name)
      const [k, s] = [having('killed', among).length, having('survived', among).length]
      const rest = having('equivalent', among).length + having('invalid', among).length
      return `| ${name} | ${k} | ${s} | ${rest} | ${percent(k, s)} |`
    })
  const head = ['| Killed | Survived | No mutants | Share |', '| --: | --: | --: | --: |']
  const rows = survivors.map((mutant) => {
    const why = explanations.get(mutant.id) ?? NOT_EXPLAINED
    return `| \`${mutant.id}\` | ${describeMutant(mutant).replaceAll('|', '&#124;')} | ${why} |`
  })
  const partial = judged.size < mutants.length ? '\n**Not all are judged: the figures are of a sample.**' : ''
  const text = `# Mutation testing of the contracts

The contracts are changed in one place at a time; a test must notice. Made by \`npm run test:mutation\`, whose header
lists the operators.

Seed ${seed}, ${date}. ${mutants.length} mutants, ${judged.size} judged, in an order drawn by the seed.
**${percent(killed, survivors.length)} killed**: ${killed} of ${killed + survivors.length}. Besides, ${having('invalid').length} did not compile, and ${having('equivalent').length} compiled to
the very same code, which is no change; neither counts.${partial}

| Contract ${head[0]}
| --- ${head[1]}
${table(({ file }) => file.replace('contracts/', '')).join('\n')}

| Operator ${head[0]}
| --- ${head[1]}
${table(({ operator }) => operator).join('\n')}

## Survivors

${rows.length === 0 ? 'None.' : `| Mutant | Change | Why it lives |\n| --- | --- | --- |\n${rows.join('\n')}`}
`
  return { text, killedShare: share(killed, survivors.length) }
}

import { Command } from 'commander'
import { KINDS, type Kind, type Reconciliation, type Report } from '../broker/index.ts'
import { operatorOf } from './operator-of.ts'
import type { Output } from './patient/run.ts'

type Options = { config: string; broker?: string; mend?: boolean; json?: boolean }

const HELP = `
Compares what the FHIR server holds (every version of every record of a patient), what the broker has registered, and what
stands on the chain, and says what is missing, left over or different. The broker does it while it runs: it must run, and is
asked at the address where it listens, by its own key file. Records go on being registered and released meanwhile.

--mend registers what is missing, sends again what never reached the chain, and retires records of which the FHIR server has
nothing any more. What was altered, at the FHIR server or on the chain, no program can mend: find out who did it.

Exit code: 0 where all agree, or all was mended; 1 where something is left; 2 where they could not be compared.`

/** How often the broker is asked how far it is. Milliseconds. */
const ASK_EVERY = 500
/** How often the terminal is told. Milliseconds. */
const TELL_EVERY = 2_000

const PROCESS: Output = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}

/** `wayleave reconcile`: whether FHIR server, books and chain agree. */
export function reconcileCommand(output: Output = PROCESS): Command {
  return new Command('reconcile')
    .description('Compare FHIR server, broker and chain, and mend what is missing')
    .requiredOption(
      '--config <file>',
      'the broker’s configuration; it names the key file and where the broker listens',
    )
    .option('--broker <url>', 'where the broker is reached from here, unless it is where it listens')
    .option('--mend', 'mend what can be mended')
    .option('--json', 'the report as JSON on standard output; progress goes to standard error all the same')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      process.exitCode = await reconcile(options, output)
    })
}

/** @returns the exit code. */
async function reconcile(options: Options, output: Output): Promise<number> {
  let last: Reconciliation
  try {
    last = await compared(options, output)
  } catch (error) {
    output.err(`wayleave: ${error instanceof Error ? error.message : String(error)}\n`)
    return 2
  }
  const { report, error } = last
  if (!report) {
    output.err(`wayleave: they could not be compared: ${error ?? 'no reason given'}\n`)
    return 2
  }
  output.out(options.json ? `${JSON.stringify(report, null, 2)}\n` : inWords(report))
  return report.agree ? 0 : 1
}

async function compared(options: Options, output: Output): Promise<Reconciliation> {
  const operator = await operatorOf(options)
  const ask: Ask = (method, path, body) => operator(method, `/operator/reconciliations${path}`, body)
  let state = await ask('POST', '', { mend: options.mend === true })
  // One that somebody else had begun may mend less than this one is to.
  if (options.mend && !state.mend) {
    await ended(ask, state, output)
    state = await ask('POST', '', { mend: true })
  }
  return ended(ask, state, output)
}

type Ask = (method: 'GET' | 'POST', path: string, body?: unknown) => Promise<Reconciliation>

const STEPS: Record<Reconciliation['step'], string> = {
  server: 'the FHIR server’s versions',
  books: 'entries that were not met there',
  chain: 'blocks of the chain',
  sent: 'entries that were sent',
  mending: 'versions, mending',
  done: 'done',
  failed: 'failed',
}

async function ended(ask: Ask, first: Reconciliation, output: Output): Promise<Reconciliation> {
  let state = first
  let told = 0
  while (state.step !== 'done' && state.step !== 'failed') {
    if (Date.now() - told >= TELL_EVERY) {
      told = Date.now()
      const of = state.of === null ? '' : ` of ${state.of}`
      output.err(`${STEPS[state.step]}: ${state.done}${of}\n`)
    }
    await new Promise((done) => setTimeout(done, ASK_EVERY))
    state = await ask('GET', `/${state.id}`)
  }
  return state
}

function inWords(report: Report): string {
  const lines = [
    `${report.versions} versions of patients’ records at the FHIR server, ${report.refused} that cannot be committed to.`,
    `${report.entries} entries in the books, ${report.waiting} of them on their way to the chain. ${report.padding} entries of nobody on the chain.`,
  ]
  for (const example of report.refusedExamples) lines.push(`cannot be committed to: ${example}`)
  if (report.refused > report.refusedExamples.length)
    lines.push(`  and ${report.refused - report.refusedExamples.length} more`)
  for (const [kind, { found, mended, examples }] of Object.entries(report.differences)) {
    if (found === 0) continue
    lines.push(`${kind}: ${found} ${KINDS[kind as Kind]}${mended > 0 ? `; ${mended} mended` : ''}`)
    for (const example of examples) lines.push(`  ${example}`)
    if (found > examples.length) lines.push(`  and ${found - examples.length} more`)
  }
  lines.push(report.agree ? 'They agree.' : 'They do not agree.')
  return `${lines.join('\n')}\n`
}

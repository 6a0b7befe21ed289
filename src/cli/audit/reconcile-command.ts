import { existsSync } from 'node:fs'
import { Command } from 'commander'
import type { AuditReconciliation } from '../../broker/index.ts'
import { readSandboxFile } from '../../sandbox/sandbox-file.ts'
import type { Output } from '../patient/run.ts'
import { answeredBy, type ProgramOptions, programOf } from '../program-of.ts'
import { findingsInWords } from './findings-in-words.ts'

type Options = ProgramOptions & {
  with?: string
  alone?: boolean
  since?: string
  until?: string
  json?: boolean
}

const HELP = `
Compares a hospital's own log with the roots on the chain, leaf by leaf; the log with the trail that people read; the trail with
the chain's events; and each exchange with another member with what that member's log says of it, each line proven by the root
that its side anchored. The broker does it while it runs. It changes nothing, and is itself in the trail.

Exit code: 0 where all agree; 1 where something was found, or a member could not be asked; 2 where nothing could be compared.`

/** How often the broker is asked how far it is, and the terminal told. Milliseconds. */
const ASK_EVERY = 500
const TELL_EVERY = 2_000

const STEPS: Record<AuditReconciliation['step'], string> = {
  log: 'windows of the log',
  trail: 'lines of the trail',
  events: 'events of the chain',
  members: 'lines about exchanges',
  done: 'done',
  failed: 'failed',
}

/** `wayleave audit reconcile`: whether log, trail, chain and other members agree. */
export function reconcileAuditCommand(output: Output): Command {
  return withPlace(new Command('reconcile'))
    .description('Compare log, trail and chain, and the exchanges with other members')
    .option('--with <system|value>', 'one other member only, by its identifier')
    .option('--alone', 'no other member')
    .option('--since <instant>', 'from this date or instant on')
    .option('--until <instant>', 'up to this date or instant; 20 minutes ago unless given')
    .option('--json', 'the report as JSON on standard output; progress goes to standard error all the same')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      process.exitCode = await reconcile(options, output)
    })
}

/** The options that say whose broker is asked, and as which program. */
export const withPlace = (command: Command): Command =>
  command
    .option('--broker <url>', 'where the broker is reached')
    .option('--organization <system|value>', 'the hospital’s identifier')
    .option('--credentials <file>', 'clientId and private jwk of a program that may')
    .option('--hospital <key>', 'a hospital of the sandbox, in place of the three above')
    .option('--sandbox <file>', 'the sandbox’s description', '.wayleave/sandbox.json')

/** @returns the exit code. */
async function reconcile(options: Options, output: Output): Promise<number> {
  let last: AuditReconciliation
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
  output.out(
    options.json
      ? `${JSON.stringify(report, null, 2)}\n`
      : findingsInWords(report, memberNames(options.sandbox)),
  )
  return report.agree ? 0 : 1
}

async function compared(options: Options, output: Output): Promise<AuditReconciliation> {
  const auditor = programOf(options, 'auditor', { scopes: ['system/AuditEvent.rs'] })
  const ask = (method: 'GET' | 'POST', path = '', body?: unknown) =>
    answeredBy<AuditReconciliation>(auditor.manage(method, `/audit/reconciliations${path}`, body))
  let state = await ask('POST', '', {
    members: options.alone ? 'none' : (options.with ?? 'all'),
    ...(options.since ? { since: options.since } : {}),
    ...(options.until ? { until: options.until } : {}),
  })
  let told = 0
  while (state.step !== 'done' && state.step !== 'failed') {
    if (Date.now() - told >= TELL_EVERY) {
      told = Date.now()
      output.err(`${STEPS[state.step]}: ${state.done}${state.of === null ? '' : ` of ${state.of}`}\n`)
    }
    await new Promise((done) => setTimeout(done, ASK_EVERY))
    state = await ask('GET', `/${state.id}`)
  }
  return state
}

/** Members of the sandbox by name; others by the id that the chain has. */
export function memberNames(sandbox: string): (member: string) => string {
  const hospitals = existsSync(sandbox) ? readSandboxFile(sandbox).hospitals : []
  const names = new Map<string, string>(hospitals.map(({ member, name }) => [member, name]))
  return (member) => names.get(member) ?? member
}

import { Command } from 'commander'
import type { AuditEvent } from 'fhir/r4.js'
import { createHisClient } from '../sandbox/his-client.ts'
import { readSandboxFile } from '../sandbox/sandbox-file.ts'
import { auditorKeyCommand, exportCommand, verifyCommand } from './audit/evidence-commands.ts'
import { reconcileAuditCommand } from './audit/reconcile-command.ts'
import { resolveCommand } from './audit/resolve-command.ts'
import type { Output } from './patient/run.ts'

type Options = {
  hospital?: string
  patient?: string
  since?: string
  count: string
  json?: boolean
  sandbox: string
}

const PROCESS: Output = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}

/** `wayleave audit`: a hospital's audit trail in the terminal, oldest first, as its compliance officer may read it. */
export function auditCommand(output: Output = PROCESS): Command {
  const command = new Command('audit')
  // What it is followed by has options of the same names.
  command.enablePositionalOptions()
  for (const under of [
    reconcileAuditCommand,
    exportCommand,
    verifyCommand,
    auditorKeyCommand,
    resolveCommand,
  ])
    command.addCommand(under(output))
  return command
    .description('Read a hospital’s audit trail: who saw what, when, why, and who was refused')
    .option('--hospital <key>', 'hospital-1, hospital-2 or hospital-3')
    .option('--patient <system|value>', 'one patient only, by an identifier')
    .option('--since <instant>', 'from this date or instant on')
    .option('--count <n>', 'at most this many events, newest kept', '50')
    .option('--json', 'the FHIR Bundle of AuditEvents instead of sentences')
    .option('--sandbox <file>', 'the sandbox’s description', '.wayleave/sandbox.json')
    .addHelpText('after', '\nReading the trail is itself an event of the trail.')
    .action(readAudit)
}

async function readAudit(options: Options): Promise<void> {
  if (options.hospital === undefined) throw new Error('Name --hospital')
  const file = readSandboxFile(options.sandbox)
  const hospital = file.hospitals.find(({ key }) => key === options.hospital)
  if (!hospital)
    throw new Error(
      `No hospital ${options.hospital}; there are: ${file.hospitals.map((h) => h.key).join(', ')}`,
    )
  const auditor = createHisClient({
    broker: hospital.broker,
    client: hospital.auditor,
    organization: hospital.identifier,
  })
  const { status, body, code } = await auditor.audit({
    _count: options.count,
    ...(options.since ? { date: `ge${options.since}` } : {}),
    ...(options.patient ? { 'patient.identifier': options.patient } : {}),
  })
  if (status !== 200) throw new Error(`The broker answered ${status} ${code ?? ''}`)
  if (options.json) {
    process.stdout.write(`${JSON.stringify(body, null, 2)}\n`)
    return
  }
  const events = (body.entry ?? []).flatMap(({ resource }) => (resource ? [resource] : [])).reverse()
  for (const event of events) process.stdout.write(`${line(event)}\n`)
  if (events.length === 0) process.stdout.write('No events.\n')
}

const MARKS = { '0': ' ', '4': '!', '8': '✘', '12': '‼' } as const

function line(event: AuditEvent): string {
  const mark = MARKS[event.outcome ?? '0']
  const kind = event.meta?.tag?.[0]?.code ?? ''
  return `${event.recorded}  ${mark} ${kind.padEnd(20)} ${sentenceOf(event)}`
}

/** The narrative says what happened in one sentence; its mark-up is of no use in a terminal. */
function sentenceOf({ text }: AuditEvent): string {
  const bare = (text?.div ?? '').replace(/<[^>]*>/g, '')
  return bare.replace(
    /&(amp|lt|gt|quot|#39);/g,
    (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" })[name] ?? '',
  )
}

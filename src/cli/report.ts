import { randomUUID } from 'node:crypto'
import { createWriteStream, readFileSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Command, Option } from 'commander'
import { parseIdentifierText } from '../domain/identity/member-id.ts'
import type { ReportJson } from '../domain/reports/format-json.ts'
import { REPORT_NAMES, REPORT_TITLES, type ReportName } from '../domain/reports/report.ts'
import { createHisClient, type HisClient } from '../sandbox/his-client.ts'
import { readSandboxFile, type SandboxClient } from '../sandbox/sandbox-file.ts'
import type { Output } from './patient/run.ts'
import { inWords } from './report/in-words.ts'

type Options = {
  patient?: string
  from?: string
  to?: string
  zone: string
  format: 'table' | 'json' | 'csv' | 'html'
  out?: string
  broker?: string
  organization?: string
  credentials?: string
  user: string
  hospital?: string
  sandbox: string
}

const HELP = `
Days are days in the time zone; both are included. Each report says what is not in it, and why. Reading one is itself an event
of the trail, which names the user.`

const PROCESS: Output & { width?: number } = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  width: process.stdout.columns ?? 120,
}

/** `wayleave report`: a report made of a hospital’s audit trail. */
export function reportCommand(output: Output & { width?: number } = PROCESS): Command {
  const report = new Command('report').description(
    'A report made of a hospital’s audit trail: in the terminal, as JSON, CSV or a page to print',
  )
  for (const name of REPORT_NAMES) {
    const command = report.command(name).description(REPORT_TITLES[name])
    if (name === 'subject-access' || name === 'disclosures')
      command.requiredOption(
        '--patient <patient>',
        'whom it is about: Patient/ID, or an identifier as system|value',
      )
    command
      .option('--from <day>', 'first day (2026-03-29), or an instant with its offset')
      .option('--to <day>', 'last day, or the instant before which it ends; now unless given')
      .option(
        '--zone <name>',
        'time zone of days and instants',
        Intl.DateTimeFormat().resolvedOptions().timeZone,
      )
      .addOption(
        new Option('--format <format>', 'how it is told')
          .choices(['table', 'json', 'csv', 'html'])
          .default('table'),
      )
      .option('--out <file>', 'write it to a file, which is there only once it is whole')
      .option('--broker <url>', 'where the broker is reached')
      .option('--organization <system|value>', 'the hospital’s identifier')
      .option('--credentials <file>', 'clientId and private jwk of a program with system/AuditEvent.rs')
      .option('--user <id>', 'who reads it; the trail names them', 'auditor')
      .option(
        '--hospital <key>',
        'a hospital of the sandbox, in place of broker, organization and credentials',
      )
      .option('--sandbox <file>', 'the sandbox’s description', '.wayleave/sandbox.json')
      .addHelpText('after', HELP)
      .action((options: Options) => tell(name, options, output))
  }
  return report
}

async function tell(
  report: ReportName,
  options: Options,
  output: Output & { width?: number },
): Promise<void> {
  const answer = await asked(report, options)
  const text =
    options.format === 'table' ? inWords((await answer.json()) as ReportJson, output.width ?? 120) : undefined
  if (options.out !== undefined) {
    await written(options.out, text === undefined ? answer.body : new Blob([text]).stream())
    output.err(`${options.out} is written.\n`)
    return
  }
  if (text !== undefined) output.out(text)
  else for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) output.out(piece)
}

async function asked(report: ReportName, options: Options): Promise<Response> {
  const { broker, client } = auditorOf(options)
  const { patient, from, to, zone, format } = options
  const parameters = {
    ...(patient === undefined ? {} : patient.includes('|') ? { 'patient.identifier': patient } : { patient }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...{ zone, format: format === 'table' ? 'json' : format },
  }
  // By POST, so that the identifier stands in no address.
  const answer = await fetch(`${broker}/reports/${report}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await client.token('HCOMPL')}` },
    body: new URLSearchParams(parameters),
  })
  if (answer.ok) return answer
  const { issue } = (await answer.json().catch(() => ({}))) as { issue?: { details?: { text?: string } }[] }
  throw new Error(`The broker answered ${answer.status}: ${issue?.[0]?.details?.text ?? ''}`)
}

/** Beside the file at first: half a report must not pass for a whole one. */
async function written(file: string, body: ReadableStream | null): Promise<void> {
  const beside = `${file}.${randomUUID()}.part`
  try {
    // Whoever reads it besides is for the operator to say.
    await pipeline(Readable.fromWeb(body as never), createWriteStream(beside, { mode: 0o600, flags: 'wx' }))
    await rename(beside, file)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}

function auditorOf(options: Options): { broker: string; client: HisClient } {
  const user = { id: options.user, name: options.user, role: 'auditor' }
  if (options.hospital !== undefined) {
    const { hospitals } = readSandboxFile(options.sandbox)
    const hospital = hospitals.find(({ key }) => key === options.hospital)
    if (!hospital)
      throw new Error(`No hospital ${options.hospital}; there are: ${hospitals.map((h) => h.key).join(', ')}`)
    const { broker, auditor: client, identifier: organization } = hospital
    return { broker, client: createHisClient({ broker, client, organization, user }) }
  }
  const { broker, organization, credentials } = options
  if (!broker || !organization || !credentials)
    throw new Error('Name --broker, --organization and --credentials, or --hospital')
  const { clientId, jwk } = JSON.parse(readFileSync(credentials, 'utf8')) as SandboxClient
  const client = { clientId, jwk, scopes: ['system/AuditEvent.rs'] }
  const identifier = parseIdentifierText(organization)
  const here = broker.replace(/\/$/, '')
  return { broker: here, client: createHisClient({ broker: here, client, organization: identifier, user }) }
}

import { Command } from 'commander'
import { REASONS } from '../../domain/audit/reasons.ts'
import { RESOLUTION_REASONS } from '../../domain/audit/resolution.ts'
import type { Output } from '../patient/run.ts'
import { answeredBy, type ProgramOptions, programOf } from '../program-of.ts'
import { withPlace } from './reconcile-command.ts'

type Options = ProgramOptions & { user: string; role: string; reason: string; note: string; json?: boolean }

const HELP = `
Reasons: ${RESOLUTION_REASONS.map((code) => `\n  ${code.padEnd(18)} ${REASONS[code]}`).join('')}

It takes the permission system/reidentify, which only the broker's configuration gives. Who asked, which handle, why and when is in
the log before it is answered, and the patient reads it in their own trail. A handle of another hospital's patient and one that nobody
has are answered alike. Write no number or name of a person into the note.`

/** `wayleave audit resolve`: whose handle it is, at the hospital whose patient it is. */
export function resolveCommand(output: Output): Command {
  return withPlace(new Command('resolve'))
    .description('Find out whose handle it is; logged, with the reason, in the patient’s own trail')
    .argument('<handle>', 'as it stands on the chain, 0x and 64 hexadecimal digits')
    .requiredOption('--user <id>', 'who asks; the log and the patient’s trail name them')
    .option('--role <text>', 'as what they ask', 'privacy officer')
    .requiredOption('--reason <code>', 'why, of the list below')
    .requiredOption('--note <text>', 'what it is about, in 10 to 200 characters')
    .option('--json', 'as JSON')
    .addHelpText('after', HELP)
    .action(async (handle: string, options: Options) => {
      output.out(await resolve(handle, options))
    })
}

async function resolve(handle: string, options: Options): Promise<string> {
  const { reason, note } = options
  const user = { id: options.user, name: options.user, role: options.role }
  const officer = programOf(options, 'auditor', { scopes: ['system/reidentify'], user })
  const body = { handle, reason, note }
  const asked = officer.manage('POST', '/audit/resolutions', body)
  const found = await answeredBy<{ patient: string; closed?: 'moved' | 'ended' }>(asked)
  if (options.json) return `${JSON.stringify(found, null, 2)}\n`
  const closed = { moved: '; its records went to a new handle', ended: '; it is closed for good' }
  return `${found.patient}${found.closed ? closed[found.closed] : ''}\n`
}

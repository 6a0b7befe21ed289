import { Command, Option } from 'commander'
import { CONSOLE_ROLES, type ListedPerson } from '../broker/index.ts'
import { operatorOf } from './operator-of.ts'

type Place = { config: string; broker?: string }

/** `wayleave console`: who may use a hospital's console, said by its operator while the broker runs. */
export function consoleCommand(out: (text: string) => void = (text) => process.stdout.write(text)): Command {
  const console = new Command('console').description(
    'Invite people to the compliance console, list them, remove them; no restart',
  )
  const under = (name: string, text: string) =>
    console
      .command(name)
      .description(text)
      .requiredOption(
        '--config <file>',
        'the broker’s configuration; it names the key file and where the broker listens',
      )
      .option('--broker <url>', 'where the broker is reached from here, unless it is where it listens')
  under('invite', 'Print a code with which one person makes a passkey: good once, for 24 hours')
    .requiredOption('--name <text>', 'the person, as the audit trail is to name them')
    .addOption(
      new Option('--role <role>', 'auditor reads; compliance looks people up and places legal holds, too')
        .choices([...CONSOLE_ROLES])
        .makeOptionMandatory(),
    )
    .action(async (options: Place & { name: string; role: string }) => {
      const operator = await operatorOf(options)
      const { name, role } = options
      const { code, id, expiresAt } = await operator<{ code: string; id: string; expiresAt: string }>(
        'POST',
        '/operator/console/people',
        { name, role },
      )
      out(`${code}\n`)
      process.stderr.write(
        `For ${name} (${role}, ${id}), until ${expiresAt}. Give it to nobody else: it is shown once.\n`,
      )
    })
  under('people', 'Who may use it, and who might').action(async (options: Place) => {
    const { people } = await (await operatorOf(options))<{ people: ListedPerson[] }>(
      'GET',
      '/operator/console/people',
    )
    out(
      people
        .map(({ id, name, role, state }) => `${id}  ${role.padEnd(10)}  ${state.padEnd(8)}  ${name}\n`)
        .join(''),
    )
  })
  under('remove', 'Remove a person: passkeys and sessions end at once')
    .requiredOption('--person <id>', 'as `people` lists it')
    .action(async (options: Place & { person: string }) => {
      await (await operatorOf(options))(
        'DELETE',
        `/operator/console/people/${encodeURIComponent(options.person)}`,
      )
      out(`${options.person} is removed.\n`)
    })
  return console
}

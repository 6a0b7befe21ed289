import { Command } from 'commander'
import type { CouncilAct, Seat } from '../chain/council.ts'
import { callsOf, inWords } from './council/calls.ts'
import {
  inNetwork,
  type Network,
  type NetworkOptions,
  newKey,
  type SigningOptions,
  signerFor,
} from './council/network.ts'
import { type Output, writeJson } from './patient/run.ts'

const PROCESS: Output = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}

const IDS = `
A MEMBER is named by its key in the sandbox (hospital-3), its member id (0x…), or its identifier (system|value).
An act takes a vote of each chamber. A suspension happens with the last vote; everything else waits out its delay, can be
stopped by any one chamber meanwhile, and has to be performed within a week after it.`

/** What is proposed: its words on the command line, and what it means. */
const PROPOSALS = {
  suspend: ['<member>', 'Stop a member at once'],
  admit: ['<file>', 'Admit a member: JSON with identifier, roles, operator, profile'],
  reinstate: ['<member>', 'Let a suspended member act again'],
  remove: ['<member>', 'End a membership'],
  'set-roles': ['<member> <roles>', 'Give a member these roles, comma-separated, and no others'],
  join: ['<group> <member>', 'Put a member into a group'],
  leave: ['<group> <member>', 'Take a member out of a group'],
  'set-seat': ['<account> <chamber>', 'Give an account a seat, or take it away with none'],
  adopt: ['<members>', 'Take members, comma-separated, over into a member registry that was replaced'],
  bind: [
    '<contract> <role> <functions>',
    'Bind functions of a new contract to a role of the council: at-once or delayed',
  ],
  announce: ['<old> <new>', 'Announce the successor of a contract'],
} as const

/** `wayleave council`: look at the council's acts, and vote with the key of a seat. */
export function councilCommand(output: Output = PROCESS): Command {
  const command = new Command('council')
    .description('Admit, suspend, group and announce, by votes of the council’s three chambers')
    .configureOutput({ writeOut: output.out, writeErr: output.err })
    .addHelpText('after', IDS)
  withNetwork(command.command('seats').description('Show who votes')).action((options: NetworkOptions) =>
    inNetwork(options, output, async ({ council }) => showSeats(await council.seats(), options, output)),
  )
  withNetwork(command.command('acts').description('Show every act and how it stands')).action(
    (options: NetworkOptions) =>
      inNetwork(options, output, async (network) => {
        const acts = (await network.council.acts()).map((act) => ({ ...act, what: inWords(network, act) }))
        if (options.json) return writeJson(output, { acts })
        for (const act of acts) output.out(`${lineOf(act)}\n`)
        if (acts.length === 0) output.out('The council has not acted yet.\n')
      }),
  )
  const propose = command
    .command('propose')
    .description('Propose an act, and vote for it')
    .addHelpText('after', IDS)
  for (const [name, [words, description]] of Object.entries(PROPOSALS))
    withSigner(propose.command(`${name} ${words}`).description(description)).action((...given: unknown[]) =>
      proposeAct(name as keyof typeof PROPOSALS, given, output),
    )
  voteCommand(command, output, 'approve', 'Vote for an act; the last vote needed carries it')
  voteCommand(command, output, 'perform', 'Do what was decided, once its delay is over')
  voteCommand(command, output, 'stop', 'Vote to stop an act; a majority of one chamber stops it')
  withSigner(command.command('rotate').description('Give the seat to its next key; open votes begin anew'))
    .requiredOption('--new-key-file <file>', 'the next key; made, for its owner only, where there is none')
    .action((options: SigningOptions & { newKeyFile: string }) =>
      inNetwork(options, output, async (network) => {
        if (options.keyFile === undefined)
          throw new Error('The sandbox keeps its seats: rotate with --key-file.')
        const next = newKey(options.newKeyFile)
        await network.council.rotate(signerFor(network, options), next.address)
        showSeats(await network.council.seats(), options, output)
      }),
    )
  return command
}

const withNetwork = (command: Command) =>
  command
    .option('--sandbox <file>', 'description of the running sandbox', '.wayleave/sandbox.json')
    .option(
      '--config <file>',
      'a broker’s configuration, which names chain and contracts, instead of a sandbox',
    )
    .option('--rpc <url>', 'another node than the one named there')
    .option('--json', 'write JSON instead of sentences')

const withSigner = (command: Command) =>
  withNetwork(command)
    .option('--key-file <file>', 'file that holds the seat’s private key, readable by its owner only')
    .option('--seat <chamber>', 'in the sandbox: the seat of providers, regulators or advocates')

/** Commander hands over the words, the options, and the command. */
async function proposeAct(
  name: keyof typeof PROPOSALS,
  given: readonly unknown[],
  output: Output,
): Promise<void> {
  const options = given.at(-2) as SigningOptions
  const words = given.slice(0, -2) as string[]
  await inNetwork(options, output, async (network) => {
    const make = callsOf(network)[name] as (
      ...words: string[]
    ) => ReturnType<ReturnType<typeof callsOf>['admit']>
    const call = make(...words)
    const id = await network.council.propose(signerFor(network, options), call.target, call.data)
    await showAct(network, id, options, output)
  })
}

function voteCommand(
  parent: Command,
  output: Output,
  name: 'approve' | 'perform' | 'stop',
  description: string,
): void {
  withSigner(parent.command(`${name} <id>`).description(description)).action(
    (id: string, options: SigningOptions) =>
      inNetwork(options, output, async (network) => {
        if (!/^[1-9]\d{0,8}$/.test(id)) throw new RangeError(`${id} is no number of an act.`)
        await network.council[name](signerFor(network, options), Number(id))
        await showAct(network, Number(id), options, output)
      }),
  )
}

async function showAct(network: Network, id: number, options: NetworkOptions, output: Output): Promise<void> {
  const act = (await network.council.acts()).find((one) => one.id === id)
  if (!act) throw new Error(`there is no act ${id}`)
  const told = { ...act, what: inWords(network, act) }
  if (options.json) writeJson(output, { act: told })
  else output.out(`${lineOf(told)}\n`)
}

function showSeats(seats: readonly Seat[], options: NetworkOptions, output: Output): void {
  if (options.json) writeJson(output, { seats })
  else for (const { chamber, holder } of seats) output.out(`${chamber.padEnd(10)}  ${holder}\n`)
}

function lineOf(act: CouncilAct & { what: string }): string {
  const votes = (seats: readonly Seat[]) => seats.map(({ chamber }) => chamber).join(', ')
  const when = act.readyAt === undefined ? '' : new Date(act.readyAt * 1000).toISOString()
  const standing = {
    proposed: 'waits for votes',
    lapsed: 'lapsed: the seats have changed since',
    scheduled: `carried; can be performed from ${when}`,
    ready: `carried; can be performed since ${when}`,
    expired: `lapsed: nobody performed it within a week of ${when}`,
    done: 'done',
    stopped: `stopped by the ${votes(act.objections.slice(-1))}`,
  }[act.state]
  return `${String(act.id).padStart(4)}  ${act.what}: ${standing}. For it: ${votes(act.approvals)}.`
}

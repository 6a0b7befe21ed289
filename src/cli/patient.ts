import { Command } from 'commander'
import { dateOf, titleOf } from '../domain/summary/words-of.ts'
import { helperCommands } from './patient/helper-commands.ts'
import { ALL_CLASSES, ALL_KINDS, DEFAULT_CLASSES, listOf, partyName, partyOf } from './patient/names.ts'
import { actCommand, commonCommand, IDS } from './patient/options.ts'
import { recoveryCommands } from './patient/recovery-commands.ts'
import {
  type ActOptions,
  type CommonOptions,
  type Output,
  perform,
  type Run,
  running,
  withoutSalts,
  writeJson,
} from './patient/run.ts'
import { proposalLines, requestLines, statusLines } from './patient/sentences.ts'

type SlotOptions = ActOptions & { to: string; purpose: string }
type GrantOptions = SlotOptions & { classes?: string; sensitive?: string; from?: string; until?: string }

const PROCESS: Output = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}

/** `wayleave patient`: act as a patient of the sandbox, from the 12 words alone. */
export function patientCommand(output: Output = PROCESS): Command {
  const command = new Command('patient')
    .description('Grant, narrow and look at consents, as the patient who holds the 12 words')
    .configureOutput({ writeOut: output.out, writeErr: output.err })
    .addHelpText('after', IDS)
  for (const add of [grantCommand, revokeCommand, objectCommand, withdrawCommand]) add(command, output)
  for (const add of [requestsCommand, answerCommand, refuseCommand]) add(command, output)
  for (const add of [proposalsCommand, acceptCommand, declineCommand]) add(command, output)
  for (const add of [lockCommand, unlockCommand, statusCommand, historyCommand, recordCommand])
    add(command, output)
  helperCommands(command, output)
  recoveryCommands(command, output)
  return command
}

function grantCommand(parent: Command, output: Output): void {
  slotCommand(parent, 'grant', 'Allow a party to see kinds of data for a purpose')
    .option(
      '--classes <list>',
      `kinds of data, comma-separated, or all (default: ${DEFAULT_CLASSES.join(',')})`,
    )
    .option('--sensitive <list>', 'sensitive kinds allowed too, comma-separated, or all (default: none)')
    .option('--from <date>', 'first day, YYYY-MM-DD (default: today)')
    .option('--until <date>', 'last day, YYYY-MM-DD (default: a year after the first)')
    .addHelpText(
      'after',
      `\nKinds of data: ${ALL_CLASSES.join(', ')}\nSensitive kinds: ${ALL_KINDS.join(', ')}\n${IDS}`,
    )
    .action((options: GrantOptions) =>
      perform(options, output, (run, sending) => {
        const { classes, sensitive, from, until } = options
        const wish = {
          ...slotWish(run, options),
          classes: classes === undefined ? DEFAULT_CLASSES : listOf(classes, ALL_CLASSES),
          sensitivities: sensitive === undefined ? [] : listOf(sensitive, ALL_KINDS),
          ...(from === undefined ? {} : { from }),
          ...(until === undefined ? {} : { until }),
        }
        return run.client.grant(wish, sending)
      }),
    )
}

function revokeCommand(parent: Command, output: Output): void {
  slotCommand(parent, 'revoke', 'End what was granted to a party for a purpose')
    .addHelpText(
      'after',
      `\nWhat the party has fetched before stays with it. It counts once signed and acknowledged.\n${IDS}`,
    )
    .action((options: SlotOptions) =>
      perform(options, output, (run, sending) => run.client.revoke(slotWish(run, options), sending)),
    )
}

function objectCommand(parent: Command, output: Output): void {
  slotCommand(parent, 'object', 'Keep a party from seeing anything, even where a wider consent would let it')
    .option('--classes <list>', 'only these kinds of data, comma-separated (default: everything)')
    .addHelpText('after', IDS)
    .action((options: SlotOptions & { classes?: string }) =>
      perform(options, output, (run, sending) => {
        const { classes } = options
        const some =
          classes === undefined || classes === 'all' ? {} : { classes: listOf(classes, ALL_CLASSES) }
        return run.client.object({ ...slotWish(run, options), ...some }, sending)
      }),
    )
}

function withdrawCommand(parent: Command, output: Output): void {
  slotCommand(parent, 'withdraw', 'Withdraw an objection')
    .addHelpText('after', IDS)
    .action((options: SlotOptions) =>
      perform(options, output, (run, sending) => run.client.withdraw(slotWish(run, options), sending)),
    )
}

function requestsCommand(parent: Command, output: Output): void {
  commonCommand(parent, 'requests', 'Show who asks for your records at this hospital')
    .addHelpText('after', IDS)
    .action((options: CommonOptions) =>
      running(options, output, async ({ client, hospital }) => {
        const requests = await client.requests()
        if (options.json) return writeJson(output, { requests })
        output.out(`${requestLines(requests, hospital.name).join('\n')}\n`)
      }),
    )
}

function answerCommand(parent: Command, output: Output): void {
  actCommand(
    parent,
    'answer',
    'Grant what a request asks for, or less; it counts once the hospital approves, too',
  )
    .requiredOption('--request <id>', 'the request, as `requests` shows it')
    .option('--classes <list>', 'only these kinds of data, comma-separated (default: what was asked for)')
    .option('--sensitive <list>', 'only these sensitive kinds, comma-separated (default: what was asked for)')
    .option('--until <date>', 'last day, YYYY-MM-DD (default: what was asked for)')
    .addHelpText('after', IDS)
    .action(
      (options: ActOptions & { request: string; classes?: string; sensitive?: string; until?: string }) =>
        perform(options, output, async (run, sending) => {
          const { classes, sensitive, until } = options
          const request = await requestOf(run, options.request)
          const less = {
            ...(classes === undefined ? {} : { classes: listOf(classes, request.dataClasses) }),
            ...(sensitive === undefined ? {} : { sensitivities: listOf(sensitive, request.sensitivities) }),
            ...(until === undefined ? {} : { until }),
          }
          return run.client.answer(request, less, sending)
        }),
    )
}

function refuseCommand(parent: Command, output: Output): void {
  commonCommand(parent, 'refuse', 'Say no to a request; whoever asks learns nothing of it')
    .requiredOption('--request <id>', 'the request, as `requests` shows it')
    .addHelpText('after', IDS)
    .action((options: CommonOptions & { request: string }) =>
      running(options, output, async (run) => {
        await run.client.refuse(await requestOf(run, options.request))
        if (options.json) writeJson(output, { refused: options.request })
        else output.out('Refused. Whoever asked sees only that the request ends at its deadline.\n')
      }),
    )
}

function proposalsCommand(parent: Command, output: Output): void {
  commonCommand(parent, 'proposals', 'Show consents that this hospital has written down for you to sign')
    .addHelpText('after', IDS)
    .action((options: CommonOptions) =>
      running(options, output, async ({ client, hospital, sandbox }) => {
        const proposals = await client.proposals()
        if (options.json) return writeJson(output, { proposals })
        const lines = proposalLines(proposals, hospital.name, (party) => partyName(sandbox, party))
        output.out(`${lines.join('\n')}\n`)
      }),
    )
}

function acceptCommand(parent: Command, output: Output): void {
  actCommand(parent, 'accept', 'Sign a consent as it was written down')
    .requiredOption('--proposal <id>', 'the consent, as `proposals` shows it')
    .addHelpText('after', IDS)
    .action((options: ActOptions & { proposal: string }) =>
      perform(options, output, async (run, sending) =>
        run.client.accept(await proposalOf(run, options.proposal), sending),
      ),
    )
}

function declineCommand(parent: Command, output: Output): void {
  commonCommand(parent, 'decline', 'Say no to a consent that was written down for you')
    .requiredOption('--proposal <id>', 'the consent, as `proposals` shows it')
    .addHelpText('after', IDS)
    .action((options: CommonOptions & { proposal: string }) =>
      running(options, output, async (run) => {
        await run.client.decline(await proposalOf(run, options.proposal))
        if (options.json) writeJson(output, { declined: options.proposal })
        else output.out('Declined. Nothing has changed.\n')
      }),
    )
}

async function proposalOf({ client, hospital }: Run, id: string) {
  const found = (await client.proposals()).find((proposal) => proposal.id === id)
  if (!found) throw new RangeError(`Nothing is written down as ${id} at ${hospital.name}.`)
  return found
}

async function requestOf({ client, hospital }: Run, id: string) {
  const found = (await client.requests()).find((request) => request.id === id)
  if (!found) throw new RangeError(`There is no open request ${id} at ${hospital.name}.`)
  return found
}

function lockCommand(parent: Command, output: Output): void {
  actCommand(parent, 'lock', 'Stop every release of your records by this hospital')
    .addHelpText('after', IDS)
    .action((options: ActOptions) => perform(options, output, (run, sending) => run.client.lock(sending)))
}

function unlockCommand(parent: Command, output: Output): void {
  actCommand(parent, 'unlock', 'End a lock: the consents from before count again')
    .addHelpText('after', IDS)
    .action((options: ActOptions) => perform(options, output, (run, sending) => run.client.unlock(sending)))
}

function statusCommand(parent: Command, output: Output): void {
  commonCommand(parent, 'status', 'Show who may see what at this hospital, and whether it is locked')
    .addHelpText('after', IDS)
    .action((options: CommonOptions) =>
      running(options, output, async ({ client, hospital, sandbox }) => {
        const own = await client.consents()
        if (options.json) return writeJson(output, withoutSalts(own))
        const lines = statusLines(own, hospital.name, (party) => partyName(sandbox, party))
        output.out(`${lines.join('\n')}\n`)
      }),
    )
}

function historyCommand(parent: Command, output: Output): void {
  commonCommand(
    parent,
    'history',
    'Show who asked, what was released or refused, and what changed; newest first',
  )
    .option('--count <n>', 'how many lines at most', '50')
    .addHelpText('after', IDS)
    .action((options: CommonOptions & { count: string }) =>
      running(options, output, async ({ client }) => {
        const history = await client.history(Number(options.count) || 50)
        if (options.json) return writeJson(output, { history })
        for (const { recorded, sentence } of history) output.out(`${recorded}  ${sentence}\n`)
        if (history.length === 0) output.out('Nothing has happened yet.\n')
      }),
    )
}

function recordCommand(parent: Command, output: Output): void {
  commonCommand(parent, 'record', 'Show what this hospital has of you; as JSON the records themselves')
    .addHelpText('after', IDS)
    .action((options: CommonOptions) =>
      running(options, output, async ({ client }) => {
        const record = await client.record()
        if (options.json) return writeJson(output, { record })
        for (const one of record.filter(({ resourceType }) => resourceType !== 'Patient'))
          output.out(`${[dateOf(one), one.resourceType, titleOf(one)].filter(Boolean).join('  ')}\n`)
      }),
    )
}

function slotCommand(parent: Command, name: string, description: string): Command {
  return actCommand(parent, name, description)
    .requiredOption('--to <id>', 'whom it is for: a hospital, group:NAME or everyone')
    .requiredOption('--purpose <code>', 'HL7 PurposeOfUse code, such as TREAT; PurposeOfUse means any')
}

const slotWish = ({ sandbox }: Run, { to, purpose }: SlotOptions) => ({ to: partyOf(sandbox, to), purpose })

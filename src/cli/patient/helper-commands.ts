import type { Command } from 'commander'
import type { OwnDelegate } from '../../domain/consent/own-delegates.ts'
import { DELEGATE_ACTS, type DelegateAct } from '../../domain/consent/rights.ts'
import { codeToHelp } from '../../patient/helpers.ts'
import { readSandboxFile } from '../../sandbox/sandbox-file.ts'
import { hospitalOf, partyOf } from './names.ts'
import { actCommand, commonCommand, IDS } from './options.ts'
import {
  type ActOptions,
  type CommonOptions,
  helperIn,
  type Output,
  perform,
  readWords,
  running,
  writeJson,
} from './run.ts'

/** What `--may` takes, and what each is on the chain. */
const MAY: Readonly<Record<string, DelegateAct>> = {
  grant: 'mayGrant',
  revoke: 'mayRevoke',
  object: 'mayObject',
  withdraw: 'mayWithdrawObjections',
  lock: 'mayLock',
  unlock: 'mayUnlock',
}

type AppointOptions = ActOptions & {
  code: string
  name?: string
  may: string
  until: string
  to?: string[]
  purpose?: string
  longest?: string
}

/** People who help: whom the patient has appointed, and the other side of it. */
export function helperCommands(parent: Command, output: Output): void {
  parent
    .command('helper-code')
    .description('Show the code by which these words can be appointed to help somebody at a hospital')
    .requiredOption('--words-file <file>', 'file that holds the helper’s own 12 words')
    .requiredOption('--custodian <id>', 'the hospital whose patient is to be helped')
    .option('--number <n>', 'another one for each person who is helped there', '0')
    .option('--sandbox <file>', 'description of the running sandbox', '.wayleave/sandbox.json')
    .addHelpText('after', IDS)
    .action((options: { wordsFile: string; custodian: string; number: string; sandbox: string }) => {
      const { member } = hospitalOf(readSandboxFile(options.sandbox), options.custodian)
      output.out(`${codeToHelp(readWords(options.wordsFile), member, helperIn(options.number))}\n`)
    })

  commonCommand(parent, 'delegates', 'Show who may act for you at this hospital')
    .addHelpText('after', IDS)
    .action((options: CommonOptions) =>
      running(options, output, async ({ client, hospital }) => {
        const delegates = await client.delegates()
        if (options.json) return writeJson(output, { delegates })
        if (delegates.length === 0) output.out(`Nobody may act for you at ${hospital.name}.\n`)
        for (const one of delegates) output.out(`${lineOf(one)}\n`)
      }),
    )

  actCommand(parent, 'appoint', 'Let somebody act for you within bounds')
    .requiredOption('--code <code>', 'what the helper reads out, from `helper-code`')
    .requiredOption('--may <list>', `comma-separated: ${Object.keys(MAY).join(', ')}`)
    .requiredOption('--until <date>', 'last day, YYYY-MM-DD')
    .option('--name <name>', 'what you call the helper')
    .option('--to <ids...>', 'whom the helper may let see anything; everybody when left out')
    .option('--purpose <code>', 'for which purpose, with --to', 'TREAT')
    .option('--longest <days>', 'the longest period that the helper may grant, in days', '365')
    .addHelpText('after', IDS)
    .action((options: AppointOptions) =>
      perform(options, output, ({ client, sandbox }, sending) => {
        const { code, name, until, to, purpose = 'TREAT', longest } = options
        const scopes = to?.map((id) => ({ to: partyOf(sandbox, id), purpose }))
        const wish = {
          ...{ may: mayOf(options.may), until, longestDays: Number(longest) },
          ...(scopes ? { scopes } : {}),
        }
        return client.appoint({ code, ...(name === undefined ? {} : { name }) }, wish, sending)
      }),
    )

  actCommand(parent, 'end-delegation', 'End what a helper may do; it counts once acknowledged')
    .requiredOption('--helper-name <name>', 'the helper by name, or by the number that `delegates` shows')
    .addHelpText('after', IDS)
    .action((options: ActOptions & { helperName: string }) =>
      perform(options, output, async ({ client, hospital }, sending) => {
        const wanted = options.helperName
        const found = (await client.delegates()).filter(
          ({ name, delegate }) => name === wanted || shortOf(delegate) === wanted,
        )
        const [one, ...others] = found
        if (!one || others.length > 0)
          throw new RangeError(`Nobody, or more than one, is called ${wanted} at ${hospital.name}.`)
        return client.endDelegation(one, sending)
      }),
    )
}

/** @throws RangeError for a word that is no right */
function mayOf(list: string): DelegateAct[] {
  return list.split(',').map((word) => {
    const act = MAY[word.trim()]
    if (!act) throw new RangeError(`${word} is nothing that a helper can be allowed.`)
    return act
  })
}

const shortOf = (delegate: string) => delegate.slice(2, 10)

function lineOf({ delegate, name, state, bounds, scopes }: OwnDelegate): string {
  const may = Object.keys(MAY).filter((word) => bounds[MAY[word] ?? DELEGATE_ACTS[0]])
  const whom = scopes ? `, for ${scopes.length} ${scopes.length === 1 ? 'party' : 'parties'} only` : ''
  const states = { waiting: 'waits to be mined', 'in-force': 'in force', over: 'over', ended: 'ended' }
  return `${shortOf(delegate)}  ${name ?? 'without a name'}: ${states[state]}; may ${may.join(', ')}${whom}, until ${bounds.until}.`
}

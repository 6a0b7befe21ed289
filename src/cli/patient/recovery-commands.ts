import type { Command } from 'commander'
import type { OwnRecovery } from '../../domain/identity/own-recovery.ts'
import { partyOf } from './names.ts'
import { actCommand, commonCommand, IDS } from './options.ts'
import { type ActOptions, type CommonOptions, type Output, perform, running, writeJson } from './run.ts'

/** Another key after the words are lost, letting a permit last longer, ending much at once, and the switch of emergencies. */
export function recoveryCommands(parent: Command, output: Output): void {
  commonCommand(parent, 'recover', 'Prove a new key with what the desk and the contact on file have given')
    .requiredOption('--recovery <id>', 'what the desk has given')
    .requiredOption('--code <code>', 'what came to the contact on file')
    .addHelpText('after', IDS)
    .action((options: CommonOptions & { recovery: string; code: string }) =>
      running(options, output, async ({ client, hospital }) => {
        await client.recover(options)
        await client.signIn(20_000)
        tell(output, options, await client.recovery(), hospital.name)
      }),
    )

  commonCommand(parent, 'recovery', 'Show where the replacement of your key stands')
    .addHelpText('after', IDS)
    .action((options: CommonOptions) =>
      running(options, output, async ({ client, hospital }) =>
        tell(output, options, await client.recovery(), hospital.name),
      ),
    )

  actCommand(parent, 'veto', 'Stop the replacement of your key; this key may do so once')
    .addHelpText('after', IDS)
    .action((options: ActOptions) =>
      perform(options, output, ({ client }, sending) => client.vetoRecovery(sending)),
    )

  actCommand(
    parent,
    'renew',
    'Let what was granted to a party last until another day, or confirm it after a recovery',
  )
    .requiredOption('--to <id>', 'whom it is for: a hospital, group:NAME or everyone')
    .requiredOption('--purpose <code>', 'HL7 PurposeOfUse code, such as TREAT')
    .requiredOption('--until <date>', 'last day, YYYY-MM-DD')
    .addHelpText('after', IDS)
    .action((options: ActOptions & { to: string; purpose: string; until: string }) =>
      perform(options, output, async ({ client, sandbox }, sending) => {
        const { granteeType, grantee } = partyOf(sandbox, options.to)
        const consent = (await client.consents()).consents.find(
          ({ scope }) =>
            scope.granteeType === granteeType &&
            scope.grantee === grantee &&
            scope.purpose === options.purpose,
        )
        if (!consent) throw new RangeError('Nothing was granted to that party for that purpose.')
        return client.renew(consent, options.until, sending)
      }),
    )

  actCommand(parent, 'revoke-all', 'End everything that was granted at this hospital, by one signature')
    .addHelpText('after', IDS)
    .action((options: ActOptions) =>
      perform(options, output, ({ client }, sending) => client.revokeAll(undefined, sending)),
    )

  actCommand(parent, 'forbid-emergency', 'Let nobody in without a consent in an emergency')
    .addHelpText('after', IDS)
    .action((options: ActOptions) =>
      perform(options, output, ({ client }, sending) => client.forbidEmergencyAccess(sending)),
    )

  actCommand(parent, 'allow-emergency', 'Let the hospital’s rules for emergencies hold again')
    .addHelpText('after', IDS)
    .action((options: ActOptions) =>
      perform(options, output, ({ client }, sending) => client.allowEmergencyAccess(sending)),
    )
}

function tell(output: Output, { json }: CommonOptions, recovery: OwnRecovery, hospital: string): void {
  if (json) writeJson(output, recovery)
  else output.out(`${sentenceOf(recovery, hospital)}\n`)
}

function sentenceOf({ state, as, readyAt, mayVeto }: OwnRecovery, hospital: string): string {
  const when = readyAt === undefined ? '' : `It can be completed from ${readyAt} on.`
  const own = as === 'owner' ? 'Your key' : 'The key before yours'
  const said: Record<OwnRecovery['state'], string> = {
    none: `${hospital}: no key is being replaced.`,
    pending: `${hospital}: ${own.toLowerCase()} is being replaced. ${when}${mayVeto ? ' You may stop it once, with `veto`.' : ''}`,
    vetoed: `${hospital}: the replacement was stopped. Only the desk can go on with it.`,
    overriding: `${hospital}: ${own.toLowerCase()} is being replaced, against a veto. ${when}`,
    elsewhere: `${hospital}: a contract before this one leads the replacement.`,
  }
  return said[state]
}

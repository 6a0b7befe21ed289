import { Command } from 'commander'
import { checkpointsCommand } from './chain-index/checkpoints.ts'
import { dumpIndex } from './chain-index/dump.ts'
import { followIndex } from './chain-index/follow.ts'
import { networkForPortal } from './chain-index/network.ts'
import { openIndexOf } from './chain-index/open-index.ts'
import { type Output, PROCESS, told } from './chain-index/output.ts'
import { indexStatus, type StatusOptions } from './chain-index/status.ts'
import { verifyIndex } from './chain-index/verify.ts'

const EMBEDDED = `
An embedded database must not be in use: stop the broker first. On PostgreSQL it may run.`

/** `wayleave index`: what this member has of the chain: how far, and whether it is what others have. */
export function indexCommand(output: Output = PROCESS): Command {
  const config = ['--config <file>', 'the broker’s configuration, unless variables say it all'] as const
  return new Command('index')
    .description('Dump, verify and compare what the index has of the chain, and say how far it is')
    .addCommand(
      new Command('status')
        .description('Say how far the index of a running broker is, and how long the rest will take')
        .option(...config)
        .option('--broker <url>', 'where the broker is reached from here, unless it is where it listens')
        .option('--json', 'as JSON')
        .addHelpText(
          'after',
          '\nExit code: 0 where it follows the chain, 1 where it does not, 2 where no broker answers.',
        )
        .action((options: StatusOptions) => told(output, () => indexStatus(options, output))),
    )
    .addCommand(
      new Command('follow')
        .description(
          'Follow a reorganisation deeper than chain.reorganisationDepth, once; stop the broker first',
        )
        .option(...config)
        .addHelpText(
          'after',
          '\nOnly once all members agree on which chain is the right one: what this one says counts from then on.',
        )
        .action((options: { config?: string }) => told(output, () => followIndex(options.config, output))),
    )
    .addCommand(
      new Command('dump')
        .description('Print every event of our contracts in one canonical form, a line each')
        .option(...config)
        .option('--to <block>', 'up to this block, instead of all that is indexed')
        .addHelpText('after', `\nTwo members that follow one chain print the same bytes.${EMBEDDED}`)
        .action((options: { config?: string; to?: string }) =>
          told(output, async () => dumpIndex(await openIndexOf(options.config), options.to, output)),
        ),
    )
    .addCommand(
      new Command('verify')
        .description('Hold the index against what a node answers now')
        .option(...config)
        .option('--rpc <url>', 'another node than this member’s own')
        .addHelpText(
          'after',
          `\nExit code: 0 where they agree, 1 where they do not, 2 where it could not be told.${EMBEDDED}`,
        )
        .action((options: { config?: string; rpc?: string }) =>
          told(output, async () => verifyIndex(await openIndexOf(options.config), options.rpc, output)),
        ),
    )
    .addCommand(
      new Command('network')
        .description(
          'Print the network.json of a portal: the contracts, and every live member as it published itself',
        )
        .option(...config)
        .addHelpText('after', `\nSee docs/portal.md.${EMBEDDED}`)
        .action((options: { config?: string }) =>
          told(output, async () => networkForPortal(await openIndexOf(options.config), output)),
        ),
    )
    .addCommand(checkpointsCommand(output))
}

import { Command } from 'commander'
import { followIndex } from './chain-index/follow.ts'
import { indexStatus, type StatusOptions } from './chain-index/status.ts'

const CONFIG = ['--config <file>', 'the broker’s configuration, unless variables say it all'] as const

/** `wayleave index`: what this member has of the chain. */
export function indexCommand(
  out: (text: string) => void = (text) => void process.stdout.write(text),
): Command {
  return new Command('index')
    .description('Look after the index, which holds what the chain’s events say')
    .addCommand(
      new Command('status')
        .description('Say how far the index of a running broker is, and how long the rest will take')
        .option(...CONFIG)
        .option('--broker <url>', 'where the broker is reached from here, unless it is where it listens')
        .option('--json', 'as JSON')
        .addHelpText(
          'after',
          '\nExit code: 0 where it follows the chain; 1 where it does not yet, or not any more.',
        )
        .action(async (options: StatusOptions) => {
          const { text, code } = await indexStatus(options)
          out(text)
          process.exitCode = code
        }),
    )
    .addCommand(
      new Command('follow')
        .description(
          'Follow a reorganisation deeper than chain.reorganisationDepth, once; stop the broker first',
        )
        .option(...CONFIG)
        .addHelpText(
          'after',
          '\nOnly once all members agree on which chain is the right one: what this one says counts from then on.',
        )
        .action(async (options: { config?: string }) => out(await followIndex(options.config))),
    )
}

import type { Command } from 'commander'
import { LOOK_FOR } from './run.ts'

export const IDS = `
A hospital (--custodian, --to, --via) is named by its key in the sandbox (hospital-2), its member id (0x…), or its
identifier (system|value). --to also takes group:NAME and everyone.

Exit code: 0 when done (a revocation, objection or lock: when the hospital has acknowledged it); 1 when refused, or when
a change is not on the chain within ${LOOK_FOR / 1000} seconds.`

/** What every subcommand of a patient's takes. */
export function commonCommand(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .requiredOption('--words-file <file>', 'file that holds the 12 words; - reads them from standard input')
    .requiredOption('--custodian <id>', 'the hospital whose records it is about')
    .option('--helper <n>', 'act for somebody whom these words help: the number of the code that was shown')
    .option('--replacement <n>', 'number of the key of these words, one more after each new handle', '0')
    .option('--sandbox <file>', 'description of the running sandbox', '.wayleave/sandbox.json')
    .option('--json', 'write JSON instead of sentences')
}

/** What every act takes besides. */
export function actCommand(parent: Command, name: string, description: string): Command {
  return commonCommand(parent, name, description)
    .option('--via <id>', 'send through another hospital, which passes it on unread')
    .option(
      '--sign-only <file>',
      'write the signed act, ready for POST /relay, to a file (- for output) and send nothing',
    )
}

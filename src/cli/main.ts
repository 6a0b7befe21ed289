import { Command } from 'commander'
import { auditCommand } from './audit.ts'
import { backupCommand, restoreCommand } from './backup.ts'
import { brokerCommand } from './broker.ts'
import { patientCommand } from './patient.ts'
import { sandboxCommand } from './sandbox.ts'

/** The one command line; each subcommand is a file beside this one. */
const program = new Command('wayleave')
  .description('Consent directory and record exchange for hospitals on a permissioned EVM chain')
  .showHelpAfterError()
  .addCommand(sandboxCommand())
  .addCommand(brokerCommand())
  .addCommand(patientCommand())
  .addCommand(auditCommand())
  .addCommand(backupCommand())
  .addCommand(restoreCommand())

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`wayleave: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}

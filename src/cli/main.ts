import { Command } from 'commander'
import { WayleaveError } from '../domain/errors.ts'
import { auditCommand } from './audit.ts'
import { backupCommand, restoreCommand } from './backup.ts'
import { brokerCommand } from './broker.ts'
import { councilCommand } from './council.ts'
import { patientCommand } from './patient.ts'
import { sandboxCommand } from './sandbox.ts'
import { successionCommand } from './succession.ts'

/** The one command line; each subcommand is a file beside this one. */
const program = new Command('wayleave')
  .description('Consent directory and record exchange for hospitals on a permissioned EVM chain')
  .showHelpAfterError()
  .addCommand(sandboxCommand())
  .addCommand(brokerCommand())
  .addCommand(patientCommand())
  .addCommand(auditCommand())
  .addCommand(councilCommand())
  .addCommand(successionCommand())
  .addCommand(backupCommand())
  .addCommand(restoreCommand())

try {
  await program.parseAsync()
} catch (error) {
  // The operator at the terminal may read what callers over the network may not.
  const detail = error instanceof WayleaveError && error.detail ? ` (${error.detail})` : ''
  process.stderr.write(`wayleave: ${error instanceof Error ? error.message : String(error)}${detail}\n`)
  process.exit(1)
}

import { Command } from 'commander'
import { WayleaveError } from '../domain/errors.ts'
import { decideCommand } from './decide.ts'
import { filterCommand } from './filter.ts'

/** The one command line; each subcommand is a file beside this one. */
const program = new Command('wayleave')
  .description('Consent directory and record exchange for hospitals on a permissioned EVM chain')
  .showHelpAfterError()
  // What follows a command is for it and the commands under it, which have options of the same names.
  .enablePositionalOptions()

// These need nothing of the others, which take most of a second to load.
const named = process.argv[2] ?? ''
if (!['decide', 'filter', 'report'].includes(named)) await addProcesses()
program.addCommand(decideCommand()).addCommand(filterCommand())
if (!['decide', 'filter'].includes(named)) {
  const { reportCommand } = await import('./report.ts')
  program.addCommand(reportCommand())
}

async function addProcesses(): Promise<void> {
  const { auditCommand } = await import('./audit.ts')
  const { backupCommand, restoreCommand } = await import('./backup.ts')
  const { brokerCommand } = await import('./broker.ts')
  const { clientsCommand } = await import('./clients.ts')
  const { consoleCommand } = await import('./console.ts')
  const { councilCommand } = await import('./council.ts')
  const { indexCommand } = await import('./chain-index.ts')
  const { keysCommand } = await import('./keys.ts')
  const { patientCommand } = await import('./patient.ts')
  const { proofCommand } = await import('./proof.ts')
  const { reconcileCommand } = await import('./reconcile.ts')
  const { sandboxCommand } = await import('./sandbox.ts')
  const { successionCommand } = await import('./succession.ts')
  program
    .addCommand(sandboxCommand())
    .addCommand(brokerCommand())
    .addCommand(patientCommand())
    .addCommand(auditCommand())
    .addCommand(clientsCommand())
    .addCommand(consoleCommand())
    .addCommand(councilCommand())
    .addCommand(successionCommand())
    .addCommand(keysCommand())
    .addCommand(reconcileCommand())
    .addCommand(indexCommand())
    .addCommand(proofCommand())
    .addCommand(backupCommand())
    .addCommand(restoreCommand())
}

try {
  await program.parseAsync()
} catch (error) {
  // The operator at the terminal may read what callers over the network may not.
  const detail = error instanceof WayleaveError && error.detail ? ` (${error.detail})` : ''
  process.stderr.write(`wayleave: ${error instanceof Error ? error.message : String(error)}${detail}\n`)
  process.exit(1)
}

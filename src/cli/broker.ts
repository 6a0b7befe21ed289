import { appendFileSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Command } from 'commander'
import pino from 'pino'
import { createBroker, readBrokerConfig } from '../broker/index.ts'
import { systemClock } from '../domain/clock.ts'
import { createFhirServer } from '../sandbox/fhir-server/fhir-server.ts'
import { openDatabase } from '../store/database.ts'
import { loadKeyring } from '../store/keyring.ts'
import { dropIndex } from '../store/migrate.ts'

/** `wayleave broker`: one hospital's broker, with the embedded FHIR server beside it where so configured. */
export function brokerCommand(): Command {
  return new Command('broker')
    .description('Run one hospital’s broker (relayer and indexer inside) until SIGTERM')
    .requiredOption('--config <file>', 'its configuration, a JSON file; see docs/operate.md')
    .option('--log-level <level>', 'trace, debug, info, warn, error', 'info')
    .option('--reindex', 'drop the index first, and replay it from the chain: after a contract was replaced')
    .action(runBroker)
}

async function runBroker(options: { config: string; logLevel: string; reindex?: boolean }): Promise<void> {
  const { config: configFile, logLevel: level, reindex } = options
  const config = readBrokerConfig(JSON.parse(readFileSync(configFile, 'utf8')))
  const log = pino({
    level,
    base: { hospital: config.name },
    // Whatever slips into a log entry, these never do.
    redact: ['*.identifier', '*.patient', '*.words', '*.password', '*.authorization', '*.token'],
  })
  const keyring = await loadKeyring(config.keys)
  const database = await openDatabase(config.database)
  if (reindex) await dropIndex(database.db)
  const fhir = config.fhir
  let fhirBase: string
  let closeFhir = async () => {}
  if (fhir.kind === 'embedded') {
    const server = await createFhirServer({
      db: database.db,
      contentDir: join(dirname(fhir.accessLog), 'fhir-contents'),
      now: () => new Date(),
      accessLog: (entry) => appendFileSync(fhir.accessLog, `${JSON.stringify(entry)}\n`),
      onError: (error) => log.error({ error: String(error) }, 'the FHIR server failed'),
    })
    await server.app.listen({ host: config.host, port: fhir.port })
    fhirBase = `http://${config.host}:${fhir.port}/fhir`
    closeFhir = () => server.close()
  } else fhirBase = fhir.base
  const broker = await createBroker({ config, keyring, database, fhirBase, clock: systemClock, log })
  log.info({ base: broker.base }, 'the broker serves')

  // As other servers do: certificates are read anew, and nobody is cut off.
  process.on('SIGHUP', () => {
    broker.reloadTls().then(
      () => log.info('the certificates were read anew'),
      (error: unknown) =>
        log.error({ error: String(error) }, 'the certificates could not be read; the former ones stay'),
    )
  })
  let stopping = false
  const stop = () => {
    if (stopping) return
    stopping = true
    void broker
      .close()
      .then(closeFhir)
      .then(() => database.close())
      .then(() => process.exit(0))
  }
  process.on('SIGTERM', stop)
  // Ctrl-C in a terminal reaches the whole group; under a supervisor, its SIGTERM is what counts.
  process.on('SIGINT', process.channel ? () => {} : stop)
  process.on('disconnect', stop)
}

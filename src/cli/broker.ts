import { appendFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { Command, Option } from 'commander'
import {
  type Broker,
  type BrokerConfig,
  createBroker,
  loadBrokerConfig,
  maskedConfig,
  settingsHelp,
} from '../broker/index.ts'
import { systemClock } from '../domain/clock.ts'
import { createLog, LOG_LEVELS, type Logger, type LogLevel } from '../observe/log.ts'
import { startTracing } from '../observe/tracing.ts'
import { createFhirServer } from '../sandbox/fhir-server/fhir-server.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { loadKeyFile } from '../store/key-file.ts'
import { dropIndex } from '../store/migrate.ts'
import { unlockOf } from './unlock.ts'

type Options = { config?: string; logLevel?: LogLevel; reindex?: boolean; check?: boolean }

/** `wayleave broker`: one hospital's broker, with the embedded FHIR server beside it where so configured. */
export function brokerCommand(): Command {
  return new Command('broker')
    .description('Run one hospital’s broker (relayer and indexer inside) until SIGTERM')
    .option(
      '--config <file>',
      'its configuration, a JSON file; variables count over it, or say all without it',
    )
    .addOption(new Option('--log-level <level>', 'counts over the configuration').choices([...LOG_LEVELS]))
    .option('--check', 'print the configuration as it counts, with secrets masked, and end')
    .option('--reindex', 'drop the index first, and replay it from the chain: after a contract was replaced')
    .addHelpText('after', settingsHelp())
    .action(runBroker)
}

async function runBroker(options: Options): Promise<void> {
  // What is wrong up to here the operator reads at the terminal, in words: nothing of a patient is at hand yet.
  const config = loadBrokerConfig({ file: options.config, env: process.env })
  if (options.check) {
    process.stdout.write(`${JSON.stringify(maskedConfig(config), null, 2)}\n`)
    return
  }
  const log = createLog({ level: options.logLevel ?? config.logLevel ?? 'info', hospital: config.name })
  const { keyring, encrypted } = await loadKeyFile(config.keys, unlockOf(config))
  const tracing = await startTracing(process.env)
  // From here on only the log speaks: what is thrown may hold a patient's data in its words.
  speakByLogOnly(log)
  if (!encrypted && config.database.kind !== 'pglite') log.warn({}, 'the key file is not encrypted')

  // Before it listens nothing is under way, and a restart finds everything as after a crash; then its start comes first.
  let listens = false
  let toldToStop = false
  let stop = async (): Promise<void> => {
    if (!listens) process.exit(0)
    toldToStop = true
  }
  endOnSignals(log, () => void stop())
  try {
    const database = await openDatabase(config.database)
    if (options.reindex) await dropIndex(database.db)
    const fhir = await openFhir(config, database, log)
    const broker = await createBroker({
      ...{ config, keyring, database, fhirBase: fhir.base, clock: systemClock, log },
      starting: (step) => {
        listens ||= step === 'its port'
      },
    })
    log.info({ port: Number(new URL(broker.base).port) }, 'the broker serves')
    reloadOnHangup(broker, log)
    stop = async () => {
      await leave(broker, log)
      await fhir.close()
      await database.close()
      await tracing?.stop().catch(() => undefined)
      process.exit(0)
    }
    if (toldToStop) await stop()
  } catch (error) {
    log.fatal({ error }, 'the broker cannot start')
    process.exit(1)
  }
}

/** As other servers do: certificates are read anew, and nobody is cut off. */
function reloadOnHangup(broker: Broker, log: Logger): void {
  process.on('SIGHUP', () => {
    broker.reloadTls().then(
      () => log.info({}, 'the certificates were read anew'),
      (error: unknown) => log.error({ error }, 'the certificates could not be read; the former ones stay'),
    )
  })
}

async function leave(broker: Broker, log: Logger): Promise<void> {
  await broker.drain()
  await broker.close()
  log.info({}, 'the broker has stopped')
}

/** The hospital's FHIR server: the embedded one is opened, any other is only named. */
async function openFhir({ fhir, host }: BrokerConfig, database: Database, log: Logger) {
  if (fhir.kind === 'server') return { base: fhir.base, close: async () => {} }
  const server = await createFhirServer({
    db: database.db,
    contentDir: join(dirname(fhir.accessLog), 'fhir-contents'),
    now: () => new Date(),
    accessLog: (entry) => appendFileSync(fhir.accessLog, `${JSON.stringify(entry)}\n`),
    onError: (error) => log.error({ error }, 'the FHIR server failed'),
  })
  await server.app.listen({ host, port: fhir.port })
  return { base: `http://${host}:${fhir.port}/fhir`, close: () => server.close() }
}

/** Node writes what nobody catches, and its warnings, with all their words to standard error: the log tells them instead. */
function speakByLogOnly(log: Logger): void {
  // A diagnostic report would hold the environment, and a heap snapshot everything.
  if (process.report) process.report.excludeEnv = true
  process.removeAllListeners('warning')
  process.on('warning', (error) => log.warn({ error }, 'the runtime warns'))
  const fail = (error: unknown) => {
    log.fatal({ error }, 'the process fails')
    process.exit(1)
  }
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
}

/** A terminal's Ctrl-C reaches the whole group, and the launcher passes it on: within this, twice is once. Milliseconds. */
const ONE_SIGNAL = 500

/** The first signal lets the broker leave in good order, a second one ends the process at once. */
function endOnSignals(log: Logger, onFirst: () => void): void {
  let first: number | undefined
  const heard = (signal: 'SIGTERM' | 'SIGINT') => {
    const now = performance.now()
    if (first === undefined) {
      first = now
      onFirst()
    } else if (now - first > ONE_SIGNAL) {
      log.warn({ signal }, 'a second signal ends the process at once')
      process.exit(128 + constants.signals[signal])
    }
  }
  process.on('SIGTERM', () => heard('SIGTERM'))
  // Under a supervisor, its SIGTERM is what counts.
  process.on('SIGINT', process.channel ? () => {} : () => heard('SIGINT'))
  process.on('disconnect', () => {
    if (first === undefined) heard('SIGTERM')
  })
}

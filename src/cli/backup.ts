import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { loadBrokerConfig } from '../broker/index.ts'
import { makeBackup, restoreBackup } from '../store/backup.ts'
import { openDatabase } from '../store/database.ts'
import { loadKeyring, writeKeyFile } from '../store/key-file.ts'
import { openBrokerTables } from '../store/migrate.ts'
import { unlockOf } from './unlock.ts'

type Options = { config?: string; passphraseFile: string }

/** `wayleave backup`: an encrypted copy of what neither the chain nor the FHIR server can give back. */
export function backupCommand(): Command {
  return command(
    'backup',
    'Write an encrypted backup of one broker: keys, handles, scopes, terms, signed acts, its log',
  )
    .requiredOption('--out <file>', 'the backup; must not exist yet')
    .action(async (options: Options & { out: string }) => {
      const { database, db, config } = await open(options)
      try {
        const backup = await makeBackup(
          db,
          await loadKeyring(config.keys, unlockOf(config)),
          passphraseIn(options),
        )
        writeFileSync(options.out, backup, { mode: 0o600, flag: 'wx' })
        process.stdout.write(
          `Backup written to ${options.out}, ${backup.length} bytes. Without the passphrase it is lost.\n`,
        )
      } finally {
        await database.close()
      }
    })
}

/** `wayleave restore`: into an empty database; writes the key file where there is none. */
export function restoreCommand(): Command {
  return command('restore', 'Fill an empty broker database, and its key file, from a backup')
    .requiredOption('--in <file>', 'the backup')
    .action(async (options: Options & { in: string }) => {
      const { database, db, config } = await open(options)
      try {
        if (existsSync(config.keys))
          throw new Error(`${config.keys} exists; keys are restored only where there are none`)
        const keyring = await restoreBackup(
          db,
          readFileSync(options.in, 'utf8').trim(),
          passphraseIn(options),
        )
        await writeKeyFile(config.keys, keyring, unlockOf(config))
        process.stdout.write(
          'Restored. Start the broker: it replays the chain and reads its FHIR server again.\n',
        )
      } finally {
        await database.close()
      }
    })
}

function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option(
      '--config <file>',
      'the broker’s configuration, unless variables say it all; an embedded database must not be in use',
    )
    .requiredOption('--passphrase-file <file>', 'a file that holds the passphrase, at least 16 characters')
}

async function open(options: Options) {
  const config = loadBrokerConfig({ file: options.config, env: process.env })
  const database = await openDatabase(config.database)
  return { config, database, db: await openBrokerTables(database.db) }
}

function passphraseIn({ passphraseFile }: Options): string {
  const passphrase = readFileSync(passphraseFile, 'utf8').trim()
  if (passphrase.length < 16) throw new Error('The passphrase has fewer than 16 characters')
  return passphrase
}

import { readFileSync, writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { Wallet } from 'ethers'
import {
  decryptKeyring,
  kindOf,
  loadKeyFile,
  newUnlockKey,
  readUnlock,
  replaceKeyFile,
  type Unlock,
  writeKeyFile,
} from '../store/key-file.ts'
import { type Keyring, renewSigning, replaceSigning } from '../store/keyring.ts'

type Options = {
  passphraseFile?: string
  passphraseFd?: string
  newPassphraseFile?: string
  newPassphraseFd?: string
  out?: string
}

/** `wayleave keys`: a broker's key file, encrypted under a passphrase or a key (docs/operate.md). */
export function keysCommand(
  say: (text: string) => unknown = (text) => process.stdout.write(`${text}\n`),
): Command {
  const keys = new Command('keys').description(
    'Encrypt a broker’s key file, and change what it is encrypted under',
  )
  keys.addCommand(
    withPassphrase(new Command('encrypt'))
      .description('Encrypt a key file that is in clear, in its place')
      .argument('<key-file>')
      .action(async (file: string, options: Options) => {
        const unlock = required(options)
        if (kindOf(readFileSync(file, 'utf8')) !== 'in clear')
          throw new Error(
            `${file} is encrypted already; wayleave keys rotate changes what it is encrypted under`,
          )
        const { keyring } = await loadKeyFile(file)
        await replaceKeyFile(file, keyring, unlock)
        say(
          `${file} is encrypted under the ${unlock.kind}. Copies made before are still in clear: remove them.`,
        )
      }),
  )
  keys.addCommand(
    withPassphrase(new Command('decrypt'))
      .description('Write the keys of an encrypted key file in clear to another file, mode 600')
      .argument('<key-file>')
      .requiredOption('--out <file>', 'where they go; must not exist yet')
      .action(async (file: string, options: Options) => {
        const keyring = await decryptKeyring(readFileSync(file, 'utf8'), required(options))
        await writeKeyFile(options.out ?? '', keyring, undefined)
        say(`The keys are in clear in ${options.out}.`)
      }),
  )
  keys.addCommand(
    withPassphrase(new Command('rotate'))
      .description('Encrypt a key file anew, under another passphrase or key; the keys in it stay')
      .argument('<key-file>')
      .option('--new-passphrase-file <file>', 'a file that holds the new passphrase, or the new key as a JWK')
      .option('--new-passphrase-fd <number>', 'the same, from an open file descriptor')
      .action(async (file: string, options: Options) => {
        const keyring = await decryptKeyring(readFileSync(file, 'utf8'), required(options))
        const next = readUnlock({ file: options.newPassphraseFile, fd: numberOf(options.newPassphraseFd) })
        if (!next) throw new Error('Under what? Give --new-passphrase-file or --new-passphrase-fd')
        await replaceKeyFile(file, keyring, next)
        say(`${file} is encrypted under the new ${next.kind}. The database stays as it is.`)
      }),
  )
  keys.addCommand(
    withPassphrase(new Command('renew-signing'))
      .description(
        'Renew the key that signs, in three steps: make the next one, let it take over, let the former go',
      )
      .argument('<key-file>')
      .option(
        '--at-once',
        'in one step, for a key that was stolen: what it signed and is under way is refused',
      )
      .action(async (file: string, options: Options & { atOnce?: true }) => {
        const unlock = unlockOf(options)
        const keyring = await decryptKeyring(readFileSync(file, 'utf8'), unlock)
        const next = options.atOnce ? await replaceSigning(keyring) : await renewSigning(keyring)
        await replaceKeyFile(file, next, unlock)
        say(`${toldOf(next, options.atOnce === true)} Now restart the broker, every replica of it.`)
      }),
  )
  keys.addCommand(
    withPassphrase(new Command('show'))
      .description('Tell how a key file is kept, and the public halves of its keys')
      .argument('<key-file>')
      .action(async (file: string, options: Options) => {
        const text = readFileSync(file, 'utf8')
        const kind = kindOf(text)
        say(kind === 'in clear' ? 'Kept in clear.' : `Encrypted under a ${kind}.`)
        const unlock = unlockOf(options)
        if (kind !== 'in clear' && !unlock) return
        const { operator, signing, sealing } = await decryptKeyring(text, unlock)
        say(`Operator account: ${new Wallet(operator).address}`)
        say(`Signing key: ${signing.kid}. Sealing key: ${sealing.kid}.`)
      }),
  )
  keys.addCommand(
    new Command('new-key')
      .description('Make a key under which key files can be encrypted, as a JWK of mode 600')
      .requiredOption('--out <file>', 'where it goes; must not exist yet')
      .action(({ out }: { out: string }) => {
        writeFileSync(out, `${JSON.stringify(newUnlockKey())}\n`, { mode: 0o600, flag: 'wx' })
        say(`A new key is in ${out}. Keep it apart from the key files that it encrypts.`)
      }),
  )
  return keys
}

function toldOf({ signing, nextSigning, formerSigning }: Keyring, isAtOnce: boolean): string {
  if (nextSigning)
    return `The next signing key is ${nextSigning.kid}. It will be published beside ${signing.kid}, which signs on; step 2 of 3 is this command again.`
  if (formerSigning)
    return `${signing.kid} signs from now on. ${formerSigning.kid} stays published for what it signed; step 3 of 3, an hour later, is this command again.`
  return isAtOnce
    ? `${signing.kid} signs from now on, and the former key is published no more.`
    : `${signing.kid} is the only signing key now. Records that former ones signed stay verifiable.`
}

function withPassphrase(command: Command): Command {
  return command
    .option('--passphrase-file <file>', 'a file that holds the passphrase, or the key as a JWK')
    .option('--passphrase-fd <number>', 'the same, from an open file descriptor')
}

const numberOf = (text: string | undefined) => (text === undefined ? undefined : Number(text))

const unlockOf = (options: Options): Unlock | undefined =>
  readUnlock({
    file: options.passphraseFile,
    fd: numberOf(options.passphraseFd),
    credentials: process.env.CREDENTIALS_DIRECTORY,
  })

function required(options: Options): Unlock {
  const unlock = unlockOf(options)
  if (!unlock) throw new Error('Under what? Give --passphrase-file or --passphrase-fd')
  return unlock
}

import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keysCommand } from '../../src/cli/keys.ts'
import {
  CREDENTIAL,
  encryptKeyring,
  kindOf,
  loadKeyFile,
  loadKeyring,
  newUnlockKey,
  readUnlock,
  type Unlock,
  writeKeyFile,
} from '../../src/store/key-file.ts'
import { createKeyring, type Keyring } from '../../src/store/keyring.ts'

const dir = mkdtempSync(join(tmpdir(), 'wayleave-keys-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const at = (name: string) => join(dir, name)
const written = (name: string, text: string) => {
  writeFileSync(at(name), text, { mode: 0o600 })
  return at(name)
}

let keyring: Keyring
let passphrase: Unlock
let key: Unlock
beforeAll(async () => {
  keyring = await createKeyring()
  passphrase = readUnlock({ file: written('passphrase', 'correct horse battery staple\n') }) as Unlock
  key = readUnlock({ file: written('key.jwk', JSON.stringify(newUnlockKey())) }) as Unlock
})

test('an encrypted key file is a JWE that holds no key in clear, and opens under its passphrase or key alone', async () => {
  for (const [unlock, other, alg] of [
    [passphrase, key, 'PBES2-HS512+A256KW'],
    [key, passphrase, 'A256KW'],
  ] as const) {
    const file = at(`keys.${unlock.kind}`)
    await writeKeyFile(file, keyring, unlock)
    const text = readFileSync(file, 'utf8')
    expect(decodeProtectedHeader(text.trim())).toMatchObject({ alg, enc: 'A256GCM', typ: 'wayleave-keys' })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    for (const secret of [keyring.operator.slice(2), keyring.kek, String(keyring.signing.d)])
      expect(text).not.toContain(secret)
    expect(await loadKeyFile(file, unlock)).toEqual({ keyring, encrypted: true })
    await expect(loadKeyFile(file)).rejects.toThrow(/^The key file is encrypted\. Name the file/)
    await expect(loadKeyFile(file, other)).rejects.toThrow(/what was given is a/)
    const wrong = { ...unlock, secret: unlock.secret.map((byte) => byte ^ 1) }
    await expect(loadKeyFile(file, wrong)).rejects.toThrow(
      /^The (passphrase|key) is wrong, or the key file is damaged$/,
    )
    // The first letter of the tag: of the last one some bits count for nothing.
    writeFileSync(
      file,
      text.replace(/\.(.)([^.]*)$/, (_, letter, rest) => `.${letter === 'A' ? 'B' : 'A'}${rest}`),
    )
    await expect(loadKeyFile(file, unlock)).rejects.toThrow('damaged')
  }
})

test('a passphrase comes from a file, a file descriptor or systemd’s credential, and is never a short one', () => {
  const file = written('given', 'from whichever place it comes\n')
  expect(readUnlock({ fd: openSync(file, 'r') })).toEqual(readUnlock({ file }))
  const credentials = at('credentials')
  expect(readUnlock({ credentials })).toBeUndefined()
  mkdirSync(credentials)
  writeFileSync(join(credentials, CREDENTIAL), 'handed over by the system\n')
  expect(Buffer.from(readUnlock({ credentials })?.secret ?? []).toString()).toBe('handed over by the system')
  expect(readUnlock({})).toBeUndefined()
  expect(() => readUnlock({ file: written('short', 'fifteen letters\n') })).toThrow('fewer than 16')
  expect(() => readUnlock({ file, fd: 3 })).toThrow('name one')
  expect(() => readUnlock({ file: written('bad.jwk', '{"kty":"oct","k":"AAAA"}') })).toThrow('32 bytes')
})

test('keys in clear are for their owner only, and no passphrase may stand beside them', async () => {
  const file = at('clear.json')
  await writeKeyFile(file, keyring, undefined)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect((await loadKeyFile(file)).encrypted).toBe(false)
  await expect(loadKeyFile(file, passphrase)).rejects.toThrow(
    'is not encrypted, and a passphrase is configured',
  )
  chmodSync(file, 0o640)
  await expect(loadKeyFile(file)).rejects.toThrow(`(mode 640): chmod 600 ${file}`)
})

test('a file that is made at the first start is encrypted where there is something to encrypt it under', async () => {
  const made = await loadKeyFile(at('made'), passphrase)
  expect(kindOf(readFileSync(at('made'), 'utf8'))).toBe('passphrase')
  expect(await loadKeyFile(at('made'), passphrase)).toEqual(made)
})

test('what is no key file, or lacks a key, is refused without repeating what it holds', async () => {
  const { kek: _, ...rest } = keyring
  await expect(loadKeyFile(written('lacks', JSON.stringify(rest)))).rejects.toThrow('lacks one of')
  for (const text of [
    'hello',
    '{"operator":"0xsecret',
    await encryptKeyring(keyring, key).then((jwe) => jwe.slice(9)),
  ])
    await expect(loadKeyFile(written('bad', text))).rejects.toThrow(/^(?!.*secret)/)
})

test('at the terminal a file is encrypted, shown, rotated to a key and decrypted; the keys stay the same', async () => {
  const file = at('terminal.json')
  await writeKeyFile(file, keyring, undefined)
  const run = async (...args: string[]) => {
    const said: string[] = []
    await keysCommand((text) => said.push(text)).parseAsync(args, { from: 'user' })
    return said.join('\n')
  }
  expect(await run('encrypt', file, '--passphrase-file', at('passphrase'))).toMatch(/under the passphrase/)
  const fd = String(openSync(at('passphrase'), 'r'))
  expect(await run('show', file, '--passphrase-fd', fd)).toContain(`Signing key: ${keyring.signing.kid}`)
  const rotate = ['--new-passphrase-file', at('key.jwk')]
  const wrong = spawnSync(
    process.execPath,
    [
      join(import.meta.dirname, '../../src/cli/main.ts'),
      'keys',
      'rotate',
      file,
      '--passphrase-fd',
      '0',
      ...rotate,
    ],
    { encoding: 'utf8', input: 'not the right passphrase\n' },
  )
  expect([wrong.status, wrong.stdout, wrong.stderr]).toEqual([
    ...[1, '', 'wayleave: The passphrase is wrong, or the key file is damaged\n'],
  ])
  expect(await run('rotate', file, '--passphrase-file', at('passphrase'), ...rotate)).toMatch(/the new key/)
  await expect(loadKeyFile(file, passphrase)).rejects.toThrow('encrypted under a key')
  expect(await loadKeyFile(file, key)).toEqual({ keyring, encrypted: true })
  await run('decrypt', file, '--passphrase-file', at('key.jwk'), '--out', at('out.json'))
  expect(await loadKeyFile(at('out.json'))).toEqual({ keyring, encrypted: false })
}, 60_000)

test('the signing key is renewed in three steps, and at once where it was stolen; every other key stays', async () => {
  const file = at('renewed.json')
  await writeKeyFile(file, keyring, passphrase)
  const run = async (...args: string[]) => {
    const said: string[] = []
    const under = ['--passphrase-file', at('passphrase')]
    await keysCommand((text) => said.push(text)).parseAsync(['renew-signing', file, ...under, ...args], {
      from: 'user',
    })
    return { said: said.join(), now: await loadKeyring(file, passphrase) }
  }
  const former = keyring.signing.kid
  const first = await run()
  const next = first.now.nextSigning
  expect(first.now).toEqual({ ...keyring, nextSigning: next })
  expect(first.said).toContain(`The next signing key is ${next?.kid}`)
  const second = await run()
  expect(second.now).toMatchObject({ signing: next, formerSigning: { kid: former } })
  expect(second.now.formerSigning).not.toHaveProperty('d')
  expect((await run()).now).toEqual({ ...keyring, signing: next })
  await run()
  const { now } = await run('--at-once')
  expect(now).toEqual({ ...keyring, signing: now.signing })
  expect([next?.kid, former]).not.toContain(now.signing.kid)
}, 60_000)

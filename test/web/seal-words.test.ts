import { describe, expect, test } from 'vitest'
import { createWords } from '../../src/patient/seed.ts'
import {
  isSealedFile,
  markOf,
  openWithPassphrase,
  openWithSecret,
  passphraseTrouble,
  SealNotOpened,
  sealWithPassphrase,
  sealWithSecret,
} from '../../src/web/portal/device/seal-words.ts'

const words = createWords()
const secretOf = (byte: number) => new Uint8Array(32).fill(byte)
const troubleOf = (opening: Promise<unknown>) =>
  opening.then(
    () => 'opened',
    (error: unknown) => (error instanceof SealNotOpened ? error.trouble : error),
  )

describe('words that a passkey seals', () => {
  test('open with its secret and with no other', async () => {
    const sealed = await sealWithSecret(words, secretOf(1))
    expect(await openWithSecret(sealed, secretOf(1))).toBe(words)
    expect(await troubleOf(openWithSecret(sealed, secretOf(2)))).toBe('not-a-seal')
    expect(await troubleOf(openWithSecret('', secretOf(1)))).toBe('not-a-seal')
  })

  test('look different each time, and fit into the smallest large blob that a security key must have', async () => {
    const [one, other] = [await sealWithSecret(words, secretOf(1)), await sealWithSecret(words, secretOf(1))]
    expect(one).not.toBe(other)
    // CTAP 2.1 §6.10: the serialised array has 1,024 bytes at least, of which an entry costs about 100.
    expect(one.length).toBeLessThan(900)
  })
})

describe('words that a passphrase seals', () => {
  test('open with that passphrase, however a keyboard writes it, and with no other', async () => {
    const sealed = await sealWithPassphrase(words, 'Crème brûlée, vier Uhr')
    expect(isSealedFile(sealed)).toBe(true)
    expect(sealed).not.toContain(words.split(' ')[0])
    expect(await openWithPassphrase(`\n${sealed}\n`, ' Cre\u0300me bru\u0302le\u0301e, vier Uhr ')).toBe(
      words,
    )
    expect(await troubleOf(openWithPassphrase(sealed, 'Creme brulee, vier Uhr'))).toBe('wrong-passphrase')
  })

  test('are not looked for in a file that is no such seal, or would keep the device busy for hours', async () => {
    const header = (fields: object) => Buffer.from(JSON.stringify(fields)).toString('base64url')
    const strange = [
      '',
      'hello',
      'x'.repeat(1_000_000),
      await sealWithSecret(words, secretOf(1)),
      `${header({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', p2c: 2_000_000_000, p2s: 'AAAA' })}.a.b.c.d`,
      `${header({ alg: 'none' })}.a.b.c.d`,
    ]
    for (const file of strange) {
      expect(isSealedFile(file)).toBe(false)
      expect(await troubleOf(openWithPassphrase(file, 'any passphrase at all'))).toBe('not-a-seal')
    }
  })

  test('need a passphrase that is long and not one key held down', () => {
    expect(passphraseTrouble('fourteen chars')).toBe('too-short')
    expect(passphraseTrouble(`  fourteen chars  `)).toBe('too-short')
    expect(passphraseTrouble('aaaaaaaaaaaaaaaabbbbb')).toBe('too-even')
    expect(passphraseTrouble('ab cd ef '.repeat(40))).toBe('too-long')
    expect(passphraseTrouble('heron lamp gravel Tuesday')).toBeUndefined()
    // Characters count, and not the units that they are written in.
    expect(passphraseTrouble('🦭🐢🌋🛶🪁🧭🎻')).toBe('too-short')
  })
})

test('a mark tells words apart and is not the words', async () => {
  expect(await markOf(words)).toBe(await markOf(words))
  expect(await markOf(words)).not.toBe(await markOf(createWords()))
  expect(await markOf(words)).toMatch(/^[0-9a-f]{64}$/)
})

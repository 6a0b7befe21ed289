import { readFileSync } from 'node:fs'
import { HDKey } from '@scure/bip32'
import { entropyToMnemonic, mnemonicToSeedSync } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { HDNodeWallet } from 'ethers'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromHex, type Hex, toHex } from '../../src/domain/hex.ts'
import { custodianPath } from '../../src/domain/identity/derivation-path.ts'
import { memberId } from '../../src/domain/identity/member-id.ts'
import { checkWords, childKey, createWords, WordsInvalid } from '../../src/patient/seed.ts'
import { seeded } from '../seeded.ts'

const KEYS_PAGE = readFileSync(new URL('../../docs/keys.md', import.meta.url), 'utf8')
const KNOWN_WORDS = `${'abandon '.repeat(11)}about`

const aWords = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => entropyToMnemonic(bytes, wordlist))
const aMember = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex)

// https://github.com/trezor/python-mnemonic/blob/master/vectors.json, the English vectors of 12 words; passphrase TREZOR
test.each([
  [
    '00000000000000000000000000000000',
    'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about',
    'c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04',
  ],
  [
    '7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f',
    'legal winner thank year wave sausage worth useful legal winner thank yellow',
    '2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607',
  ],
  [
    '80808080808080808080808080808080',
    'letter advice cage absurd amount doctor acoustic avoid letter advice cage above',
    'd71de856f81a8acc65e6fc851a38d4d7ec216fd0796d0a6827a3ad6ed5511a30fa280f12eb2e47ed2ac03b5c462a0358d18d69fe4f985ec81778c1b370b652a8',
  ],
  [
    'ffffffffffffffffffffffffffffffff',
    'zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong',
    'ac27495480225222079d7be181583751e86f571027b0497b5b5d11218e0a8a13332572917f0f8e5a589620c6f15b11c61dee327651a14c34e18231052e48c069',
  ],
])('BIP-39 vector %s: entropy, words and seed', (entropy, words, seed) => {
  expect(entropyToMnemonic(fromHex(entropy), wordlist)).toBe(words)
  expect(checkWords(words)).toBe(words)
  expect(toHex(mnemonicToSeedSync(words, 'TREZOR'))).toBe(`0x${seed}`)
})

// BIP-32, test vectors 1, 3 and 4, as far as they are hardened: leading zeros of a private key are kept
test.each([
  [
    '000102030405060708090a0b0c0d0e0f',
    "m/0'",
    'xprv9uHRZZhk6KAJC1avXpDAp4MDc3sQKNxDiPvvkX8Br5ngLNv1TxvUxt4cV1rGL5hj6KCesnDYUhd7oWgT11eZG7XnxHrnYeSvkzY7d2bhkJ7',
  ],
  [
    '4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be',
    "m/0'",
    'xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJCVVFceUvJFjaPdGZ2y9WACViL4L',
  ],
  [
    '3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678',
    "m/0'",
    'xprv9vB7xEWwNp9kh1wQRfCCQMnZUEG21LpbR9NPCNN1dwhiZkjjeGRnaALmPXCX7SgjFTiCTT6bXes17boXtjq3xLpcDjzEuGLQBM5ohqkao9G',
  ],
  [
    '3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678',
    "m/0'/1'",
    'xprv9xJocDuwtYCMNAo3Zw76WENQeAS6WGXQ55RCy7tDJ8oALr4FWkuVoHJeHVAcAqiZLE7Je3vZJHxspZdFHfnBEjHqU5hG1Jaj32dVoS6XLT1',
  ],
])('BIP-32 vector %s at %s', (seed, path, key) => {
  expect(HDKey.fromMasterSeed(fromHex(seed)).derive(path).privateExtendedKey).toBe(key)
})

test('the test vector in docs/keys.md is what the code derives', () => {
  const rows = [...KEYS_PAGE.matchAll(/^\| `(.+?)` \| (\d+) \| `(0x[0-9a-f]{40})` \|$/gm)]
  expect(rows).toHaveLength(4)
  const words = /The words are `([a-z ]+)`/.exec(KEYS_PAGE)?.[1] ?? ''
  for (const [, organisation = '', replacement, signer] of rows) {
    const member = memberId(organisation.replace('\\|', '|'))
    expect(childKey(words, member, Number(replacement)).signer).toBe(signer)
  }
  const member = memberId('urn:oid:2.999.1|hospital-a')
  expect(KEYS_PAGE).toContain(member)
  expect(KEYS_PAGE).toContain(`    ${custodianPath(member)}\n`)
})

test('another implementation of BIP-39 and BIP-32 derives the same key from the words alone', () => {
  const aReplacement = fc.nat(0x7fffffff)
  const property = fc.property(aWords, aMember, aReplacement, (words, member, replacement) => {
    const other = HDNodeWallet.fromPhrase(words, '', custodianPath(member, replacement))
    const { privateKey, signer } = childKey(words, member, replacement)
    expect(privateKey).toBe(other.privateKey)
    expect(signer).toBe(other.address.toLowerCase())
  })
  fc.assert(property, seeded({ numRuns: 15 }))
})

test('the path holds the whole member id, so two custodians never share a key', () => {
  const idIn = (path: string) => {
    const levels = path
      .split('/')
      .slice(2, -1)
      .map((level) => BigInt(level.slice(0, -1)))
    return levels.reduce((id, level, i) => (id << (i === 8 ? 8n : 31n)) | level, 0n)
  }
  const property = fc.property(aMember, (member) => idIn(custodianPath(member)) === BigInt(member))
  fc.assert(property, seeded({ numRuns: 300 }))
  const last = (hex: Hex, digit: string) => `${hex.slice(0, -1)}${digit}` as Hex
  const member = memberId('urn:oid:2.999.1|hospital-a')
  expect(childKey(KNOWN_WORDS, last(member, '8')).signer).not.toBe(
    childKey(KNOWN_WORDS, last(member, '9')).signer,
  )
})

test('every level of the path is hardened', () => {
  const [root, ...levels] = custodianPath(memberId('urn:oid:2.999.1|hospital-a'), 7).split('/')
  expect(root).toBe('m')
  expect(levels).toHaveLength(11)
  for (const level of levels) expect(level).toMatch(/^\d+'$/)
})

test('a replaced key is another key', () => {
  const member = memberId('urn:oid:2.999.1|hospital-a')
  const signers = [0, 1, 2].map((replacement) => childKey(KNOWN_WORDS, member, replacement).signer)
  expect(new Set(signers).size).toBe(3)
})

test('a device that knows only the words, however they are written down, derives the same key', () => {
  const member = memberId('urn:oid:2.999.1|hospital-a')
  const { signer } = childKey(KNOWN_WORDS, member)
  for (const written of [
    ` ${KNOWN_WORDS}\n`,
    KNOWN_WORDS.toUpperCase(),
    KNOWN_WORDS.replaceAll(' ', ' \n  '),
  ]) {
    expect(childKey(written, member).signer).toBe(signer)
  }
})

test('new words are 12, valid, and never the same', () => {
  const words = Array.from({ length: 20 }, createWords)
  for (const text of words) expect(checkWords(text).split(' ')).toHaveLength(12)
  expect(new Set(words).size).toBe(20)
})

test.each([
  ['eleven words', 'abandon '.repeat(11), 'There must be 12 words, and here are 11.'],
  ['no word', '  \n', 'There must be 12 words, and here are 0.'],
  ['24 words', `${'abandon '.repeat(23)}art`, 'There must be 12 words, and here are 24.'],
  ['a misspelt word', KNOWN_WORDS.replace('about', 'abuot'), 'Word 12 is not on the list of words.'],
  ['two words exchanged', `about ${'abandon '.repeat(11)}`, 'The words do not belong together.'],
])('%s: refused with a message that helps and repeats no word', (_name, words, message) => {
  const refusal = () => childKey(words, memberId('urn:oid:2.999.1|hospital-a'))
  expect(refusal).toThrow(WordsInvalid)
  expect(refusal).toThrow(message)
  for (const secret of ['abandon', 'about', 'abuot']) expect(refusal).not.toThrow(secret)
})

test('a member id or replacement number that is none derives nothing', () => {
  const member = memberId('urn:oid:2.999.1|hospital-a')
  expect(() => childKey(KNOWN_WORDS, '0x1234')).toThrow(RangeError)
  for (const replacement of [-1, 0.5, 2 ** 31]) {
    expect(() => childKey(KNOWN_WORDS, member, replacement)).toThrow(RangeError)
  }
})

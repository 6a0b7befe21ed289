import { HDKey } from '@scure/bip32'
import { generateMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { computeAddress } from 'ethers'
import { type Hex, toHex } from '../domain/hex.ts'
import { custodianPath, helperPath } from '../domain/identity/derivation-path.ts'

const WORDS = 12
/** BIP-39: 128 bits of entropy make 12 words. */
const ENTROPY_BITS = 128

/** What is wrong with words: how many there are, which of them is no word of the list (from 1), or that they do not fit together. */
export type WordsTrouble =
  | { kind: 'count'; count: number }
  | { kind: 'not-on-list'; position: number }
  | { kind: 'checksum' }

/** The words are not usable. The message says what to look at and never repeats a word. */
export class WordsInvalid extends Error {
  override readonly name = 'WordsInvalid'
  readonly code = 'words-invalid'
  readonly trouble: WordsTrouble

  constructor(message: string, trouble: WordsTrouble) {
    super(message)
    this.trouble = trouble
  }
}

/** The key that a patient uses at one custodian. */
export type ChildKey = {
  /** secp256k1, 32 bytes. Secret. */
  privateKey: Hex
  /** Its address, 20 bytes, lower case: what is bound at the custodian. */
  signer: Hex
}

/** Twelve new words (BIP-39, English), from the platform's random source. */
export function createWords(): string {
  return generateMnemonic(wordlist, ENTROPY_BITS)
}

/**
 * The words in their one written form: lower case, single spaces.
 * @throws WordsInvalid when they are not 12, one is not on the BIP-39 list, or the checksum does not fit.
 */
export function checkWords(words: string): string {
  const list = words.normalize('NFKD').trim().toLowerCase().split(/\s+/)
  const count = list[0] === '' ? 0 : list.length
  if (count !== WORDS)
    throw new WordsInvalid(`There must be ${WORDS} words, and here are ${count}.`, { kind: 'count', count })
  const stranger = list.findIndex((word) => !wordlist.includes(word))
  if (stranger >= 0) {
    throw new WordsInvalid(`Word ${stranger + 1} is not on the list of words. Check its spelling.`, {
      kind: 'not-on-list',
      position: stranger + 1,
    })
  }
  const written = list.join(' ')
  if (!validateMnemonic(written, wordlist)) {
    throw new WordsInvalid(
      'The words do not belong together. Check their order, and that none was mistaken.',
      { kind: 'checksum' },
    )
  }
  return written
}

/**
 * The child key for one custodian: BIP-32 over the BIP-39 seed (no passphrase) at {@link custodianPath}, every level
 * hardened, so that nobody who learns one custodian's key learns another's.
 *
 * @param replacement 0 for the first key at this custodian, one more after each recovery
 * @throws WordsInvalid, and RangeError as {@link custodianPath} does
 */
export function childKey(words: string, member: Hex, replacement = 0): ChildKey {
  return keyAt(words, custodianPath(member, replacement))
}

/** The key with which these words help somebody else at one custodian; see {@link helperPath}. Throws as {@link childKey}. */
export function helperKey(words: string, member: Hex, number: number): ChildKey {
  return keyAt(words, helperPath(member, number))
}

function keyAt(words: string, path: string): ChildKey {
  const seed = mnemonicToSeedSync(checkWords(words))
  const { privateKey } = HDKey.fromMasterSeed(seed).derive(path)
  // BIP-32 leaves this case to one in 2^127: the next replacement number is then used.
  if (!privateKey) throw new RangeError('No key lies at this path')
  const hex = toHex(privateKey)
  return { privateKey: hex, signer: computeAddress(hex).toLowerCase() as Hex }
}

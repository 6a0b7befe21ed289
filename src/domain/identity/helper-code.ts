import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { fromHex, type Hex, toHex } from '../hex.ts'

/** Crockford's base 32: no I, L, O or U, which are read as 1, 1, 0 and V, or typed for them. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const READ_AS: Readonly<Record<string, string>> = { I: '1', L: '1', O: '0' }
const SIGNER_BYTES = 20
const CHECK_BYTES = 5
const GROUPS = 8
const GROUP = 5

/** The code was mistyped, or is for another hospital. */
export class HelperCodeInvalid extends Error {
  override readonly name = 'HelperCodeInvalid'
  readonly code = 'helper-code-invalid'
  /** Whether it has the right length, so that a mistake, or another hospital, is the likely cause. */
  readonly complete: boolean
  constructor(complete: boolean) {
    super(
      complete
        ? 'The code does not fit. Compare each group, and that it was made for this hospital.'
        : `A code has ${GROUPS} groups of ${GROUP} letters and numbers.`,
    )
    this.complete = complete
  }
}

/** Bound to the hospital, so that a code for another one is noticed before anything is signed. */
const check = (member: Hex, signer: Uint8Array) =>
  sha256(concatBytes(utf8ToBytes('wayleave/helper-code'), fromHex(member), signer)).slice(0, CHECK_BYTES)

/**
 * What a helper reads out or sends to whoever appoints them: the helper's key for one hospital and one person, and 40 bits of
 * checksum, as eight groups of five letters and numbers. It opens nothing by itself.
 *
 * @param signer the helper key's address, 20 bytes
 */
export function helperCode(member: Hex, signer: Hex): string {
  const key = fromHex(signer)
  if (key.length !== SIGNER_BYTES) throw new RangeError('A signer has 20 bytes')
  let number = BigInt(toHex(concatBytes(key, check(member, key))))
  let text = ''
  for (let i = 0; i < GROUPS * GROUP; i++) {
    text = `${ALPHABET[Number(number & 31n)]}${text}`
    number >>= 5n
  }
  return text.match(/.{5}/g)?.join('-') ?? text
}

/**
 * The signer that a code names. Small letters, spaces, hyphens, and I, L, O for 1, 1, 0 are forgiven; any other mistake is caught.
 * @throws HelperCodeInvalid
 */
export function readHelperCode(member: Hex, code: string): Hex {
  const letters = code
    .toUpperCase()
    .replace(/[\s-]+/g, '')
    .split('')
    .map((letter) => READ_AS[letter] ?? letter)
  if (letters.length !== GROUPS * GROUP) throw new HelperCodeInvalid(false)
  let number = 0n
  for (const letter of letters) {
    const value = ALPHABET.indexOf(letter)
    if (value < 0) throw new HelperCodeInvalid(true)
    number = (number << 5n) | BigInt(value)
  }
  const bytes = fromHex(number.toString(16).padStart(2 * (SIGNER_BYTES + CHECK_BYTES), '0'))
  const key = bytes.slice(0, SIGNER_BYTES)
  if (toHex(check(member, key)) !== toHex(bytes.slice(SIGNER_BYTES))) throw new HelperCodeInvalid(true)
  return toHex(key)
}

import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'

/** A 0x-prefixed, lower-case hexadecimal string. */
export type Hex = `0x${string}`

export const ZERO_32: Hex = `0x${'00'.repeat(32)}`

export function toHex(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`
}

/** @throws Error when the text is not an even-length hexadecimal string. */
export function fromHex(hex: string): Uint8Array {
  return hexToBytes(hex.startsWith('0x') ? hex.slice(2) : hex)
}

/** Whether `x` is `0x` and exactly `bytes` bytes in hexadecimal. */
export function isHex(x: unknown, bytes: number): x is Hex {
  return typeof x === 'string' && x.length === 2 + 2 * bytes && /^0x[0-9a-fA-F]*$/.test(x)
}

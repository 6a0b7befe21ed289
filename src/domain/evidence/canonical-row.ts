import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { type Hex, toHex } from '../hex.ts'

/** One contract event, as every member's index has it: nothing in it depends on when, or in which ranges, it was indexed. */
export type CanonicalRow = {
  readonly block: number
  readonly logIndex: number
  /** Hash of the transaction, 0x-hex. */
  readonly transaction: string
  /** Name of the contract, not its address: a successor's events go on in the same line. */
  readonly contract: string
  readonly event: string
  /** Arguments by name; integers as decimal text, bytes and addresses as 0x-hex. */
  readonly args: Readonly<Record<string, unknown>>
}

/** The row as one line without its end: JSON in the form of RFC 8785. Rows are in the order of (block, logIndex). */
export function canonicalLine({ args, block, contract, event, logIndex, transaction }: CanonicalRow): string {
  const line = canonicalize({ args, block, contract, event, logIndex, transaction })
  if (line === undefined) throw new TypeError('A row has a canonical form')
  return line
}

/** Format of lines and running hash; a change of either is another view. */
const FORMAT = 1

/**
 * What is looked at, as the first line of a dump: chain id and contract addresses, in the form of RFC 8785. Two members that follow
 * other contracts, one before and one after a succession, have other rows and are both right. The **view** is its SHA-256.
 *
 * @param addresses of each contract by its name, the youngest first
 */
export function viewLine(chainId: number, addresses: Readonly<Record<string, readonly string[]>>): string {
  const lower = Object.fromEntries(
    Object.entries(addresses).map(([name, line]) => [name, line.map((address) => address.toLowerCase())]),
  )
  return canonicalize({ addresses: lower, chainId, format: FORMAT }) ?? ''
}

/** The running hash over all rows so far: it begins with the view, and each line adds SHA-256(hash before ‖ line). */
export function addLine(hash: Hex, line: string): Hex {
  return sha256(Buffer.concat([Buffer.from(hash.slice(2), 'hex'), Buffer.from(line)]))
}

export const sha256 = (bytes: Uint8Array | string): Hex => toHex(createHash('sha256').update(bytes).digest())

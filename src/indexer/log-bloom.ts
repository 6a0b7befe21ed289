import { keccak256 } from 'ethers'
import { LRUCache } from 'lru-cache'
import type { RawLog } from '../chain/node-rpc.ts'

/** Bytes of a bloom filter of logs (Ethereum yellow paper, 4.4.1: 2,048 bits, three for each address and topic). */
const BYTES = 256

/** Addresses and kinds of events come again and again, and each takes a hash. */
const known = new LRUCache<string, readonly number[]>({ max: 20_000 })

function bitsOf(value: string): readonly number[] {
  const before = known.get(value)
  if (before) return before
  const hash = Buffer.from(keccak256(value).slice(2, 14), 'hex')
  const bits = [0, 2, 4].map((at) => hash.readUInt16BE(at) & 2_047)
  known.set(value, bits)
  return bits
}

/**
 * Whether a block's header can be that of a block with these logs and no other: each log sets bits in the header's filter,
 * and one that is left out leaves bits that nothing explains. What it cannot see is the absence of a log whose bits others
 * have all set, such as a second one with the very same topics.
 * @param logsBloom of the header, 0x-hex
 * @param logs all of the block, whoever emitted them
 */
export function isWhole(logsBloom: string, logs: readonly Pick<RawLog, 'address' | 'topics'>[]): boolean {
  const bloom = Buffer.alloc(BYTES)
  for (const { address, topics } of logs) {
    for (const value of [address, ...topics]) {
      for (const bit of bitsOf(value)) {
        const at = BYTES - 1 - (bit >> 3)
        bloom[at] = (bloom[at] ?? 0) | (1 << (bit & 7))
      }
    }
  }
  return logsBloom.toLowerCase() === `0x${bloom.toString('hex')}`
}

import { createHash } from 'node:crypto'
import { JsonRpcProvider, keccak256, toUtf8Bytes } from 'ethers'

/** Everything that anybody with a node can read: calldata and events, as lower-case hex without 0x. */
export type ChainText = { place: string; to: string; hex: string }

/** Reads every transaction and event of a chain, in order. */
export async function readWholeChain(rpc: string): Promise<ChainText[]> {
  const provider = new JsonRpcProvider(rpc, undefined, { cacheTimeout: -1 })
  try {
    const texts: ChainText[] = []
    const newest = await provider.getBlockNumber()
    for (let number = 0; number <= newest; number++) {
      const block = await provider.getBlock(number, true)
      for (const tx of block?.prefetchedTransactions ?? []) {
        texts.push({
          place: `transaction ${tx.hash}`,
          to: (tx.to ?? 'deployment').toLowerCase(),
          hex: tx.data.slice(2).toLowerCase(),
        })
      }
    }
    for (let from = 0; from <= newest; from += 500) {
      for (const log of await provider.getLogs({ fromBlock: from, toBlock: Math.min(from + 499, newest) })) {
        const hex = [...log.topics, log.data]
          .map((part) => part.slice(2))
          .join('')
          .toLowerCase()
        texts.push({ place: `event ${log.transactionHash}/${log.index}`, to: log.address.toLowerCase(), hex })
      }
    }
    return texts
  } finally {
    provider.destroy()
  }
}

/** The forms in which a text could hide in hexadecimal: itself, hex of its hex, base64 at each offset, and its hashes. */
function disguises(text: string): string[] {
  const bytes = Buffer.from(toUtf8Bytes(text))
  const ascii = (t: string) => Buffer.from(t, 'latin1').toString('hex')
  const base64 = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
    // The characters that depend on this text alone.
    const from = shift === 0 ? 0 : shift + 1
    return encoded.slice(from, Math.floor(((shift + bytes.length) * 8) / 6))
  })
  return [
    bytes.toString('hex'),
    ascii(bytes.toString('hex')),
    ...base64
      .filter((t) => t.length >= 6)
      .flatMap((t) => [ascii(t), ascii(t.replaceAll('+', '-').replaceAll('/', '_'))]),
    createHash('sha256').update(bytes).digest('hex'),
    keccak256(bytes).slice(2),
  ]
}

/** Where a forbidden text stands, in any of its disguises. */
export function findAnywhere(texts: readonly ChainText[], forbidden: ReadonlyMap<string, string>): string[] {
  const found: string[] = []
  const whole = texts.map((t) => t.hex).join('|')
  for (const [text, what] of forbidden) {
    for (const needle of disguises(text)) {
      if (!whole.includes(needle)) continue
      const where = texts.filter((t) => t.hex.includes(needle)).map((t) => t.place)
      found.push(`${what} in ${where.slice(0, 2).join(', ')}`)
    }
  }
  return found
}

/** The 32-byte words of calldata or an event that are too large to be a count, a day or an offset. */
export function largeWords(hex: string, skipSelector: boolean): Set<string> {
  const words = new Set<string>()
  for (let at = skipSelector ? 8 : 0; at + 64 <= hex.length; at += 64) {
    const word = hex.slice(at, at + 64)
    if (!word.startsWith('0'.repeat(16)) && !word.endsWith('0'.repeat(48))) words.add(word)
  }
  return words
}

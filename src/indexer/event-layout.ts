import { type EventFragment, getAddress, type ParamType } from 'ethers'
import { LRUCache } from 'lru-cache'

/**
 * How one kind of event lies in a log, worked out once: which word holds which argument, and how it is written. Every event of
 * our contracts has value types in its topics, and value types, `bytes` and `string` in its data (Solidity ABI specification,
 * "Events"); anything else is refused when the layout is made, not when a log comes.
 */
export type EventLayout = {
  name: string
  /** How many topics it has, the first included. */
  topics: number
  /**
   * Its arguments as canonical JSON, in the order of the declaration, and the first two indexed ones as text.
   * @param topics 0x and 64 lower-case hex digits each
   * @param data 0x and lower-case hex digits
   * @throws MalformedLogError where this is not what a contract of ours can have emitted
   */
  read(topics: readonly string[], data: string): { key1: string; key2: string; args: string }
}

/** The node answered with a log that no contract of ours can have emitted. */
export class MalformedLogError extends Error {
  override readonly name = 'MalformedLogError'
}

/** Hex digits of a word of the ABI. */
const WORD = 64

/** An argument of one word as text, and as JSON. */
type Scalar = { text: (word: string) => string; json: (text: string) => string }

const quoted = (text: string) => `"${text}"`
const bare = (text: string) => text

/** Hex digits that a number of this many bits has at most in front of what a double holds exactly. */
const EXACT_DIGITS = 13
const ZEROS = '0'.repeat(WORD)

/** Checksums take a hash each, and the same few accounts come again and again. */
const checksummed = new LRUCache<string, string>({ max: 10_000 })

function addressOf(digits: string): string {
  const known = checksummed.get(digits)
  if (known !== undefined) return known
  const address = getAddress(`0x${digits}`)
  checksummed.set(digits, address)
  return address
}

function zeros(word: string, from: number, to: number): void {
  for (let i = from; i < to; i++)
    if (word.charCodeAt(i) !== 48) throw new MalformedLogError('a word holds more than its type')
}

/** Reads a word of a type, or undefined for types that do not fit a word. */
function scalar(type: string): Scalar | undefined {
  const [, kind = '', size = ''] = /^(uint|bytes|bool|address)(\d*)$/.exec(type) ?? []
  if (kind === 'bool') {
    const text = (word: string) => {
      zeros(word, 0, WORD - 1)
      const last = word.charCodeAt(WORD - 1) - 48
      if (last !== 0 && last !== 1) throw new MalformedLogError('a word holds more than its type')
      return last === 1 ? 'true' : 'false'
    }
    return { text, json: bare }
  }
  if (kind === 'address') {
    const text = (word: string) => {
      zeros(word, 0, WORD - 40)
      return addressOf(word.slice(WORD - 40))
    }
    return { text, json: quoted }
  }
  if (kind === 'uint') {
    const digits = Number(size) / 4
    const text = (word: string) => {
      zeros(word, 0, WORD - digits)
      const exact = digits <= EXACT_DIGITS || word.startsWith(ZEROS.slice(0, WORD - EXACT_DIGITS))
      return exact
        ? String(Number.parseInt(word.slice(WORD - EXACT_DIGITS), 16))
        : BigInt(`0x${word}`).toString()
    }
    return { text, json: quoted }
  }
  if (kind === 'bytes' && size !== '') {
    const digits = Number(size) * 2
    const text = (word: string) => {
      zeros(word, digits, WORD)
      return `0x${word.slice(0, digits)}`
    }
    return { text, json: quoted }
  }
  return undefined
}

/** The bytes of a dynamic argument, as hex digits. `at` counts digits from the beginning of the data's first word. */
function tail(body: string, at: number): string {
  const offset = small(body, at) * 2
  const length = small(body, offset) * 2
  const start = offset + WORD
  if (start + length > body.length) throw new MalformedLogError('data is shorter than it says')
  return body.slice(start, start + length)
}

/** A word that is an offset or a length. */
function small(body: string, at: number): number {
  if (at + WORD > body.length) throw new MalformedLogError('data is shorter than it says')
  const word = body.slice(at, at + WORD)
  // No answer of a node is as long as 8 digits can say.
  zeros(word, 0, WORD - 8)
  return Number.parseInt(word.slice(WORD - 8), 16)
}

/**
 * How an argument in the data is written as JSON. Text is what its bytes are in UTF-8, with U+FFFD where they are none: a
 * contract does not look, so a member may publish any bytes, and must not stop everybody's index with them.
 */
function inData({ type, name }: ParamType, at: number): (body: string) => string {
  if (type === 'bytes') return (body) => `"0x${tail(body, at)}"`
  if (type === 'string') return (body) => JSON.stringify(Buffer.from(tail(body, at), 'hex').toString('utf8'))
  const known = scalar(type)
  if (!known) throw new Error(`No layout for ${name} of type ${type}`)
  return (body) => {
    if (at + WORD > body.length) throw new MalformedLogError('data is shorter than its event')
    return known.json(known.text(body.slice(at, at + WORD)))
  }
}

/** @throws Error where an argument has a type that no event of ours has. */
export function eventLayout(fragment: EventFragment): EventLayout {
  const indexed = fragment.inputs.filter((input) => input.indexed)
  const inTopics = indexed.map(({ type, name }) => {
    const known = scalar(type)
    if (!known) throw new Error(`No layout for the indexed ${name} of type ${type}`)
    return known
  })
  let topic = 0
  let word = 0
  const steps = fragment.inputs.map((input, i) => {
    const label = `${i === 0 ? '{' : ','}${JSON.stringify(input.name)}:`
    if (!input.indexed) return { label, write: inData(input, word++ * WORD) }
    const place = topic++
    return { label, write: (_body: string, keys: readonly string[]) => known(place).json(keys[place] ?? '') }
  })
  const known = (place: number) => inTopics[place] as Scalar
  const end = steps.length === 0 ? '{}' : '}'
  return {
    name: fragment.name,
    topics: 1 + indexed.length,
    read(topics, data) {
      const keys = inTopics.map(({ text }, i) => text((topics[i + 1] as string).slice(2)))
      const body = data.slice(2)
      let args = ''
      for (const { label, write } of steps) args += label + write(body, keys)
      return { key1: keys[0] ?? '', key2: keys[1] ?? '', args: args + end }
    },
  }
}

import { concat, type JsonRpcProvider, keccak256, toBeHex } from 'ethers'
import type { Hex } from '../../domain/hex.ts'
import type { Contracts } from '../contracts.ts'

/** The contracts that hold something, by their names in a configuration. */
export const REPLACEABLE = [
  'consentRegistry',
  'recordDirectory',
  'accessLog',
  'accessRequests',
  'breakGlass',
  'patientRegistry',
  'memberRegistry',
] as const

export type Replaceable = (typeof REPLACEABLE)[number]

/** A successor, and all that came before it. */
export type Line = {
  provider: JsonRpcProvider
  successor: string
  predecessor: string
  /** The predecessor and its own predecessors: whose events tell what was ever held. */
  older: readonly string[]
  /** Who holds a handle. */
  patientRegistry: Contracts['patientRegistry']
  /** First block that holds a contract of ours. */
  deployedAt: number
}

/** How a thing stands at the successor beside the predecessor. */
export type Standing =
  /** The same at both. */
  | 'equal'
  /** Not written at the successor, which follows the predecessor until it is. */
  | 'missing'
  /** Narrowed at the predecessor since, and adopting has not told so yet. */
  | 'behind'
  /** Acts for the successor, or narrowing ones, have led on from there. */
  | 'moved on'
  /** Its member has said two things of it, one at each. What counts at the successor stands. */
  | 'differs'

/** What a thing is called by, 32 bytes each. */
export type Item = readonly Hex[]

/** What both contracts say of a thing, as many words of 32 bytes at each; all zero where they say nothing. */
export type Sides = { there: readonly Hex[]; here: readonly Hex[] }

/** One kind of thing that a contract holds. */
export type Holding = {
  /** In the plural, such as `slots`. */
  of: string
  /** Each thing that the older contracts ever told of up to a block, once. */
  itemsAt(block: number): Promise<Item[]>
  sidesAt(item: Item, block: number): Promise<Sides>
  standingOf(sides: Sides): Standing
  /** Where something is written down at the successor; elsewhere it looks further for good. */
  adopting?: {
    /** Whose it is: one transaction never holds things of two custodians (I8). */
    custodianOf(item: Item): Promise<string>
    /** Calldata for the successor that writes down things of one custodian. */
    dataFor(items: readonly Item[]): string
  }
}

export const word = (value: bigint | number | string): Hex => toBeHex(value, 32) as Hex

/** Of whatever is not written down: the same, or led on. */
export const followed = (sides: Sides): Standing => (isSame(sides) ? 'equal' : 'moved on')

export const isSame = ({ there, here }: Sides): boolean => there.join() === here.join()

export const isNothing = (words: readonly Hex[]): boolean => words.every((one) => BigInt(one) === 0n)

/** keccak256 over names and words of each thing, 32 bytes each, in the order of the names; what says nothing is left out. */
export function digestOf(things: readonly { item: Item; words: readonly Hex[] }[]): Hex {
  const told = things.filter(({ words }) => !isNothing(words)).sort((a, b) => compare(a.item, b.item))
  return keccak256(concat(told.flatMap(({ item, words }) => [...item, ...words]))) as Hex
}

export const compare = (a: Item, b: Item): number => (a.join() < b.join() ? -1 : 1)

/** So many at a time that a node answers them together. */
export async function mapInBatches<T, R>(
  items: readonly T[],
  batch: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  for (let i = 0; i < items.length; i += batch)
    results.push(...(await Promise.all(items.slice(i, i + batch).map(work))))
  return results
}

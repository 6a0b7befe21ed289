import canonicalize from 'canonicalize'
import { type Hex, isHex } from '../hex.ts'
import { sha256 } from './canonical-row.ts'

/** A checkpoint stands at each block whose number this divides. */
export const CHECKPOINT_EVERY = 100

/** What a member says that the chain was, up to a block. */
export type Checkpoint = {
  readonly member: Hex
  readonly chainId: number
  /** See viewLine. */
  readonly view: Hex
  readonly block: number
  /** The block's hash: of the whole history before it. */
  readonly hash: Hex
  /** How many rows the index has up to this block, the block included. */
  readonly rows: number
  /** The running hash over them. */
  readonly rowsHash: Hex
  /** When it was signed, in seconds. */
  readonly at: number
}

/** The own reading of the same block. */
export type Reading = Pick<Checkpoint, 'view' | 'hash' | 'rows' | 'rowsHash'>

/**
 * `agrees`; `other-view`: the same history, and rows that cannot be compared since other contracts are followed; `split`: another
 * history, or other events in the same history.
 */
export type Verdict = 'agrees' | 'other-view' | 'split'

/** The block's hash says which history; the rows say whether a node gave all events of it. */
export function compare(checkpoint: Checkpoint, own: Reading): Verdict {
  if (checkpoint.hash !== own.hash) return 'split'
  if (checkpoint.view !== own.view) return 'other-view'
  return checkpoint.rows === own.rows && checkpoint.rowsHash === own.rowsHash ? 'agrees' : 'split'
}

/** RFC 8785 form, which is what is signed. */
export function checkpointText(checkpoint: Checkpoint): string {
  const text = canonicalize(checkpoint)
  if (text === undefined) throw new TypeError('A checkpoint has a canonical form')
  return text
}

/** SHA-256 of what it says, without the time: signed twice it is the same, and what differs contradicts. */
export function digestOf({ at: _at, ...said }: Checkpoint): Hex {
  return sha256(canonicalize(said) ?? '')
}

/** Whether two checkpoints of one member cannot both be true. Of other views only the history is compared. */
export const contradict = (one: Checkpoint, other: Checkpoint): boolean =>
  one.member === other.member &&
  one.chainId === other.chainId &&
  one.block === other.block &&
  compare(one, other) === 'split'

const FIELDS = ['at', 'block', 'chainId', 'hash', 'member', 'rows', 'rowsHash', 'view']

/** @throws Error where the text is not the canonical form of a checkpoint. */
export function readCheckpoint(text: string): Checkpoint {
  const read: unknown = JSON.parse(text)
  if (typeof read !== 'object' || read === null) throw new Error('no checkpoint')
  const { member, chainId, view, block, hash, rows, rowsHash, at, ...more } = read as Record<string, unknown>
  if (Object.keys(more).length > 0) throw new Error(`a checkpoint has ${FIELDS.join(', ')}, and no more`)
  if (!isHex(member, 32) || !isHex(view, 32) || !isHex(hash, 32) || !isHex(rowsHash, 32))
    throw new Error('no checkpoint')
  if (![chainId, block, rows, at].every((number) => Number.isSafeInteger(number) && Number(number) >= 0))
    throw new Error('no checkpoint')
  if (Number(block) % CHECKPOINT_EVERY !== 0) throw new Error('a checkpoint between two')
  const checkpoint: Checkpoint = {
    ...{ member, view, hash, rowsHash, chainId: Number(chainId) },
    ...{ block: Number(block), rows: Number(rows), at: Number(at) },
  }
  // One statement has one text: another key order, or a key given twice, is none.
  if (checkpointText(checkpoint) !== text) throw new Error('not in canonical form')
  return checkpoint
}

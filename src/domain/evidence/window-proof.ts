import { SimpleMerkleTree } from '@openzeppelin/merkle-tree'
import type { AuditEntry } from '../audit/audit-entry.ts'
import { leavesOf } from '../audit/leaf.ts'
import { fromHex, type Hex, isHex } from '../hex.ts'

/** That one entry of a member's log lies in a window that the member has anchored. Shows that entry, and no other. */
export type WindowProof = {
  readonly format: 'wayleave-window-proof-1'
  readonly chainId: number
  readonly member: Hex
  readonly window: number
  /** What `WindowAnchored` says for this member and window. */
  readonly root: Hex
  readonly entry: AuditEntry
  /** 32 random bytes of this entry. */
  readonly salt: Hex
  /** From the leaf upwards (OpenZeppelin's MerkleProof). */
  readonly path: readonly Hex[]
}

/** The tree of a window: its entries' leaves in their order, and the window's random padding. */
export const windowTree = (leaves: readonly string[], padding: string) =>
  SimpleMerkleTree.of([...leaves, padding])

/** @throws Error where the leaf is none of the window's. */
export const pathOf = (leaves: readonly string[], padding: string, leaf: string): Hex[] =>
  windowTree(leaves, padding).getProof(leaf) as Hex[]

/**
 * Whether salt, entry and path lead to the root. That the root is the member's on the chain is another question, which only the chain,
 * or a dump of its events, answers.
 */
export function leadsToRoot({ entry, salt, path, root }: WindowProof): boolean {
  return leavesOf(fromHex(salt), entry).some((leaf) => SimpleMerkleTree.verify(root, leaf, [...path]))
}

/** No tree is deeper: it would have more leaves than a log has lines. */
const DEEPEST = 64

/** @throws Error where the text is no proof. */
export function readWindowProof(text: string): WindowProof {
  const { format, chainId, member, window, root, entry, salt, path } = JSON.parse(
    text,
  ) as Partial<WindowProof>
  if (format !== 'wayleave-window-proof-1') throw new Error('It is no proof of an entry in a window')
  if (!isHex(member, 32) || !isHex(root, 32) || !isHex(salt, 32) || typeof entry !== 'object')
    throw new Error('The proof is not complete')
  if (!Number.isSafeInteger(chainId) || !Number.isSafeInteger(window))
    throw new Error('The proof is not complete')
  if (!Array.isArray(path) || path.length > DEEPEST || !path.every((hash) => isHex(hash, 32)))
    throw new Error('The proof is not complete')
  return { format, chainId: Number(chainId), member, window: Number(window), root, entry, salt, path }
}

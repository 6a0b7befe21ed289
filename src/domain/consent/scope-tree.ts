import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import type { Hex } from '../hex.ts'

const treeOf = (scopes: readonly Hex[]) =>
  StandardMerkleTree.of(
    [...new Set(scopes.map((scope) => scope.toLowerCase()))].sort().map((scope) => [scope]),
    ['bytes32'],
  )

/** Root of the tree over the scopes that a delegate may widen, as the bounds of its delegation name it. At least one scope. */
export const scopesRoot = (scopes: readonly Hex[]): Hex => treeOf(scopes).root as Hex

/** That a scope is one of them (OpenZeppelin's MerkleProof). @throws Error where it is none. */
export const scopeProof = (scopes: readonly Hex[], scope: Hex): Hex[] =>
  treeOf(scopes).getProof([scope.toLowerCase()]) as Hex[]

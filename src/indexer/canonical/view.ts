import type { Contracts } from '../../chain/contracts.ts'
import { viewLine } from '../../domain/evidence/canonical-row.ts'
import type { Predecessors } from '../decode.ts'

/** The first line of the dump of a member that follows these contracts and what they took over from, see viewLine. */
export function viewLineOf(chainId: number, contracts: Contracts, predecessors: Predecessors = {}): string {
  const lines = Object.entries(contracts).map(([name, address]: [string, string]) => [
    name,
    [address, ...(predecessors[name] ?? [])],
  ])
  return viewLine(chainId, Object.fromEntries(lines) as Record<string, string[]>)
}

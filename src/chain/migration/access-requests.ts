import type { Hex } from '../../domain/hex.ts'
import { AccessRequests__factory } from '../contracts.ts'
import { followed, type Holding, type Line, word } from './holding.ts'
import { itemsIn } from './line-events.ts'

const api = AccessRequests__factory.createInterface()

/** Requests by commitment: status, deadline, requester. The successor looks further for them. */
export function accessRequestsHoldings(line: Line): Holding[] {
  const at = (address: string) => AccessRequests__factory.connect(address, line.provider)
  const requestAt = async (address: string, commitment: string, block: number) => {
    const { status, deadline, requester } = await at(address).requestOf(commitment, { blockTag: block })
    return [word(status), word(deadline), requester as Hex]
  }
  return [
    {
      of: 'requests',
      itemsAt: (block) => itemsIn(line, api, ['RequestOpened'], block, ({ commitment }) => [[commitment]]),
      async sidesAt([commitment = '0x'], block) {
        const [there, here] = await Promise.all([
          requestAt(line.predecessor, commitment, block),
          requestAt(line.successor, commitment, block),
        ])
        return { there, here }
      },
      standingOf: followed,
    },
  ]
}

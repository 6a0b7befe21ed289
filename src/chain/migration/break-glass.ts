import type { Hex } from '../../domain/hex.ts'
import { BreakGlass__factory } from '../contracts.ts'
import { followed, type Holding, type Line, word } from './holding.ts'
import { itemsIn } from './line-events.ts'

const api = BreakGlass__factory.createInterface()

/** Cases by commitment: status, times, member. The successor looks further for them. */
export function breakGlassHoldings(line: Line): Holding[] {
  const caseAt = async (address: string, commitment: string, block: number) => {
    const contract = BreakGlass__factory.connect(address, line.provider)
    const found = await contract.caseOf(commitment, { blockTag: block })
    return [word(found.status), word(found.declaredAt), word(found.until), found.member as Hex]
  }
  return [
    {
      of: 'cases',
      itemsAt: (block) => itemsIn(line, api, ['CaseDeclared'], block, ({ commitment }) => [[commitment]]),
      async sidesAt([commitment = '0x'], block) {
        const [there, here] = await Promise.all([
          caseAt(line.predecessor, commitment, block),
          caseAt(line.successor, commitment, block),
        ])
        return { there, here }
      },
      standingOf: followed,
    },
  ]
}

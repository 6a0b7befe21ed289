import type { Hex } from '../../domain/hex.ts'
import { AccessLog__factory } from '../contracts.ts'
import { followed, type Holding, isSame, type Line, word } from './holding.ts'
import { itemsIn } from './line-events.ts'

const api = AccessLog__factory.createInterface()

/** Roots by member and number of the window, and each member's last window. The successor looks further for both. */
export function accessLogHoldings(line: Line): Holding[] {
  const old = AccessLog__factory.connect(line.predecessor, line.provider)
  const next = AccessLog__factory.connect(line.successor, line.provider)
  return [
    {
      of: 'windows',
      itemsAt: (block) =>
        itemsIn(line, api, ['WindowAnchored'], block, ({ member, number }) => [[member, number]]),
      async sidesAt([member = '0x', number = '0x'], block) {
        const at = { blockTag: block }
        const roots = await Promise.all([old, next].map((log) => log.rootOf(member, number, at)))
        return { there: [roots[0] as Hex], here: [roots[1] as Hex] }
      },
      // Anchored at the predecessor after the member had begun at the successor: it counts for nothing there.
      standingOf: (sides) => (isSame(sides) ? 'equal' : 'differs'),
    },
    {
      of: 'last windows',
      itemsAt: (block) => itemsIn(line, api, ['WindowAnchored'], block, ({ member }) => [[member]]),
      async sidesAt([member = '0x'], block) {
        const last = async (log: typeof old) => {
          const { number, until } = await log.lastWindow(member, { blockTag: block })
          return [word(number), word(until)]
        }
        const [there, here] = await Promise.all([last(old), last(next)])
        return { there, here }
      },
      standingOf: followed,
    },
  ]
}

import type { Hex } from '../../domain/hex.ts'
import { RecordDirectory__factory, RecordDirectorySuccessor__factory } from '../contracts.ts'
import { type Holding, isNothing, isSame, type Line } from './holding.ts'
import { itemsIn } from './line-events.ts'

const api = RecordDirectorySuccessor__factory.createInterface()

/** Commitments by custodian and tag. Pointers stay in the events of the directory that they were sealed for. */
export function recordDirectoryHoldings(line: Line): Holding[] {
  const old = RecordDirectory__factory.connect(line.predecessor, line.provider)
  const next = RecordDirectorySuccessor__factory.connect(line.successor, line.provider)
  return [
    {
      of: 'tags',
      itemsAt: (block) =>
        itemsIn(line, api, ['RecordRegistered'], block, ({ custodian, tag }) => [[custodian, tag]]),
      async sidesAt([custodian = '0x', tag = '0x'], block) {
        const at = { blockTag: block }
        const [there, here] = await Promise.all([
          old.commitmentOf(custodian, tag, at),
          next.ownCommitmentOf(custodian, tag, at),
        ])
        return { there: [there as Hex], here: [here as Hex] }
      },
      standingOf(sides) {
        if (isSame(sides)) return 'equal'
        return isNothing(sides.here) ? 'missing' : 'differs'
      },
      adopting: {
        custodianOf: async ([custodian = '0x']) => custodian,
        dataFor: (items) =>
          api.encodeFunctionData('adopt', [items[0]?.[0] ?? '0x', items.map(([, tag = '0x']) => tag)]),
      },
    },
  ]
}

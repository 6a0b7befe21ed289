import { zeroPadValue } from 'ethers'
import type { Hex } from '../../domain/hex.ts'
import { MemberRegistry__factory } from '../contracts.ts'
import { followed, type Holding, type Line, word } from './holding.ts'
import { itemsIn } from './line-events.ts'

const api = MemberRegistry__factory.createInterface()

/** Members, whom accounts act for, and groups by group and member. The council alone writes them at the successor. */
export function memberRegistryHoldings(line: Line): Holding[] {
  const at = (address: string) => MemberRegistry__factory.connect(address, line.provider)
  const both = [at(line.predecessor), at(line.successor)]
  const sides = async (words: (registry: ReturnType<typeof at>) => Promise<Hex[]>) => {
    const [there = [], here = []] = await Promise.all(both.map(words))
    return { there, here }
  }
  return [
    {
      of: 'members',
      itemsAt: (block) => itemsIn(line, api, ['MemberAdmitted'], block, ({ member }) => [[member]]),
      sidesAt: ([member = '0x'], block) =>
        sides(async (registry) => {
          const state = await registry.memberState(member, { blockTag: block })
          return [state.status, state.generation, state.admittedAt, state.roles].map(word)
        }),
      standingOf: followed,
    },
    {
      of: 'operators',
      itemsAt: (block) =>
        itemsIn(line, api, ['OperatorSet'], block, ({ operator }) => [[zeroPadValue(operator, 32) as Hex]]),
      sidesAt: ([operator = '0x'], block) =>
        sides(async (registry) => {
          const account = `0x${operator.slice(26)}`
          return [(await registry.memberOf(account, { blockTag: block })) as Hex]
        }),
      standingOf: followed,
    },
    {
      of: 'memberships of groups',
      itemsAt: (block) =>
        itemsIn(line, api, ['GroupJoined'], block, ({ group, member }) => [[group, member]]),
      sidesAt: ([group = '0x', member = '0x'], block) =>
        sides(async (registry) => [word(await registry.joinedAt(group, member, { blockTag: block }))]),
      standingOf: followed,
    },
  ]
}

import { type JsonRpcProvider, type Signer, Wallet } from 'ethers'
import { type Contracts, MemberRegistry__factory, Succession__factory } from '../chain/contracts.ts'
import { type Chamber, createCouncil, type Seat } from '../chain/council.ts'
import type { Hex } from '../domain/hex.ts'

/** Role bits of the MemberRegistry: custodian, requester, registrar, relayer, auditor. */
export const ALL_ROLES = 1 | 2 | 4 | 8 | 16

/** How long the sandbox's council waits between vote and act. Seconds; in production at least fourteen days. */
export const SANDBOX_DELAY = 2

/** Groups that patients of the sandbox can name, as its brokers are configured to look them up. */
export const SANDBOX_GROUPS: readonly string[] = ['regional care network']

/** A seat with its private key. */
export type SeatKey = { chamber: Chamber; key: string }

/** One new key for each chamber. */
export const newSeats = (): SeatKey[] =>
  (['providers', 'regulators', 'advocates'] as const).map((chamber) => ({
    chamber,
    key: Wallet.createRandom().privateKey,
  }))

/** What may be known of seats: their accounts. */
export const publicSeats = (seats: readonly SeatKey[]): Seat[] =>
  seats.map(({ chamber, key }) => ({ chamber, holder: new Wallet(key).address }))

const registry = MemberRegistry__factory.createInterface()
const succession = Succession__factory.createInterface()

/**
 * The sandbox's council: a seat in each chamber, all of whose keys are at hand. Each act is proposed by one, carried by
 * the two others, waited for, and performed.
 */
export function councilOf(args: {
  provider: JsonRpcProvider
  contracts: Contracts
  deployedAt: number
  seats: readonly SeatKey[]
}) {
  const { provider, contracts } = args
  const council = createCouncil(args)
  const [first, ...others] = args.seats.map(({ key }): Signer => new Wallet(key, provider))
  if (!first || others.length < 2) throw new Error('a council has three seats at least')

  let running: Promise<void> = Promise.resolve()

  /** Brings a call about: returns when it is done. One after the other: two would take each other's nonces. */
  function bringAbout(target: string, data: string): Promise<void> {
    const turn = () => vote(target, data)
    running = running.then(turn, turn)
    return running
  }

  async function vote(target: string, data: string): Promise<void> {
    const id = await council.propose(first as Signer, target, data)
    let readyAt: number | undefined
    for (const seat of others.slice(0, 2)) readyAt = await council.approve(seat, id)
    if (readyAt === undefined) return
    // Block times are this machine's, in whole seconds.
    const wait = Math.max(readyAt * 1000 - Date.now(), 0)
    await new Promise((done) => setTimeout(done, wait))
    await council.perform(first as Signer, id)
  }

  const member = (data: string) => bringAbout(contracts.memberRegistry, data)
  return {
    act: bringAbout,
    admit: (id: Hex, roles: number, operator: string, profile: string) =>
      member(registry.encodeFunctionData('admit', [id, roles, operator, profile])),
    suspend: (id: Hex) => member(registry.encodeFunctionData('suspend', [id])),
    reinstate: (id: Hex) => member(registry.encodeFunctionData('reinstate', [id])),
    remove: (id: Hex) => member(registry.encodeFunctionData('remove', [id])),
    joinGroup: (group: Hex, id: Hex) => member(registry.encodeFunctionData('joinGroup', [group, id])),
    leaveGroup: (group: Hex, id: Hex) => member(registry.encodeFunctionData('leaveGroup', [group, id])),
    announce: (old: string, next: string) =>
      bringAbout(contracts.succession, succession.encodeFunctionData('announce', [old, next])),
  }
}

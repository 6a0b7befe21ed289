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

const members = MemberRegistry__factory.createInterface()
const successors = Succession__factory.createInterface()

/** A call that the council is asked to make. */
type Call = { target: string; data: string }

/** What the council does about members, groups and successors. */
function councilCalls({ memberRegistry, succession }: Contracts) {
  const ofMembers = (data: string): Call => ({ target: memberRegistry, data })
  return {
    admit: (id: Hex, roles: number, operator: string, profile: string) =>
      ofMembers(members.encodeFunctionData('admit', [id, roles, operator, profile])),
    suspend: (id: Hex) => ofMembers(members.encodeFunctionData('suspend', [id])),
    reinstate: (id: Hex) => ofMembers(members.encodeFunctionData('reinstate', [id])),
    remove: (id: Hex) => ofMembers(members.encodeFunctionData('remove', [id])),
    joinGroup: (group: Hex, id: Hex) => ofMembers(members.encodeFunctionData('joinGroup', [group, id])),
    leaveGroup: (group: Hex, id: Hex) => ofMembers(members.encodeFunctionData('leaveGroup', [group, id])),
    announce: (old: string, next: string): Call => ({
      target: succession,
      data: successors.encodeFunctionData('announce', [old, next]),
    }),
  }
}

/** An act that every chamber has voted for; done, where it has no time from which on it can be performed. */
type Carried = { id: number; readyAt: number | undefined }

/**
 * The sandbox's council: a seat in each chamber, all of whose keys are at hand. Each act is proposed by one, carried by
 * the two others, waited for, and performed; one after the other, since two would take each other's nonces.
 */
export function councilOf(args: {
  provider: JsonRpcProvider
  contracts: Contracts
  deployedAt: number
  seats: readonly SeatKey[]
}) {
  const { provider, contracts } = args
  const council = createCouncil(args)
  const seats = args.seats.map(({ key }): Signer => new Wallet(key, provider))
  const [first, second, third] = seats
  if (!first || !second || !third) throw new Error('a council has three seats at least')
  const calls = councilCalls(contracts)
  let running: Promise<unknown> = Promise.resolve()

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = running.then(work, work)
    running = turn
    return turn
  }

  /** Has a call voted for; an equal one that waits already, from a story that was broken off, is taken instead. */
  const carry = ({ target, data }: Call): Promise<Carried> =>
    inTurn(async () => {
      const waiting = await council.waiting(target, data)
      if (waiting) return waiting
      const id = await council.propose(first, target, data)
      await council.approve(second, id)
      return { id, readyAt: await council.approve(third, id) }
    })

  const perform = async ({ id, readyAt }: Carried): Promise<void> => {
    if (readyAt === undefined) return
    // Block times are this machine's, in whole seconds.
    await new Promise((done) => setTimeout(done, Math.max(readyAt * 1000 - Date.now(), 0)))
    await inTurn(() => council.perform(first, id))
  }

  /** Brings a call about: returns when it is done. */
  const act = async (call: Call): Promise<void> => perform(await carry(call))

  return {
    calls,
    carry,
    perform,
    act,
    admit: (...of: Parameters<typeof calls.admit>) => act(calls.admit(...of)),
    suspend: (id: Hex) => act(calls.suspend(id)),
    reinstate: (id: Hex) => act(calls.reinstate(id)),
    remove: (id: Hex) => act(calls.remove(id)),
    joinGroup: (group: Hex, id: Hex) => act(calls.joinGroup(group, id)),
    leaveGroup: (group: Hex, id: Hex) => act(calls.leaveGroup(group, id)),
    announce: (old: string, next: string) => act(calls.announce(old, next)),
  }
}

import type { JsonRpcProvider, LogDescription, Result, Signer, TransactionReceipt } from 'ethers'
import type { Hex } from '../domain/hex.ts'
import { AccessManager__factory, type Contracts, Council__factory } from './contracts.ts'
import { mined } from './mined.ts'

/** The chambers, at the places that they have in the contract. */
export const CHAMBERS = ['none', 'providers', 'regulators', 'advocates'] as const
export type Chamber = (typeof CHAMBERS)[number]

/** An account that votes in a chamber. */
export type Seat = { holder: string; chamber: Chamber }

const STATES = ['none', 'proposed', 'scheduled', 'done', 'stopped'] as const

/** What the council is about to do, has done or was kept from doing. */
export type CouncilAct = {
  id: number
  target: Hex
  data: Hex
  /**
   * A scheduled act is `ready` once its delay is over and `expired` a week later. A `lapsed` one was proposed to another
   * composition of the council: nobody can vote on it any more.
   */
  state: 'proposed' | 'lapsed' | 'scheduled' | 'ready' | 'expired' | 'done' | 'stopped'
  approvals: Seat[]
  objections: Seat[]
  /** Block time from which on it can be performed, in seconds; only where it was scheduled. */
  readyAt?: number
}

/** Enough for any act. Fixed, since a vote estimated before another is mined does not know that it is the last. */
const GAS = 12_000_000n

/** Addresses are checksummed, or not, by whoever wrote them down. */
const isSame = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

const api = Council__factory.createInterface()

/** The council's contract, for its seats and for whoever looks on. */
export type Council = ReturnType<typeof createCouncil>

/**
 * Votes with the seats that are handed in, and reads what the contract tells. What it refuses is thrown as ethers'
 * `CALL_EXCEPTION`, before anything is sent; `describeRefusal` has words for it.
 */
export function createCouncil(deps: { provider: JsonRpcProvider; contracts: Contracts; deployedAt: number }) {
  const { provider, contracts, deployedAt } = deps
  const council = Council__factory.connect(contracts.council, provider)
  const manager = AccessManager__factory.connect(contracts.accessManager, provider)

  async function send(seat: Signer, data: string): Promise<TransactionReceipt> {
    const call = { to: contracts.council, data, gasLimit: GAS }
    // At the pending block, whose time is now: a delay may be over though no block has come since.
    await provider.call({ ...call, from: await seat.getAddress(), blockTag: 'pending' })
    const block = await provider.getBlock('latest')
    const free = block?.baseFeePerGas === 0n ? { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n } : {}
    return mined(await seat.connect(provider).sendTransaction({ ...call, ...free }))
  }

  /** What the council's event of that name says in a receipt. */
  function told({ logs }: TransactionReceipt, name: string): Result | undefined {
    const ours = logs.filter(({ address }) => isSame(address, contracts.council))
    return ours.map((log) => api.parseLog(log)).find((event) => event?.name === name)?.args
  }

  async function eventsOf(name: 'SeatSet' | 'ActProposed' | 'ActApproved' | 'ActObjected' | 'ActScheduled') {
    const topic = api.getEvent(name as 'SeatSet').topicHash
    const logs = await provider.getLogs({
      address: contracts.council,
      topics: [topic],
      fromBlock: deployedAt,
      toBlock: 'latest',
    })
    // Not flattened: what ethers gives is itself a list.
    return logs.map((log) => (api.parseLog(log) as LogDescription).args)
  }

  const voteOf = (args: { holder: string; chamber: bigint }): Seat => ({
    holder: args.holder,
    chamber: CHAMBERS[Number(args.chamber)] ?? 'none',
  })

  return {
    /** Proposes a call and votes for it. @returns the number of the act */
    async propose(seat: Signer, target: string, data: string): Promise<number> {
      const receipt = await send(seat, api.encodeFunctionData('propose', [target, data]))
      return Number(told(receipt, 'ActProposed')?.id)
    },
    /**
     * The last vote that is needed does the act, or schedules it where it has a delay.
     * @returns where it scheduled it: from which block time on the act can be performed, in seconds
     */
    async approve(seat: Signer, id: number): Promise<number | undefined> {
      const receipt = await send(seat, api.encodeFunctionData('approve', [id]))
      const readyAt = told(receipt, 'ActScheduled')?.readyAt as bigint | undefined
      return readyAt === undefined ? undefined : Number(readyAt)
    },
    /** Anybody's, seat or not. */
    perform: (anybody: Signer, id: number) => send(anybody, api.encodeFunctionData('perform', [id])),
    stop: (seat: Signer, id: number) => send(seat, api.encodeFunctionData('stop', [id])),
    /** Hands the seat to its next key; what is being voted on lapses. */
    rotate: (seat: Signer, next: string) => send(seat, api.encodeFunctionData('rotate', [next])),

    /** Who votes now, in the order of chambers. */
    async seats(): Promise<Seat[]> {
      const now = new Map<string, Chamber>()
      for (const args of await eventsOf('SeatSet')) {
        const { holder, chamber } = voteOf(args as never)
        now.set(holder, chamber)
      }
      const seats = [...now].map(([holder, chamber]) => ({ holder, chamber }))
      const order = ({ chamber }: Seat) => CHAMBERS.indexOf(chamber)
      return seats.filter(({ chamber }) => chamber !== 'none').sort((a, b) => order(a) - order(b))
    },

    /** How long a carried call of this function waits, in seconds; undefined where the council may not call it. */
    async delayOf(target: string, selector: string): Promise<number | undefined> {
      const [immediate, delay] = await manager.canCall(contracts.council, target, selector)
      return immediate || delay > 0n ? Number(delay) : undefined
    },

    /** The act that is carried for this very call and waits to be performed: there is one at most. */
    async waiting(target: string, data: string): Promise<{ id: number; readyAt: number } | undefined> {
      const at = await manager.getSchedule(await manager.hashOperation(contracts.council, target, data))
      if (at === 0n) return undefined
      for (const args of (await eventsOf('ActScheduled')).reverse()) {
        const act = await council.actOf(args.id as bigint)
        if (isSame(act.target, target) && act.data === data && STATES[Number(act.state)] === 'scheduled')
          return { id: Number(args.id), readyAt: Number(at) }
      }
      return undefined
    },

    /** Every act, oldest first. */
    async acts(): Promise<CouncilAct[]> {
      const [proposed, approved, objected, scheduled, seatings, head] = await Promise.all([
        eventsOf('ActProposed'),
        eventsOf('ActApproved'),
        eventsOf('ActObjected'),
        eventsOf('ActScheduled'),
        eventsOf('SeatSet'),
        provider.getBlock('latest'),
      ])
      const votes = (of: typeof approved, id: bigint) =>
        of.filter((args) => args.id === id).map((args) => voteOf(args as never))
      return Promise.all(
        proposed.map(async (args): Promise<CouncilAct> => {
          const { id, target, data } = args as unknown as { id: bigint; target: Hex; data: Hex }
          const { state, round } = await council.actOf(id)
          const readyAt = scheduled.find((event) => event.id === id)?.readyAt as bigint | undefined
          const stands = STATES[Number(state)]
          return {
            id: Number(id),
            target,
            data,
            state:
              stands === 'scheduled'
                ? await standing(target, data, head?.timestamp ?? 0)
                : // Each change of a seat or key is one round.
                  stands === 'proposed' && round !== BigInt(seatings.length)
                  ? 'lapsed'
                  : (stands as CouncilAct['state']),
            approvals: votes(approved, id),
            objections: votes(objected, id),
            ...(readyAt === undefined ? {} : { readyAt: Number(readyAt) }),
          }
        }),
      )
    },
  }

  async function standing(target: Hex, data: Hex, now: number): Promise<'scheduled' | 'ready' | 'expired'> {
    const at = await manager.getSchedule(await manager.hashOperation(contracts.council, target, data))
    if (at === 0n) return 'expired'
    return at <= BigInt(now) ? 'ready' : 'scheduled'
  }
}

import { concat, type JsonRpcProvider, keccak256, type Signer, toBeHex } from 'ethers'
import { readConsentWord } from '../domain/consent/consent-word.ts'
import type { Hex } from '../domain/hex.ts'
import { ConsentRegistry__factory, ConsentSuccessor__factory, PatientRegistry__factory } from './contracts.ts'
import { mined } from './mined.ts'

/** A slot of the registry, and the referrals that were anchored under it. */
type Slot = { handle: Hex; scope: Hex; referrals: Hex[] }

/** How a slot of the successor stands beside the predecessor's. */
export type SlotStanding =
  /** The same word, written at the successor. */
  | 'equal'
  /** Not written at the successor: it follows the predecessor until it is. */
  | 'missing'
  /** The predecessor has a higher version, which narrows the slot, and adopting has not told so yet. */
  | 'behind'
  /** Acts signed for the successor, or narrowing ones for the predecessor, have led on from there. */
  | 'moved on'

/** What anybody can compute from two contracts at one block. */
export type Proof = {
  block: number
  slots: number
  standing: Record<SlotStanding, number>
  referrals: { live: number; missing: number }
  /** Over all words, at the predecessor and as written at the successor: equal where all slots are. */
  digests: { predecessor: Hex; successor: Hex }
  /** Nothing is missing and nothing behind: whoever reads the successor alone misses nothing that narrows. */
  complete: boolean
}

/** Items in one transaction: 50 slots of 32,000 gas each, far below a block. */
const BATCH = 50
const RANGE = 2_000
const ZERO = 0n

const api = ConsentSuccessor__factory.createInterface()
const WORD_EVENTS = [
  'ConsentGranted',
  'ConsentRevoked',
  'ConsentObjected',
  'ObjectionWithdrawn',
  'ConsentAdopted',
]

/**
 * Moves what a consent registry holds into its successor, and proves that the two are equal. Everything that it sends,
 * anybody may send: the successor takes it from its predecessor itself. Broken off, it goes on where it was.
 */
export function createMigration(deps: {
  provider: JsonRpcProvider
  predecessor: string
  successor: string
  patientRegistry: string
  /** First block that holds a contract of ours. */
  deployedAt: number
}) {
  const { provider, deployedAt } = deps
  const old = ConsentRegistry__factory.connect(deps.predecessor, provider)
  const next = ConsentSuccessor__factory.connect(deps.successor, provider)
  const patients = PatientRegistry__factory.connect(deps.patientRegistry, provider)

  /** Every slot that ever had a word up to a block, by custodian and handle: which patient came first tells nothing. */
  async function slotsUpTo(block: number): Promise<Slot[]> {
    const line = [deps.predecessor, ...(await predecessorsOf(deps.predecessor))]
    const topics = [...WORD_EVENTS, 'ReferralAnchored'].map(
      (name) => api.getEvent(name as 'ConsentGranted').topicHash,
    )
    const slots = new Map<string, Slot>()
    for (let from = deployedAt; from <= block; from += RANGE) {
      const toBlock = Math.min(from + RANGE - 1, block)
      const logs = await provider.getLogs({ address: line, topics: [topics], fromBlock: from, toBlock })
      for (const log of logs) {
        const { name, args } = api.parseLog(log) ?? {}
        const { handle, scope, referral } = args as unknown as { handle: Hex; scope: Hex; referral?: Hex }
        const slot = slots.get(`${handle}${scope}`) ?? { handle, scope, referrals: [] }
        if (name === 'ReferralAnchored' && referral && !slot.referrals.includes(referral))
          slot.referrals.push(referral)
        slots.set(`${handle}${scope}`, slot)
      }
    }
    return [...slots.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  }

  async function predecessorsOf(contract: string): Promise<string[]> {
    return ConsentSuccessor__factory.connect(contract, provider)
      .predecessors()
      .catch(() => [])
  }

  /** Both words of each slot, at one block. */
  async function wordsAt(slots: readonly Slot[], block: number) {
    return mapInBatches(slots, async (slot) => {
      const at = { blockTag: block }
      const [word, own] = await Promise.all([
        old.wordOf(slot.handle, slot.scope, at),
        next.ownWordOf(slot.handle, slot.scope, at),
      ])
      return { ...slot, word, own, standing: standingOf(word, own) }
    })
  }

  /** Referrals that a permit still carries, and whether the successor has them. */
  async function referralsAt(slots: Awaited<ReturnType<typeof wordsAt>>, block: number) {
    const at = { blockTag: block }
    const all = slots.flatMap((slot) => slot.referrals.map((referral) => ({ ...slot, referral })))
    const found = await mapInBatches(all, async (one) => {
      const { handle, scope, referral } = one
      const [[theirs], [ours]] = await Promise.all([
        old.referralOf(handle, scope, referral, at),
        next.referralOf(handle, scope, referral, at),
      ])
      const { state, version } = readConsentWord(one.word)
      // With any other parent it is dead, there and here.
      const carried = state === 'permit' && theirs.parentVersion === BigInt(version) && one.own === one.word
      return { handle, scope, referral, carried, missing: ours.anchoredAt === ZERO }
    })
    return found.filter(({ carried }) => carried)
  }

  async function prove(block?: number): Promise<Proof> {
    const at = block ?? (await provider.getBlockNumber())
    const slots = await wordsAt(await slotsUpTo(at), at)
    const referrals = await referralsAt(slots, at)
    const standing: Proof['standing'] = { equal: 0, missing: 0, behind: 0, 'moved on': 0 }
    for (const slot of slots) standing[slot.standing]++
    const missing = referrals.filter((referral) => referral.missing).length
    return {
      block: at,
      slots: slots.length,
      standing,
      referrals: { live: referrals.length, missing },
      digests: {
        predecessor: digestOf(slots.map((slot) => ({ ...slot, word: slot.word }))),
        successor: digestOf(slots.map((slot) => ({ ...slot, word: slot.own }))),
      },
      complete: standing.missing + standing.behind + missing === 0,
    }
  }

  /**
   * Sends what is missing or behind, in bounded transactions, one after the other; then proves. One transaction never
   * holds slots of two custodians (I8).
   */
  async function migrate(
    signer: Signer,
    told: (done: number, all: number) => void = () => {},
  ): Promise<Proof> {
    const block = await provider.getBlockNumber()
    const slots = await wordsAt(await slotsUpTo(block), block)
    const calls: { handle: Hex; data: string }[] = slots
      .filter(({ standing }) => standing === 'missing' || standing === 'behind')
      .map(({ handle, scope }) => ({ handle, data: api.encodeFunctionData('adopt', [handle, [scope]]) }))
    await sendAll(signer, calls, told)
    const after = await provider.getBlockNumber()
    const referrals = await referralsAt(await wordsAt(slots, after), after)
    await sendAll(
      signer,
      referrals
        .filter(({ missing }) => missing)
        .map(({ handle, scope, referral }) => ({
          handle,
          data: api.encodeFunctionData('adoptReferrals', [handle, scope, [referral]]),
        })),
      told,
    )
    return prove()
  }

  async function sendAll(
    signer: Signer,
    calls: readonly { handle: Hex; data: string }[],
    told: (done: number, all: number) => void,
  ): Promise<void> {
    const custodians = new Map<Hex, string>()
    await mapInBatches([...new Set(calls.map(({ handle }) => handle))], async (handle) => {
      custodians.set(handle, (await patients.handleState(handle)).custodian)
    })
    const ofCustodian = Map.groupBy(calls, ({ handle }) => custodians.get(handle) ?? '')
    const head = await provider.getBlock('latest')
    const free = head?.baseFeePerGas === 0n ? { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n } : {}
    let done = 0
    for (const custodian of [...ofCustodian.keys()].sort()) {
      const theirs = ofCustodian.get(custodian) ?? []
      for (let i = 0; i < theirs.length; i += BATCH) {
        const batch = theirs.slice(i, i + BATCH)
        const sent = await next.connect(signer.connect(provider)).batch(
          batch.map(({ data }) => data),
          free,
        )
        await mined(sent)
        done += batch.length
        told(done, calls.length)
      }
    }
  }

  return { migrate, prove }
}

const keyOf = ({ handle, scope }: Slot) => `${handle}${scope}`

function standingOf(word: bigint, own: bigint): SlotStanding {
  if (own === word) return 'equal'
  if (own === ZERO) return 'missing'
  const [theirs, ours] = [readConsentWord(word), readConsentWord(own)]
  if (theirs.version <= ours.version || ours.state === 'objection') return 'moved on'
  const narrows = theirs.state === 'objection' || ours.state === 'permit'
  return narrows ? 'behind' : 'moved on'
}

/** keccak256 over handle, scope and word, 32 bytes each, in the order of handle and scope; empty words left out. */
function digestOf(slots: readonly { handle: Hex; scope: Hex; word: bigint }[]): Hex {
  const written = slots
    .filter(({ word }) => word !== ZERO)
    .sort((a, b) => (a.handle + a.scope < b.handle + b.scope ? -1 : 1))
  return keccak256(
    concat(written.flatMap(({ handle, scope, word }) => [handle, scope, toBeHex(word, 32)])),
  ) as Hex
}

/** So many at a time that a node answers them together. */
async function mapInBatches<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let i = 0; i < items.length; i += BATCH)
    results.push(...(await Promise.all(items.slice(i, i + BATCH).map(work))))
  return results
}

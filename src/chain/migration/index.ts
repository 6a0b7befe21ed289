import type { Signer } from 'ethers'
import type { Hex } from '../../domain/hex.ts'
import { ILine__factory } from '../contracts.ts'
import { mined } from '../mined.ts'
import { accessLogHoldings } from './access-log.ts'
import { accessRequestsHoldings } from './access-requests.ts'
import { breakGlassHoldings } from './break-glass.ts'
import { consentRegistryHoldings } from './consent-registry.ts'
import {
  digestOf,
  type Holding,
  type Item,
  type Line,
  mapInBatches,
  type Replaceable,
  type Sides,
  type Standing,
} from './holding.ts'
import { memberRegistryHoldings } from './member-registry.ts'
import { patientRegistryHoldings } from './patient-registry.ts'
import { recordDirectoryHoldings } from './record-directory.ts'

export { REPLACEABLE, type Replaceable, type Standing } from './holding.ts'

/** One kind of thing, as it stands at both contracts. */
export type Part = {
  /** In the plural, such as `slots`. */
  of: string
  items: number
  standing: Record<Standing, number>
  /** Over names and words of all, at the predecessor and at the successor: equal where all things are. */
  digests: { predecessor: Hex; successor: Hex }
}

/** What anybody can compute from two contracts at one block. */
export type Proof = {
  contract: Replaceable
  block: number
  parts: Part[]
  /** Nothing is missing and nothing behind: whoever reads the successor alone misses nothing that narrows. */
  complete: boolean
}

const HOLDINGS: Record<Replaceable, (line: Line) => Holding[]> = {
  consentRegistry: consentRegistryHoldings,
  recordDirectory: recordDirectoryHoldings,
  accessLog: accessLogHoldings,
  accessRequests: accessRequestsHoldings,
  breakGlass: breakGlassHoldings,
  patientRegistry: patientRegistryHoldings,
  memberRegistry: memberRegistryHoldings,
}

/** Things in one transaction, far below a block: 50 slots of 32,000 gas each, or tags of 28,000. */
const BATCH = 50

type Compared = Sides & { item: Item; standing: Standing }

/** The contracts that one says it took over from, the youngest first; none where it says nothing of the kind. */
export async function predecessorsOf(provider: Line['provider'], contract: string): Promise<string[]> {
  return ILine__factory.connect(contract, provider)
    .predecessors()
    .catch(() => [])
}

/**
 * Moves what a contract holds into its successor, and proves that the two are equal. Everything that it sends, anybody may
 * send: the successor takes it from its predecessor itself. Broken off, it goes on where it was. What a successor looks
 * further for is never sent, and proven all the same.
 */
export function createMigration(deps: Omit<Line, 'older'> & { contract: Replaceable }) {
  const { provider, contract, predecessor, successor } = deps

  async function holdings(): Promise<Holding[]> {
    const older = [predecessor, ...(await predecessorsOf(provider, predecessor))]
    return HOLDINGS[contract]({ ...deps, older })
  }

  async function compareAt(holding: Holding, block: number): Promise<Compared[]> {
    return mapInBatches(await holding.itemsAt(block), BATCH, async (item) => {
      const sides = await holding.sidesAt(item, block)
      return { item, ...sides, standing: holding.standingOf(sides) }
    })
  }

  async function partAt(holding: Holding, block: number): Promise<Part> {
    const things = await compareAt(holding, block)
    const standing: Part['standing'] = { equal: 0, missing: 0, behind: 0, 'moved on': 0, differs: 0 }
    for (const thing of things) standing[thing.standing]++
    const digest = (side: keyof Sides) =>
      digestOf(things.map((one) => ({ item: one.item, words: one[side] })))
    const digests = { predecessor: digest('there'), successor: digest('here') }
    return { of: holding.of, items: things.length, standing, digests }
  }

  async function prove(block?: number): Promise<Proof> {
    const at = block ?? (await provider.getBlockNumber())
    const parts: Part[] = []
    for (const holding of await holdings()) parts.push(await partAt(holding, at))
    const lacking = parts.reduce((sum, { standing }) => sum + standing.missing + standing.behind, 0)
    return { contract, block: at, parts, complete: lacking === 0 }
  }

  /**
   * Sends what is missing or behind, in bounded transactions, one after the other; then proves. One transaction never
   * holds things of two custodians (I8).
   */
  async function migrate(
    signer: Signer,
    told: (done: number, all: number) => void = () => {},
  ): Promise<Proof> {
    for (const holding of await holdings()) {
      if (!holding.adopting) continue
      // Of a later kind only what is there once the earlier ones are adopted.
      const things = await compareAt(holding, await provider.getBlockNumber())
      const lacking = things.filter(({ standing }) => standing === 'missing' || standing === 'behind')
      await sendAll(
        signer,
        holding.adopting,
        lacking.map(({ item }) => item),
        told,
      )
    }
    return prove()
  }

  async function sendAll(
    signer: Signer,
    adopting: NonNullable<Holding['adopting']>,
    items: readonly Item[],
    told: (done: number, all: number) => void,
  ): Promise<void> {
    const owned = await mapInBatches(items, BATCH, async (item) => ({
      item,
      custodian: await adopting.custodianOf(item),
    }))
    const ofCustodian = Map.groupBy(owned, ({ custodian }) => custodian)
    const head = await provider.getBlock('latest')
    const free = head?.baseFeePerGas === 0n ? { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n } : {}
    const sender = signer.connect(provider)
    let done = 0
    for (const custodian of [...ofCustodian.keys()].sort()) {
      const theirs = (ofCustodian.get(custodian) ?? []).map(({ item }) => item)
      for (let i = 0; i < theirs.length; i += BATCH) {
        const batch = theirs.slice(i, i + BATCH)
        const sent = await sender.sendTransaction({ to: successor, data: adopting.dataFor(batch), ...free })
        await mined(sent)
        done += batch.length
        told(done, items.length)
      }
    }
  }

  return { migrate, prove }
}

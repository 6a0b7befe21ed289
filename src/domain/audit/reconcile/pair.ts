import { SimpleMerkleTree } from '@openzeppelin/merkle-tree'
import type { Hex } from '../../hex.ts'
import { type ShownLine, shownLeaf } from '../leaf.ts'
import type { Finding, FindingCode } from './findings.ts'
import type { Anchor } from './kept.ts'

/** One line that a member shows, with the way from its leaf to the root of its window. */
export type ProvenLine = ShownLine & { readonly window: number; readonly path: readonly Hex[] }

/** How far the two sides may be apart. Milliseconds. */
export const PAIR_BOUNDS = {
  /** The clocks of two members. */
  clocks: 60_000,
  /** From the custodian's line to the requester's: a large content takes its time. */
  arrival: 900_000,
  /** A line without its counterpart is kept for so long; a double later than that counts as one without counterpart. */
  kept: 3_600_000,
}

type Side = 'own' | 'their'
type Line = ProvenLine['shared'] & { at: number }
/** What either side has said of one exchange: `sent` by its custodian, `came` to its requester. */
type Exchange = { last: number; intents: Line[]; sent: Line[]; came: Line[]; matched: boolean }

/**
 * Holds what two members show of their exchanges against each other, each line proven by the root that its member anchored.
 * Lines are given in the order of their windows, of both sides as far as the same time; keeps an hour of what is not matched.
 *
 * @param within lines from outside of it, in milliseconds, are counterparts only and miss none themselves
 * @param matched told of each exchange whose lines agree
 */
export function createPairing(deps: {
  own: Hex
  peer: Hex
  within: { since: number; until: number }
  found: (finding: Finding) => void
  matched: () => void
}) {
  const { own, peer } = deps
  const exchanges = new Map<string, Exchange>()
  const memberOf = (side: Side) => (side === 'own' ? own : peer)
  const tell = (code: FindingCode, of: string, what: string, note?: string) =>
    deps.found({ code, what, of, ...(note === undefined ? {} : { note }) })

  /** Whether the line is what its member anchored, and the two members' business. */
  function proven(side: Side, line: ProvenLine, anchor: Anchor | undefined): boolean {
    const { shared } = line
    const what = `exchange ${shared.exchange}`
    const of = memberOf(side)
    const [self, other] =
      shared.kind === 'receipt'
        ? (['requester', 'custodian'] as const)
        : (['custodian', 'requester'] as const)
    if (shared[self] !== of || shared[other] !== (side === 'own' ? peer : own)) {
      tell('not-of-these-two', of, what)
      return false
    }
    if (!anchor) {
      tell('window-not-anchored', of, what, `window ${line.window}`)
      return false
    }
    if (!leadsTo(anchor.root, line)) {
      tell('proof-invalid', of, what, `window ${line.window}`)
      return false
    }
    const at = Date.parse(shared.recorded)
    if (!(at < anchor.until * 1000 && at >= anchor.from * 1000 - PAIR_BOUNDS.clocks)) {
      tell('shown-outside-window', of, what, `window ${line.window}`)
      return false
    }
    return true
  }

  const keyOf = ({ exchange, custodian }: Line) => `${custodian}|${exchange}`

  function add(side: Side, line: Line): void {
    const key = keyOf(line)
    const before = exchanges.get(key)
    const one = before ?? { last: line.at, intents: [], sent: [], came: [], matched: false }
    exchanges.delete(key)
    exchanges.set(key, one)
    one.last = Math.max(one.last, line.at)
    const list = line.kind === 'intent' ? one.intents : line.kind === 'disclosure' ? one.sent : one.came
    if (line.kind !== 'intent' && list.some(({ record }) => record === line.record))
      tell('exchange-doubled', memberOf(side), `exchange ${line.exchange}`)
    else list.push(line)
  }

  /** What is left once nothing more can come. */
  function settle(one: Exchange): void {
    const { intents, sent, came } = one
    const [receipt] = came
    const first = sent[0]
    const counts = ({ at }: Line) => at >= deps.within.since && at < deps.within.until
    if (!receipt) {
      if (first && counts(first))
        tell('disclosure-without-receipt', first.requester, `exchange ${first.exchange}`)
      return
    }
    // A search that yields nothing discloses nothing, and was meant all the same.
    const isSearch = receipt.record === undefined
    const counterpart = first ?? (isSearch ? intents[0] : undefined)
    const what = `exchange ${receipt.exchange}`
    if (!counterpart) {
      if (counts(receipt)) tell('receipt-without-disclosure', receipt.custodian, what)
      return
    }
    const contradictions = contradictionsOf(counterpart, receipt, isSearch)
    for (const [code, note] of contradictions) tell(code, receipt.custodian, what, note)
    if (contradictions.length === 0) deps.matched()
  }

  return {
    /** @param anchor the line's window as the chain has it */
    line(side: Side, line: ProvenLine, anchor: Anchor | undefined): void {
      if (proven(side, line, anchor)) add(side, { ...line.shared, at: Date.parse(line.shared.recorded) })
    },
    /** Both sides have been given up to here, in milliseconds: what is older than that by an hour is settled. */
    upTo(time: number): void {
      for (const [key, one] of exchanges) {
        if (one.last >= time - PAIR_BOUNDS.kept) continue
        exchanges.delete(key)
        settle(one)
      }
    },
    end(): void {
      for (const one of exchanges.values()) settle(one)
      exchanges.clear()
    },
    /** How many exchanges are kept at present. */
    size: () => exchanges.size,
  }
}

function contradictionsOf(sent: Line, came: Line, isSearch: boolean): [FindingCode, string][] {
  const after = came.at - sent.at
  return [
    ...(!isSearch && sent.bytes !== came.bytes
      ? ([['bytes-differ', `${sent.bytes ?? 'none'} and ${came.bytes ?? 'none'}`]] as [FindingCode, string][])
      : []),
    ...(!isSearch && sent.record !== came.record
      ? ([['record-differs', `${sent.record ?? 'none'} and ${came.record ?? 'none'}`]] as [
          FindingCode,
          string,
        ][])
      : []),
    ...(sent.purpose !== came.purpose
      ? ([['purpose-differs', `${sent.purpose ?? 'none'} and ${came.purpose ?? 'none'}`]] as [
          FindingCode,
          string,
        ][])
      : []),
    ...(after < -PAIR_BOUNDS.clocks || after > PAIR_BOUNDS.arrival
      ? ([
          ['times-contradict', `${new Date(sent.at).toISOString()} and ${new Date(came.at).toISOString()}`],
        ] as [FindingCode, string][])
      : []),
  ]
}

function leadsTo(root: Hex, line: ProvenLine): boolean {
  try {
    return SimpleMerkleTree.verify(root, shownLeaf(line), [...line.path])
  } catch {
    return false
  }
}

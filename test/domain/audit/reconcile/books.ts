import { createHash } from 'node:crypto'
import { SimpleMerkleTree } from '@openzeppelin/merkle-tree'
import type { AuditEntry, AuditKind } from '../../../../src/domain/audit/audit-entry.ts'
import { leafOf, showLine } from '../../../../src/domain/audit/leaf.ts'
import type { Anchor, KeptEntry, KeptWindow } from '../../../../src/domain/audit/reconcile/kept.ts'
import type { ProvenLine } from '../../../../src/domain/audit/reconcile/pair.ts'
import type { ToldEvent } from '../../../../src/domain/audit/reconcile/trail-lines.ts'
import type { Hex } from '../../../../src/domain/hex.ts'

export const START = Date.parse('2026-01-01T00:00:00Z') / 1000
const LENGTH = 60

export type Random = { number(below: number): number; hex(): Hex; id(): string }

/** The same numbers for the same seed. */
export function randomOf(seed: number): Random {
  let count = 0
  const bytes = () => createHash('sha256').update(`${seed}/${count++}`).digest()
  return {
    number: (below) => bytes().readUInt32BE() % below,
    hex: () => `0x${bytes().toString('hex')}`,
    id: () => bytes().toString('hex').slice(0, 32),
  }
}

export type Party = { id: Hex; name: string }
export const partyOf = (random: Random, name: string): Party => ({ id: random.hex(), name })

/** What a member writes down in one window, before it is anchored. */
export type Draft = { number: number; from: number; until: number; entries: AuditEntry[] }

/** One member's books, its windows on the chain, and the trail that its people read. */
export type Books = {
  kept: Map<number, KeptWindow>
  open: KeptEntry[]
  anchors: Map<number, Anchor[]>
  lines: Map<string, AuditEntry>
  events: ToldEvent[]
  eventLines: Map<string, AuditEntry>
}

const at = (seconds: number) => new Date(seconds * 1000).toISOString()

/**
 * A member's log over so many minutes, as an honest broker writes it: each minute it gives two records to the other member,
 * receives one, refuses one, and somebody reads the log.
 */
export function draftsOf(random: Random, self: Party, other: Party, minutes: number): Draft[] {
  return Array.from({ length: minutes }, (_, i) => {
    const from = START + i * LENGTH
    const entry = (second: number, kind: AuditKind, more: Partial<AuditEntry>): AuditEntry => ({
      ...{ id: random.id(), recorded: at(from + second), kind, outcome: '0' },
      ...more,
    })
    const gives = { custodian: self, requester: other, purpose: 'TREAT', policy: `Consent/${random.id()}` }
    const release = (second: number) => {
      const [exchange, record] = [random.id(), { id: random.id() }]
      const hash = random.hex().slice(2)
      return [
        entry(second, 'intent', { ...gives, exchange, record }),
        entry(second + 3, 'disclosure', { ...gives, exchange, record: { ...record, hash } }),
      ]
    }
    const entries = [
      ...release(5),
      entry(20, 'refusal', { custodian: self, requester: other, outcome: '8', reason: 'no-consent' }),
      ...release(28),
      entry(44, 'log-read', { requester: self, user: { id: 'auditor-1' } }),
    ]
    return { number: i + 1, from, until: from + LENGTH, entries }
  })
}

/** What each has given, the other has received, two seconds later. */
export function receiveFrom(random: Random, to: Draft[], from: readonly Draft[]): void {
  from.forEach(({ entries }, i) => {
    for (const entry of entries) {
      if (entry.kind !== 'disclosure') continue
      to[i]?.entries.push({
        ...{ id: random.id(), kind: 'receipt', outcome: '0' },
        recorded: new Date(Date.parse(entry.recorded) + 2_000).toISOString(),
        ...(entry.exchange ? { exchange: entry.exchange } : {}),
        ...(entry.custodian ? { custodian: entry.custodian } : {}),
        ...(entry.requester ? { requester: entry.requester } : {}),
        ...(entry.purpose ? { purpose: entry.purpose } : {}),
        ...(entry.record ? { record: entry.record } : {}),
        patient: { identifier: { system: 'urn:test', value: '1' } },
      })
    }
    to[i]?.entries.sort((a, b) => (a.recorded < b.recorded ? -1 : 1))
  })
}

/** As the log keeps an entry that it writes now. */
export function keptOf(random: Random, entry: AuditEntry, seq: number): KeptEntry {
  const salt = Buffer.from(random.hex().slice(2), 'hex')
  return { seq, at: entry.recorded, leaf: leafOf(salt, entry), body: { salt, entry: structuredClone(entry) } }
}

function rootOf({ entries, padding }: Pick<KeptWindow, 'entries' | 'padding'>): Hex {
  return SimpleMerkleTree.of([...entries.map(({ leaf }) => leaf), padding]).root as Hex
}

/** Writes, anchors, and tells the trail. */
export function anchored(random: Random, drafts: readonly Draft[]): Books {
  const books: Books = {
    ...{ kept: new Map(), open: [], anchors: new Map(), lines: new Map(), events: [], eventLines: new Map() },
  }
  // With room between them, for what is put there afterwards.
  let seq = 0
  for (const { number, from, until, entries } of drafts) {
    const kept = entries.map((entry) => {
      seq += 10
      return keptOf(random, entry, seq)
    })
    const window = { number, from, until, padding: random.hex(), entries: kept }
    const root = rootOf(window)
    books.kept.set(number, { ...window, root })
    books.anchors.set(number, [{ number, from, until, root, at: until + 4 }])
    for (const entry of entries) books.lines.set(entry.id, structuredClone(entry))
    const [block, transaction, id] = [number * 2, random.hex(), random.id()]
    const event: ToldEvent = { id, kind: 'window', block, logIndex: 0, transaction, time: until + 4 }
    books.events.push(event)
    books.eventLines.set(id, {
      ...{ id, kind: 'window', outcome: '0', recorded: at(event.time) },
      chain: { block, logIndex: 0, transaction },
    })
  }
  return books
}

/** What a member shows another one of its window. */
export function shownOf({ entries, number, padding }: KeptWindow): ProvenLine[] {
  const tree = SimpleMerkleTree.of([...entries.map(({ leaf }) => leaf), padding])
  return entries.flatMap(({ leaf, body }) => {
    if (body === undefined || body === 'unreadable') return []
    const shown = showLine(body.salt, body.entry)
    return shown ? [{ ...shown, window: number, path: tree.getProof(leaf) as Hex[] }] : []
  })
}

import { expect, test } from 'vitest'
import type { AuditEntry } from '../../../../src/domain/audit/audit-entry.ts'
import { FINDINGS, type Finding } from '../../../../src/domain/audit/reconcile/findings.ts'
import { createLogChecker } from '../../../../src/domain/audit/reconcile/own-log.ts'
import { createPairing, type ProvenLine } from '../../../../src/domain/audit/reconcile/pair.ts'
import {
  compareEntries,
  compareEventLines,
  compareEvents,
  compareOwnLines,
} from '../../../../src/domain/audit/reconcile/trail-lines.ts'
import { seeded } from '../../../seeded.ts'
import { anchored, type Books, draftsOf, partyOf, randomOf, receiveFrom, START, shownOf } from './books.ts'
import { type Expected, LOG_FAULTS } from './log-faults.ts'
import { PAIR_FAULTS } from './pair-faults.ts'

const { seed } = seeded({})

/** Reads a member's books as a reconciliation does; what it remembers lies in a set here. */
async function reconciled(member: string, books: Books, last: number): Promise<Finding[]> {
  const found: Finding[] = []
  const ids = new Set<string>()
  const checker = createLogChecker({
    ...{ member, dueBefore: START + (last + 10) * 60, since: 0, keptFrom: START * 1000 },
    seen: async (more) => {
      const again = new Set(more.filter((id) => ids.has(id)))
      for (const id of more) ids.add(id)
      return again
    },
    found: (finding) => found.push(finding),
  })
  const entries: AuditEntry[] = []
  const readable = (kept: Parameters<typeof checker.open>[0]) =>
    kept.flatMap(({ body }) => (body === undefined || body === 'unreadable' ? [] : [body.entry]))
  for (let number = 1; number <= last; number++) {
    const kept = books.kept.get(number)
    await checker.window(kept, books.anchors.get(number) ?? [])
    entries.push(...readable(kept?.entries ?? []))
  }
  await checker.open(books.open)
  entries.push(...readable(books.open))
  checker.end()
  // An entry that stands twice is looked up once.
  const once = [...new Map(entries.map((entry) => [entry.id, entry])).values()]
  found.push(...compareEntries(member, once, books.lines))
  found.push(...compareOwnLines(member, [...books.lines.keys()], ids))
  found.push(...compareEvents(member, books.events, books.eventLines))
  const lines = [...books.eventLines].map(([id, entry]) => ({ id, entry }))
  found.push(...compareEventLines(member, lines, new Set(books.events.map(({ id }) => id))))
  return found
}

const sorted = (expected: readonly (readonly [string, string])[]) =>
  expected.map(([a, b]) => `${a} ${b}`).sort()
const codes = (found: readonly Finding[]) => sorted(found.map(({ code, what }) => [code, what] as const))

/** Each kind once, and then at random. */
function drawn(names: readonly string[], count: number, random: ReturnType<typeof randomOf>): string[] {
  return Array.from({ length: count }, (_, i) => names[i] ?? names[random.number(names.length)] ?? '')
}

/** A log with these faults, two windows apart, and what is to be found. */
async function logWith(faults: readonly string[], salt: number) {
  const random = randomOf(seed + salt)
  const [self, other] = [partyOf(random, 'A'), partyOf(random, 'B')]
  const minutes = faults.length * 3 + 3
  const drafts = draftsOf(random, self, other, minutes)
  const expected: Expected[] = []
  const number = (i: number) => i * 3 + 2
  faults.forEach((name, i) => {
    const [draft, next] = [drafts[number(i) - 1], drafts[number(i)]]
    if (draft && next) expected.push(...(LOG_FAULTS[name]?.before?.(draft, random, next) ?? []))
  })
  const books = anchored(random, drafts)
  faults.forEach((name, i) => {
    expected.push(...(LOG_FAULTS[name]?.after?.({ books, n: number(i), random }) ?? []))
  })
  return { expected, found: await reconciled(self.id, books, minutes) }
}

/** Two members with these faults between them, half of them where either gave. */
function pairWith(faults: readonly string[], salt: number) {
  const random = randomOf(seed + salt)
  const [a, b, stranger] = [partyOf(random, 'A'), partyOf(random, 'B'), partyOf(random, 'C')]
  const minutes = faults.length * 4 + 64
  const drafts = { own: draftsOf(random, a, b, minutes), their: draftsOf(random, b, a, minutes) }
  const given = { own: structuredClone(drafts.own), their: structuredClone(drafts.their) }
  receiveFrom(random, drafts.own, given.their)
  receiveFrom(random, drafts.their, given.own)
  const expected: Expected[] = []
  const giver = faults.map(() => (random.number(2) === 0 ? ('own' as const) : ('their' as const)))
  const number = (i: number) => i * 4 + 3
  const other = { own: 'their', their: 'own' } as const
  faults.forEach((name, i) => {
    const [giving, n] = [giver[i] ?? 'own', number(i)]
    const [gave, came, earlier] = [
      drafts[giving][n - 1],
      drafts[other[giving]][n - 1],
      drafts[other[giving]][n - 3],
    ]
    if (gave && came && earlier)
      expected.push(...(PAIR_FAULTS[name]?.before?.({ gave, came, earlier, random, stranger }) ?? []))
  })
  const books = { own: anchored(random, drafts.own), their: anchored(random, drafts.their) }
  const shown = { own: new Map<number, ProvenLine[]>(), their: new Map<number, ProvenLine[]>() }
  for (const side of ['own', 'their'] as const)
    for (const [n, kept] of books[side].kept) shown[side].set(n, shownOf(kept))
  faults.forEach((name, i) => {
    const [giving, n] = [giver[i] ?? 'own', number(i)]
    const changed = PAIR_FAULTS[name]?.shown?.(shown[giving].get(n) ?? [], random)
    if (changed) shown[giving].set(n, changed.lines)
    expected.push(...(changed?.expected ?? []))
  })
  const found: Finding[] = []
  let matched = 0
  let most = 0
  const pairing = createPairing({
    ...{ own: a.id, peer: b.id, found: (finding) => found.push(finding) },
    within: { since: 0, until: Number.POSITIVE_INFINITY },
    matched: () => matched++,
  })
  for (let n = 1; n <= minutes; n++) {
    for (const side of ['own', 'their'] as const)
      for (const line of shown[side].get(n) ?? [])
        pairing.line(side, line, books[side].anchors.get(line.window)?.[0])
    pairing.upTo((START + n * 60) * 1000)
    most = Math.max(most, pairing.size())
  }
  pairing.end()
  return { expected, found, matched, most, exchanges: minutes * 4 }
}

test('a hundred planted faults of every kind are found, each under its own name, and nothing else is', async () => {
  const random = randomOf(seed)
  const own = drawn(Object.keys(LOG_FAULTS), 65, random)
  const pair = drawn(Object.keys(PAIR_FAULTS), 35, random)
  expect(own.length + pair.length).toBe(100)
  const [log, two] = [await logWith(own, 1), pairWith(pair, 2)]
  expect(codes(log.found), `seed ${seed}`).toEqual(sorted(log.expected))
  expect(codes(two.found), `seed ${seed}`).toEqual(sorted(two.expected))
  const named = new Set([...log.found, ...two.found].map(({ code }) => code))
  expect(Object.keys(FINDINGS).filter((code) => !named.has(code as never))).toEqual([])
})

test('where nothing was planted nothing is found, and every exchange matches', async () => {
  const log = await logWith([], 3)
  expect(log.found).toEqual([])
  const { found, matched, exchanges } = pairWith([], 4)
  expect(found).toEqual([])
  expect(matched).toBe(exchanges)
})

test('no more than about an hour of exchanges is kept, however long the period', () => {
  const { most, exchanges } = pairWith(drawn(Object.keys(PAIR_FAULTS), 15, randomOf(seed)), 5)
  expect(exchanges).toBeGreaterThan(400)
  expect(most).toBeLessThan(4 * 62 + 20)
})

test('what was deleted at the end of its retention counts by its leaf, and nothing is missed of it', async () => {
  const random = randomOf(seed + 6)
  const drafts = draftsOf(random, partyOf(random, 'A'), partyOf(random, 'B'), 10)
  const books = anchored(random, drafts)
  const found: Finding[] = []
  const keptFrom = (START + 5 * 60) * 1000
  const checker = createLogChecker({
    ...{ member: 'A', dueBefore: START + 20 * 60, keptFrom, since: keptFrom + 60_000 },
    seen: async () => new Set(),
    found: (finding) => found.push(finding),
  })
  for (const [number, kept] of books.kept) {
    for (const entry of kept.entries) if (number <= 5) entry.body = undefined
    await checker.window(kept, books.anchors.get(number) ?? [])
  }
  checker.end()
  expect(found).toEqual([])
})

import type { AuditEntry } from '../../../../src/domain/audit/audit-entry.ts'
import { leafOf } from '../../../../src/domain/audit/leaf.ts'
import type { FindingCode } from '../../../../src/domain/audit/reconcile/findings.ts'
import type { Anchor, KeptEntry, KeptWindow } from '../../../../src/domain/audit/reconcile/kept.ts'
import { type Books, type Draft, keptOf, type Random } from './books.ts'

export type Expected = readonly [code: FindingCode, what: string]

/** Faults planted at window `n`, nothing else of which, nor of the next window, is at fault. */
type Place = { books: Books; n: number; random: Random }
export type LogFault = {
  /** Written down so in the first place, and anchored so. */
  before?: (draft: Draft, random: Random, next: Draft) => Expected[]
  /** Done to the books, the chain or the trail afterwards. */
  after?: (place: Place) => Expected[]
}

const window = ({ books, n }: Place): KeptWindow => books.kept.get(n) as KeptWindow
const anchor = ({ books, n }: Place): Anchor => books.anchors.get(n)?.[0] as Anchor
const named = (entry: KeptEntry) => `entry ${said(entry).id}`
const said = ({ body }: KeptEntry): AuditEntry => {
  if (body === undefined || body === 'unreadable') throw new Error('an entry that was planted on')
  return body.entry
}
/** An entry that no other depends on. */
const lone = (place: Place): KeptEntry =>
  window(place).entries.find((entry) => said(entry).kind === 'log-read') as KeptEntry
const made = (random: Random, recorded: string): AuditEntry => ({
  ...{ id: random.id(), recorded, kind: 'log-read', outcome: '0', user: { id: 'nobody' } },
})
const first = (draft: Draft, kind: AuditEntry['kind']): AuditEntry =>
  draft.entries.find((entry) => entry.kind === kind) as AuditEntry
const later = (recorded: string, ms: number) => new Date(Date.parse(recorded) + ms).toISOString()

export const LOG_FAULTS: Readonly<Record<string, LogFault>> = {
  'a window never anchored': {
    after: (at) => {
      at.books.anchors.delete(at.n)
      return [
        ['anchor-missing', `window ${at.n}`],
        ['anchor-gap', `window ${at.n + 1}`],
      ]
    },
  },
  'a time left out on the chain': {
    after: (at) => {
      anchor(at).from += 5
      window(at).from += 5
      return [['anchor-gap', `window ${at.n}`]]
    },
  },
  'a window anchored twice': {
    after: (at) => {
      at.books.anchors.get(at.n)?.push({ ...anchor(at), root: at.random.hex() })
      return [['anchor-doubled', `window ${at.n}`]]
    },
  },
  'a window lost from the books': {
    after: (at) => {
      const { entries } = window(at)
      at.books.kept.delete(at.n)
      return [
        ['window-missing', `window ${at.n}`],
        ...entries.map((entry): Expected => ['log-entry-missing', named(entry)]),
      ]
    },
  },
  'a window with other times': {
    after: (at) => {
      window(at).until += 7
      return [['window-times-differ', `window ${at.n}`]]
    },
  },
  'a wrong root in the books': {
    after: (at) => {
      window(at).root = at.random.hex()
      return [['root-differs', `window ${at.n}`]]
    },
  },
  'an entry removed from log and trail': {
    after: (at) => {
      const gone = lone(at)
      window(at).entries = window(at).entries.filter((entry) => entry !== gone)
      at.books.lines.delete(said(gone).id)
      return [['window-altered', `window ${at.n}`]]
    },
  },
  'an entry removed from the log alone': {
    after: (at) => {
      const gone = lone(at)
      window(at).entries = window(at).entries.filter((entry) => entry !== gone)
      return [
        ['window-altered', `window ${at.n}`],
        ['log-entry-missing', named(gone)],
      ]
    },
  },
  'an entry altered with its leaf, in log and trail': {
    after: (at) => {
      const entry = lone(at)
      if (entry.body === undefined || entry.body === 'unreadable') throw new Error('planted on')
      const altered = { ...said(entry), user: { id: 'somebody-else' } }
      entry.body = { ...entry.body, entry: altered }
      entry.leaf = leafOf(entry.body.salt, altered)
      at.books.lines.set(altered.id, altered)
      return [['window-altered', `window ${at.n}`]]
    },
  },
  'an entry altered': {
    after: (at) => {
      const entry = lone(at)
      if (entry.body === undefined || entry.body === 'unreadable') throw new Error('planted on')
      entry.body = { ...entry.body, entry: { ...said(entry), user: { id: 'somebody-else' } } }
      return [
        ['entry-altered', named(entry)],
        ['trail-line-differs', named(entry)],
      ]
    },
  },
  'an entry altered in log and trail': {
    after: (at) => {
      const entry = lone(at)
      if (entry.body === undefined || entry.body === 'unreadable') throw new Error('planted on')
      const altered = { ...said(entry), outcome: '8' as const }
      entry.body = { ...entry.body, entry: altered }
      at.books.lines.set(altered.id, altered)
      return [['entry-altered', named(entry)]]
    },
  },
  'the leaf of an entry altered': {
    after: (at) => {
      lone(at).leaf = at.random.hex()
      return [['entry-altered', named(lone(at))]]
    },
  },
  'a time beside an entry altered': {
    after: (at) => {
      lone(at).at = later(lone(at).at, 1_000)
      return [['entry-altered', named(lone(at))]]
    },
  },
  'an entry that does not open': {
    after: (at) => {
      const entry = lone(at)
      const name = named(entry)
      entry.body = 'unreadable'
      return [
        ['entry-unreadable', `line ${entry.seq}`],
        ['log-entry-missing', name],
      ]
    },
  },
  'the content of an entry deleted too early': {
    after: (at) => {
      const entry = lone(at)
      const name = named(entry)
      entry.body = undefined
      return [
        ['entry-emptied', `line ${entry.seq}`],
        ['log-entry-missing', name],
      ]
    },
  },
  'an entry doubled in its window': {
    after: (at) => {
      const entry = lone(at)
      window(at).entries.push({ ...entry, seq: entry.seq + 1 })
      return [['entry-doubled', named(entry)]]
    },
  },
  'an entry doubled in the next window': {
    after: (at) => {
      const entry = lone(at)
      window({ ...at, n: at.n + 1 }).entries.push({ ...entry, seq: entry.seq + 11 })
      return [['entry-doubled', named(entry)]]
    },
  },
  'an entry made up afterwards': {
    after: (at) => {
      const entry = keptOf(at.random, made(at.random, lone(at).at), lone(at).seq + 1)
      window(at).entries.push(entry)
      at.books.lines.set(said(entry).id, said(entry))
      return [['entry-after-the-fact', named(entry)]]
    },
  },
  'an entry moved to the next window': {
    after: (at) => {
      const moved = lone(at)
      window(at).entries = window(at).entries.filter((entry) => entry !== moved)
      window({ ...at, n: at.n + 1 }).entries.push(moved)
      return [['entry-in-wrong-window', named(moved)]]
    },
  },
  'an entry taken out of its window': {
    after: (at) => {
      const moved = lone(at)
      window(at).entries = window(at).entries.filter((entry) => entry !== moved)
      at.books.open.push(moved)
      return [['entry-in-wrong-window', named(moved)]]
    },
  },
  'an entry that no window took': {
    after: (at) => {
      const entry = keptOf(at.random, made(at.random, lone(at).at), lone(at).seq + 1)
      at.books.open.push(entry)
      at.books.lines.set(said(entry).id, said(entry))
      return [['entry-unanchored', named(entry)]]
    },
  },
  'entries in another order': {
    after: (at) => {
      const [head] = window(at).entries
      lone(at).seq = (head?.seq ?? 0) - 5
      return [['entry-out-of-order', named(lone(at))]]
    },
  },
  'an entry later than its window': {
    before: (draft, random) => {
      const entry = made(random, new Date((draft.until + 5) * 1000).toISOString())
      draft.entries.push(entry)
      return [['entry-outside-window', `entry ${entry.id}`]]
    },
  },
  'a disclosure without intent': {
    before: (draft) => {
      const intent = first(draft, 'intent')
      draft.entries = draft.entries.filter((entry) => entry !== intent)
      return [['disclosure-without-intent', `exchange ${intent.exchange}`]]
    },
  },
  'a disclosure after its refusal': {
    before: (draft, random) => {
      const { exchange = '', recorded } = first(draft, 'intent')
      const refusal: AuditEntry = {
        ...{ id: random.id(), recorded: later(recorded, 1_000), exchange },
        ...{ kind: 'refusal', outcome: '8', reason: 'revoked' },
      }
      draft.entries.splice(1, 0, refusal)
      return [['disclosed-after-refusal', `exchange ${exchange}`]]
    },
  },
  'an exchange disclosed twice': {
    before: (draft, random) => {
      const told = first(draft, 'disclosure')
      draft.entries.splice(2, 0, { ...told, id: random.id(), recorded: later(told.recorded, 1_000) })
      return [['exchange-doubled', `exchange ${told.exchange}`]]
    },
  },
  'releases while an anchor was overdue': {
    before: (_draft, _random, next) =>
      next.entries
        .filter(({ kind, recorded }) => kind === 'intent' && Date.parse(recorded) > (next.from + 20) * 1000)
        .map(({ id }): Expected => ['released-while-overdue', `entry ${id}`]),
    after: (at) => {
      anchor(at).at = anchor(at).from + 130
      return []
    },
  },
  'a line of the trail removed': {
    after: (at) => {
      at.books.lines.delete(said(lone(at)).id)
      return [['trail-line-missing', named(lone(at))]]
    },
  },
  'a line of the trail altered': {
    after: (at) => {
      const entry = said(lone(at))
      at.books.lines.set(entry.id, { ...entry, user: { id: 'somebody-else' } })
      return [['trail-line-differs', named(lone(at))]]
    },
  },
  'a line of the trail made up': {
    after: (at) => {
      const line = made(at.random, lone(at).at)
      at.books.lines.set(line.id, line)
      return [['log-entry-missing', `entry ${line.id}`]]
    },
  },
  'an event that the trail keeps silent about': {
    after: ({ books, n }) => {
      const event = books.events[n - 1]
      books.eventLines.delete(event?.id ?? '')
      return [['event-line-missing', `event ${event?.block}/0`]]
    },
  },
  'an event told otherwise': {
    after: ({ books, n }) => {
      const event = books.events[n - 1]
      const line = books.eventLines.get(event?.id ?? '') as AuditEntry
      books.eventLines.set(line.id, { ...line, kind: 'consent-granted' })
      return [['event-line-differs', `event ${event?.block}/0`]]
    },
  },
  'an event that the chain does not have': {
    after: ({ books, n, random }) => {
      const event = books.events[n - 1]
      const line = books.eventLines.get(event?.id ?? '') as AuditEntry
      const id = random.id()
      books.eventLines.set(id, {
        ...line,
        id,
        chain: { block: n * 2, logIndex: 9, transaction: random.hex() },
      })
      return [['event-line-unfounded', `event ${n * 2}/9`]]
    },
  },
}

import type { AuditEntry, AuditKind } from '../../../../src/domain/audit/audit-entry.ts'
import type { ProvenLine } from '../../../../src/domain/audit/reconcile/pair.ts'
import type { Draft, Party, Random } from './books.ts'
import type { Expected } from './log-faults.ts'

/** What the two sides write in one window, where the first gave; `earlier` is the receiver's window of two minutes before. */
type Both = { gave: Draft; came: Draft; earlier: Draft; random: Random; stranger: Party }
export type PairFault = {
  before?: (both: Both) => Expected[]
  /** Done to what the giver shows of the window. */
  shown?: (lines: ProvenLine[], random: Random) => { lines: ProvenLine[]; expected: Expected[] }
}

const first = ({ entries }: Draft, kind: AuditKind): AuditEntry =>
  entries.find((entry) => entry.kind === kind) as AuditEntry
/** The receipt of what the other side gave first. */
const receiptOf = ({ gave, came }: Both): AuditEntry =>
  came.entries.find(
    ({ kind, exchange }) => kind === 'receipt' && exchange === first(gave, 'disclosure').exchange,
  ) as AuditEntry
const replace = (draft: Draft, old: AuditEntry, ...entries: AuditEntry[]) => {
  draft.entries = draft.entries.flatMap((entry) => (entry === old ? entries : [entry]))
}
const exchange = (entry: { exchange?: string }) => `exchange ${entry.exchange}`
const moved = (recorded: string, ms: number) => new Date(Date.parse(recorded) + ms).toISOString()

/** Changes the first disclosure that is shown; its receipt then has no counterpart. */
const showing =
  (code: Expected[0], change: (line: ProvenLine, random: Random) => ProvenLine) =>
  (lines: ProvenLine[], random: Random) => {
    const line = lines.find(({ shared }) => shared.kind === 'disclosure') as ProvenLine
    const what = exchange(line.shared)
    const changed = lines.map((one) => (one === line ? change(line, random) : one))
    return {
      lines: changed,
      expected: [
        [code, what],
        ['receipt-without-disclosure', what],
      ] as Expected[],
    }
  }

export const PAIR_FAULTS: Readonly<Record<string, PairFault>> = {
  'a disclosure without receipt': {
    before: (both) => {
      replace(both.came, receiptOf(both))
      return [['disclosure-without-receipt', exchange(first(both.gave, 'disclosure'))]]
    },
  },
  'a receipt without disclosure': {
    before: (both) => {
      const told = first(both.gave, 'disclosure')
      replace(both.gave, told)
      return [['receipt-without-disclosure', exchange(told)]]
    },
  },
  'other bytes': {
    before: (both) => {
      const receipt = receiptOf(both)
      const record = { id: receipt.record?.id ?? '', hash: both.random.hex().slice(2) }
      replace(both.came, receipt, { ...receipt, record })
      return [['bytes-differ', exchange(receipt)]]
    },
  },
  'another record': {
    before: (both) => {
      const receipt = receiptOf(both)
      replace(both.came, receipt, { ...receipt, record: { ...receipt.record, id: both.random.id() } })
      return [['record-differs', exchange(receipt)]]
    },
  },
  'another purpose': {
    before: (both) => {
      const receipt = receiptOf(both)
      replace(both.came, receipt, { ...receipt, purpose: 'HRESCH' })
      return [['purpose-differs', exchange(receipt)]]
    },
  },
  'received before it was given': {
    before: (both) => {
      const receipt = receiptOf(both)
      replace(both.came, receipt)
      both.earlier.entries.push({ ...receipt, recorded: moved(receipt.recorded, -120_000) })
      return [['times-contradict', exchange(receipt)]]
    },
  },
  'given twice': {
    before: ({ gave, random }) => {
      const told = first(gave, 'disclosure')
      replace(gave, told, told, { ...told, id: random.id() })
      return [['exchange-doubled', exchange(told)]]
    },
  },
  'received twice': {
    before: (both) => {
      const receipt = receiptOf(both)
      replace(both.came, receipt, receipt, { ...receipt, id: both.random.id() })
      return [['exchange-doubled', exchange(receipt)]]
    },
  },
  'given outside the time of its window': {
    before: ({ gave }) => {
      const told = first(gave, 'disclosure')
      replace(gave, told, { ...told, recorded: moved(told.recorded, 600_000) })
      return [
        ['shown-outside-window', exchange(told)],
        ['receipt-without-disclosure', exchange(told)],
      ]
    },
  },
  'what was given to somebody else': {
    before: ({ gave, random, stranger }) => {
      const other = {
        ...first(gave, 'disclosure'),
        id: random.id(),
        exchange: random.id(),
        requester: stranger,
      }
      gave.entries.push(other)
      return [['not-of-these-two', exchange(other)]]
    },
  },
  'a line altered when it is shown': {
    shown: showing('proof-invalid', (line, random) => ({
      ...line,
      shared: { ...line.shared, bytes: random.hex().slice(2) },
    })),
  },
  'a line with another’s path': {
    shown: showing('proof-invalid', (line, random) => ({
      ...line,
      path: [random.hex(), ...line.path.slice(1)],
    })),
  },
  'a line in a window that nobody anchored': {
    shown: showing('window-not-anchored', (line) => ({ ...line, window: 1_000_000 })),
  },
}

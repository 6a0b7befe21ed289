import type { AuditEntry } from '../audit/audit-entry.ts'
import { type Ending, endingOf, isEmergency, type Manner, mannerOf } from './looks.ts'
import type { Told } from './streams.ts'

/**
 * What a person would call one event: the same person of the same organisation did the same thing for the same reason, again and again
 * within a short while. Each line of the trail is in exactly one.
 */
export type Occasion = {
  /** Of its newest line. */
  key: string
  manner: Manner
  ending: Ending
  emergency: boolean
  /** The newest line, which says who, why and under what. */
  entry: AuditEntry
  source: number
  /** All its lines, newest first. */
  lines: Told[]
  /** What the lines are about, how often each; by data class, or by resource type where no class is known. */
  about: { what: string; count: number }[]
  /** How many different records. */
  records: number
  /** Both hospitals have written it down, and it is the same in both books. */
  inBothBooks: boolean
}

/** Lines further apart are two occasions. Milliseconds. */
const APART = 15 * 60_000

/**
 * @param told newest first
 * @param dayOf the day of an instant where the reader is: no occasion has two
 */
export function occasionsOf(told: readonly Told[], dayOf: (recorded: string) => string): Occasion[] {
  const occasions: Occasion[] = []
  const open = new Map<string, { occasion: Occasion; oldest: number; records: Set<string> }>()
  for (const { line, inBothBooks } of withoutShadows(told)) {
    const { entry, source } = line
    const key = kinship(line, dayOf(entry.recorded))
    const at = Date.parse(entry.recorded)
    const known = open.get(key)
    if (known && known.oldest - at <= APART) {
      known.oldest = at
      known.occasion.lines.push(line)
      known.occasion.inBothBooks &&= inBothBooks
      count(known.occasion, known.records, entry)
      continue
    }
    const occasion: Occasion = {
      ...{ key: `${source}:${entry.id}`, manner: mannerOf(entry), ending: endingOf(entry) },
      ...{ emergency: isEmergency(entry), entry, source, lines: [line], about: [], records: 0, inBothBooks },
    }
    const records = new Set<string>()
    count(occasion, records, entry)
    occasions.push(occasion)
    open.set(key, { occasion, oldest: at, records })
  }
  return occasions
}

/**
 * One attempt leaves several lines: the decision and the release in the book of whoever gives, the receipt or the refusal in that of
 * whoever takes, all under the name of one exchange, or close together about one record. The one that says most is kept.
 */
function withoutShadows(told: readonly Told[]): { line: Told; inBothBooks: boolean }[] {
  const given = new Set<string>()
  const taken = new Set<string>()
  const explained = new Set<string>()
  for (const { entry } of told) {
    const into =
      entry.kind === 'disclosure'
        ? given
        : entry.kind === 'receipt'
          ? taken
          : entry.kind === 'refusal' && entry.reason !== undefined
            ? explained
            : undefined
    if (into) for (const name of namesOf(entry)) into.add(name)
  }
  return told.flatMap((line) => {
    const { entry } = line
    const names = namesOf(entry)
    const isIn = (known: Set<string>) => names.some((name) => known.has(name))
    if ((entry.kind === 'intent' || entry.kind === 'receipt') && isIn(given)) return []
    if (entry.kind === 'refusal' && entry.reason === undefined && isIn(explained)) return []
    return [{ line, inBothBooks: entry.kind === 'disclosure' && isIn(taken) }]
  })
}

/** Two books may differ by this much. Milliseconds. */
const CLOSE = 30_000

/** Names under which one attempt is known: that of its exchange; and the record, by whom it was asked for, and when. */
function namesOf({ exchange, record, user, requester, recorded }: AuditEntry): string[] {
  const at = Date.parse(recorded)
  // What lies close together shares at least one of two numbers.
  const times = [Math.floor(at / (2 * CLOSE)), Math.floor((at + CLOSE) / (2 * CLOSE)) + 0.5]
  return [
    ...(exchange === undefined ? [] : [exchange]),
    ...(record === undefined
      ? []
      : times.map((time) => JSON.stringify([record.id, user?.id, requester?.id, time]))),
  ]
}

function kinship({ source, entry }: Told, day: string): string {
  const { kind, outcome, reason, custodian, requester, user, purpose, policy, note } = entry
  return JSON.stringify([
    ...[source, day, kind, outcome, reason, custodian?.id, requester?.id, user?.id, user?.role, purpose],
    ...[policy, kind === 'disclosure' ? undefined : note],
  ])
}

function count(occasion: Occasion, records: Set<string>, { record }: AuditEntry): void {
  if (!record || records.has(record.id)) return
  records.add(record.id)
  occasion.records = records.size
  const what = record.dataClass ?? record.resourceType
  if (what === undefined) return
  const known = occasion.about.find((one) => one.what === what)
  if (known) known.count++
  else occasion.about.push({ what, count: 1 })
}

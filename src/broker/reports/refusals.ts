import { describeReason } from '../../domain/audit/reasons.ts'
import { beyond, type Made, type Making, stretchOf } from './about.ts'
import { oneByOne } from './organisations.ts'
import { createTally } from './tally.ts'
import { count, instant, isCustodians, more, nameOf, otherParty, purposeOf, text } from './words.ts'

/** The reason of another hospital, which tells it to nobody (I11). */
const UNTOLD = 'untold'

/**
 * Refusals, and alarms on which something was not handed on, by reason, organisation and purpose: those of this hospital, with
 * their reason, and those that it met elsewhere.
 */
export async function refusals(making: Making): Promise<Made> {
  const { trail, period, self } = making
  const stretch = stretchOf(period)
  const [tally, byReason] = [createTally(['count']), createTally(['here', 'elsewhere'])]
  for await (const { entry } of trail.entries({ ...stretch, kinds: ['refusal', 'alarm'] })) {
    const where = isCustodians(entry, self) ? 'here' : 'elsewhere'
    const reason = entry.reason ?? UNTOLD
    const meaning = entry.reason ? describeReason(entry.reason) : (entry.note ?? 'No reason was told.')
    byReason.add([reason, meaning], where, entry.recorded)
    const key = [
      where,
      reason,
      meaning,
      entry.kind,
      nameOf(otherParty(entry, self)),
      purposeOf(entry) ?? 'not stated',
    ]
    tally.add(key, 'count', entry.recorded)
  }
  const rows = tally.rows().map(({ key, total, first, last }) => {
    const [where = '', reason = '', meaning = '', kind = '', organisation = '', purpose = ''] = key
    return { reason, meaning, where, kind, organisation, purpose, count: total, first, last }
  })
  return {
    answers: [],
    summary: [
      {
        name: 'reasons',
        title: 'By reason',
        columns: [
          text('reason', 'Reason'),
          text('meaning', 'Meaning'),
          count('here', 'Refused by this hospital'),
          count('elsewhere', 'Met elsewhere'),
          count('total', 'Together'),
        ],
        rows: byReason.rows().map(({ key: [reason = '', meaning = ''], counts, total }) => ({
          ...{ reason, meaning, ...counts, total },
        })),
        bars: 'total',
      },
    ],
    columns: [
      text('reason', 'Reason'),
      more(text('meaning', 'Meaning')),
      text('where', 'Where'),
      text('kind', 'Kind'),
      text('organisation', 'Other organisation'),
      text('purpose', 'Why it was asked'),
      count('count', 'How often'),
      instant('first', 'First'),
      instant('last', 'Last'),
    ],
    rows: oneByOne(rows),
    omitted: [
      {
        what: 'Why another hospital refused',
        why: 'Whoever is refused is told the same whatever the reason, so that a refusal gives nothing away. Such lines have the reason “untold”.',
      },
      {
        what: 'Calls without a valid credential, or beyond a program’s rights',
        why: 'They reach no record and are no refusals of one. The broker’s own log and counters have them.',
      },
      ...beyond(making),
    ],
  }
}

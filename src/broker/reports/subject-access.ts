import type { AuditParty } from '../../domain/audit/audit-entry.ts'
import { describeAuditEntry } from '../../domain/audit/describe-audit-entry.ts'
import type { Row } from '../../domain/reports/report.ts'
import { beyond, type Made, type Making, nameless, type Subject, stretchOf } from './about.ts'
import { createTally } from './tally.ts'
import type { TrailEntry } from './trail-pages.ts'
import {
  code,
  count,
  dataOf,
  instant,
  isCustodians,
  more,
  nameOf,
  otherParty,
  personOf,
  purposeOf,
  reasonOf,
  text,
} from './words.ts'

const COLUMNS = [
  instant('at', 'When'),
  text('kind', 'Kind'),
  text('what', 'What happened'),
  more(text('organisation', 'Other organisation')),
  more(text('person', 'Person')),
  more(text('role', 'Role')),
  more(text('purpose', 'Why')),
  more(text('data', 'Kind of data')),
  more(text('reason', 'Reason')),
  code('consent', 'Consent'),
  code('record', 'Record'),
  code('entry', 'Entry of the log'),
]

/** Kinds of entry in which data of the person went somewhere, or did not. */
const COLUMN_OF = { disclosure: 'given', list: 'lists', receipt: 'received', refusal: 'refused' } as const

/**
 * All that the log has about one person (GDPR art. 15(1)): purposes (a), categories of data (b), recipients (c), source (g), and
 * each event. What the article asks for and a log does not know is said, with who does.
 */
export async function subjectAccess(making: Making, subject: Subject): Promise<Made> {
  const { trail, period, self } = making
  const stretch = { ...stretchOf(period), patients: subject.lookups }
  const columns = ['given', 'lists', 'received', 'refused'] as const
  const [parties, categories] = [createTally(columns), createTally(columns)]
  for await (const { entry } of trail.entries({ ...stretch, kinds: kindsCounted })) {
    const column = COLUMN_OF[entry.kind as keyof typeof COLUMN_OF]
    parties.add([nameOf(otherParty(entry, self)), purposeOf(entry) ?? 'not stated'], column, entry.recorded)
    if (entry.record) categories.add([dataOf(entry) ?? ''], column, entry.recorded)
  }
  const counts = await trail.counts(stretch)

  async function* rows(): AsyncGenerator<Row> {
    for await (const line of trail.entries(stretch)) yield rowOf(line, self)
  }

  const counted = [
    count('given', 'Given to them'),
    count('lists', 'Told which there are'),
    count('received', 'Received from them'),
    count('refused', 'Refused'),
  ]
  return {
    answers: [
      'GDPR art. 15(1): (a) purposes and (c) recipients in the first table, (b) categories of data in the second, (g) where data came from under “received”.',
    ],
    summary: [
      {
        name: 'recipients',
        title: 'By organisation and purpose',
        columns: [
          text('organisation', 'Organisation'),
          text('purpose', 'Why'),
          ...counted,
          instant('first', 'First'),
          instant('last', 'Last'),
        ],
        rows: parties.rows().map(({ key: [organisation = '', purpose = ''], counts: n, first, last }) => ({
          ...{ organisation, purpose, ...n, first, last },
        })),
        bars: 'given',
      },
      {
        name: 'categories',
        title: 'By kind of data',
        columns: [text('data', 'Kind of data'), ...counted],
        rows: categories.rows().map(({ key: [data = ''], counts: n }) => ({ data, ...n })),
        bars: 'given',
      },
      {
        name: 'kinds',
        title: 'Entries of each kind',
        columns: [text('kind', 'Kind'), count('count', 'Entries')],
        rows: Object.entries(counts)
          .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
          .map(([kind, n]) => ({ kind, count: n })),
        bars: 'count',
      },
    ],
    columns: COLUMNS,
    rows: rows(),
    omitted: [
      {
        what: 'The data itself (art. 15(3))',
        why: `A log has no clinical content. A copy of the records comes from ${self.name}: the patient’s own device reads them, and so does the hospital’s program ($everything).`,
      },
      {
        what: 'How long data is kept (art. 15(1)(d)), rights and the supervisory authority (e, f), safeguards (art. 15(2))',
        why: 'The hospital knows these and adds them; its log does not.',
      },
      {
        what: 'Automated decision-making (art. 15(1)(h))',
        why: 'Whether a record is released is decided by a program, by the patient’s own consents; each refusal in this report has the reason, where this hospital decided. Why another hospital refused, that one alone knows.',
      },
      ...(await nameless(making)),
      ...beyond(making),
    ],
  }
}

const kindsCounted = Object.keys(COLUMN_OF) as (keyof typeof COLUMN_OF)[]

function rowOf({ entry }: TrailEntry, self: AuditParty): Row {
  return {
    at: entry.recorded,
    kind: entry.kind,
    what: describeAuditEntry(entry),
    organisation: entry.custodian && entry.requester ? nameOf(otherParty(entry, self)) : null,
    person: personOf(entry),
    role: entry.user?.role ?? null,
    purpose: purposeOf(entry),
    data: dataOf(entry),
    reason:
      entry.kind === 'refusal' && !isCustodians(entry, self)
        ? (reasonOf(entry) ?? entry.note ?? null)
        : reasonOf(entry),
    consent: entry.policy ?? null,
    record: entry.record?.id ?? null,
    entry: entry.id,
  }
}

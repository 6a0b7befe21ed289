import type { AuditEntry, AuditKind, AuditParty } from '../../domain/audit/audit-entry.ts'
import { beyond, type Made, type Making, stretchOf } from './about.ts'
import { createTally } from './tally.ts'
import { code, count, identifierOf, instant, isCustodians, more, nameOf, text } from './words.ts'

const COUNTED = ['records', 'lists', 'received', 'refused', 'refusedThere', 'alarms', 'requests'] as const
type Counted = (typeof COUNTED)[number]

const KINDS: readonly AuditKind[] = [
  ...(['disclosure', 'list', 'receipt', 'refusal', 'alarm'] as const),
  ...(['request-sent', 'request-received'] as const),
]

/** Which count an entry goes into; none where this hospital is neither side. */
function columnOf(entry: AuditEntry, self: AuditParty): Counted {
  switch (entry.kind) {
    case 'disclosure':
      return 'records'
    case 'list':
      return 'lists'
    case 'receipt':
      return 'received'
    case 'alarm':
      return 'alarms'
    case 'refusal':
      return isCustodians(entry, self) ? 'refused' : 'refusedThere'
    default:
      return 'requests'
  }
}

/**
 * What went from which organisation to which, by this member's own log: this member is one side of every pair, so that no cell
 * tells anything about what two others do with each other.
 */
export async function organisations(making: Making): Promise<Made> {
  const { trail, period, self } = making
  const stretch = stretchOf(period)
  const tally = createTally(COUNTED)
  for await (const { entry } of trail.entries({ ...stretch, kinds: KINDS })) {
    const { custodian, requester } = entry
    const key = [
      nameOf(custodian),
      nameOf(requester),
      identifierOf(custodian) ?? '',
      identifierOf(requester) ?? '',
    ]
    tally.add(key, columnOf(entry, self), entry.recorded)
  }
  const counts = await trail.counts(stretch)
  const rows = tally.rows().map(({ key, counts: n, first, last }) => {
    const [custodian = '', requester = '', custodianIdentifier = '', requesterIdentifier = ''] = key
    return { custodian, requester, ...n, first, last, custodianIdentifier, requesterIdentifier }
  })
  return {
    answers: [],
    summary: [
      {
        name: 'records',
        title: 'Records by pair',
        columns: [text('custodian', 'From'), text('requester', 'To'), count('went', 'Records')],
        rows: rows
          .map(({ custodian, requester, records, received }) => ({
            ...{ custodian, requester, went: records + received },
          }))
          .sort((a, b) => b.went - a.went),
        bars: 'went',
      },
    ],
    columns: [
      text('custodian', 'Custodian'),
      text('requester', 'Requester'),
      count('records', 'Records given'),
      count('lists', 'Lists given'),
      count('received', 'Records received'),
      count('refused', 'Refused here'),
      count('refusedThere', 'Refused there'),
      count('alarms', 'Alarms'),
      count('requests', 'Requests to patients'),
      more(instant('first', 'First')),
      more(instant('last', 'Last')),
      code('custodianIdentifier', 'Identifier of the custodian'),
      code('requesterIdentifier', 'Identifier of the requester'),
    ],
    rows: oneByOne(rows),
    omitted: [
      {
        what: 'What two other organisations do with each other',
        why: 'This hospital is one side of every pair, since it counts its own log and no other. To the chain’s other events it has no key.',
        count: counts.anchor ?? 0,
      },
      {
        what: 'Searches for what is shared',
        why: 'They are answered from this hospital’s own copy of the index, and go to nobody.',
        count: counts.query ?? 0,
      },
      {
        what: 'Protection of small numbers',
        why: 'Nothing is rounded or suppressed: whoever may read this report may read each entry. Think of it before handing the table on: a cell of one is one person.',
      },
      ...beyond(making),
    ],
  }
}

/** What is in memory anyway, as rows come. */
export async function* oneByOne<T>(rows: Iterable<T>): AsyncGenerator<T> {
  yield* rows
}

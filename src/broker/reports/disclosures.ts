import type { AuditEntry } from '../../domain/audit/audit-entry.ts'
import { covers } from '../../domain/consent/purposes.ts'
import type { Row } from '../../domain/reports/report.ts'
import { ELSEWHERE, type Made, type Making, nameless, OUTSIDE, type Subject, stretchOf } from './about.ts'
import { createTally } from './tally.ts'
import {
  code,
  count,
  dataOf,
  identifierOf,
  instant,
  isCustodians,
  nameOf,
  personOf,
  purposeOf,
  text,
} from './words.ts'

const KINDS = ['disclosure', 'list'] as const

const COLUMNS = [
  instant('at', 'When'),
  text('recipient', 'To whom'),
  text('person', 'Person'),
  text('role', 'Role'),
  text('what', 'What'),
  text('purpose', 'Why'),
  text('duty', 'By 164.528'),
  code('recipientIdentifier', 'Identifier of the organisation'),
  code('consent', 'Consent'),
  code('record', 'Record'),
  code('hash', 'SHA-256 of what went out'),
  code('entry', 'Entry of the log'),
]

/** Purposes that the accounting need not list: treatment, payment, health care operations (45 CFR 164.506). */
const EXEMPT = ['TREAT', 'HPAYMT', 'HOPERAT'] as const
/** HL7 v3 has these below them, and the rule does not, or not surely (45 CFR 164.512): in doubt a disclosure is listed. */
const NOT_EXEMPT = [
  ...(['CLINTRL', 'POPHLTH', 'DONAT', 'GOV', 'HCOMPL', 'HDECD', 'HDIRECT', 'HLEGAL'] as const),
  ...(['HOUTCOMS', 'HPRGRP', 'MILCDM', 'MLTRAINING', 'SYSDEV'] as const),
] as const

/**
 * Accounting of disclosures for one person (45 CFR 164.528(b)): date, recipient, what, and purpose of each. It lists more than
 * the clause asks for, and marks what that is: whoever asks who has their data is not told by what another clause exempts.
 */
export async function disclosures(making: Making, subject: Subject): Promise<Made> {
  const { trail, period, self } = making
  const stretch = { ...stretchOf(period), patients: subject.lookups }
  const tally = createTally(['records', 'lists'])
  for await (const { entry } of trail.entries({ ...stretch, kinds: KINDS }))
    if (isCustodians(entry, self))
      tally.add(
        [nameOf(entry.requester), purposeOf(entry) ?? 'not stated'],
        entry.kind === 'list' ? 'lists' : 'records',
        entry.recorded,
      )
  const counts = await trail.counts(stretch)

  async function* rows(): AsyncGenerator<Row> {
    for await (const { entry } of trail.entries({ ...stretch, kinds: KINDS }))
      if (isCustodians(entry, self)) yield rowOf(entry)
  }

  return {
    answers: [
      '45 CFR 164.528(b)(2): date, recipient, what was disclosed, and purpose of each disclosure. (b)(3): number, first and last for each recipient and purpose.',
      '“Not required (i)”: its purpose is treatment, payment or operations, (a)(1)(i). “Required”: any other, unless the consent that it was made under is an authorization by 164.508, (a)(1)(iv), which counsel has to say.',
    ],
    summary: [
      {
        name: 'recipients',
        title: 'By recipient and purpose',
        columns: [
          text('recipient', 'To whom'),
          text('purpose', 'Why'),
          count('records', 'Records'),
          count('lists', 'Lists of records'),
          instant('first', 'First'),
          instant('last', 'Last'),
        ],
        rows: tally.rows().map(({ key: [recipient = '', purpose = ''], counts: n, first, last }) => ({
          ...{ recipient, purpose, records: n.records, lists: n.lists, first, last },
        })),
        bars: 'records',
      },
    ],
    columns: COLUMNS,
    rows: rows(),
    omitted: [
      {
        what: 'Addresses of recipients',
        why: '45 CFR 164.528(b)(2)(ii) asks for them where they are known. The log has each organisation’s name and identifier; its address stands in the register that gave the identifier.',
      },
      {
        what: 'Intents',
        why: 'Before each record the log holds that it is about to go out. Only what did go out is listed here; an intent without a disclosure is one that was stopped in between.',
        count: Math.max(0, (counts.intent ?? 0) - (counts.disclosure ?? 0)),
      },
      {
        what: 'Keys that a consent opens',
        why: 'With a consent the recipient is told which records there are, by kind. The log has the consent for that, and no line of its own.',
        count: counts['consent-granted'] ?? 0,
      },
      ...(await nameless(making)),
      ELSEWHERE,
      OUTSIDE,
    ],
  }
}

const rowOf = (entry: AuditEntry): Row => ({
  at: entry.recorded,
  recipient: nameOf(entry.requester),
  person: personOf(entry),
  role: entry.user?.role ?? null,
  what: entry.kind === 'list' ? 'Which records there are' : dataOf(entry),
  purpose: purposeOf(entry),
  duty: dutyOf(entry),
  recipientIdentifier: identifierOf(entry.requester),
  consent: entry.policy ?? null,
  record: entry.record?.id ?? null,
  hash: entry.record?.hash ?? null,
  entry: entry.id,
})

function dutyOf({ purpose }: AuditEntry): string {
  const isOf = (purposes: readonly string[]) =>
    purpose !== undefined && purposes.some((one) => covers(one, purpose) !== undefined)
  return isOf(EXEMPT) && !isOf(NOT_EXEMPT) ? 'Not required (i)' : 'Required'
}

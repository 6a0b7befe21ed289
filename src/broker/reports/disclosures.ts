import type { AuditEntry, AuditParty } from '../../domain/audit/audit-entry.ts'
import { covers } from '../../domain/consent/purposes.ts'
import type { Row } from '../../domain/reports/report.ts'
import { beyond, type Made, type Making, nameless, type Subject, stretchOf } from './about.ts'
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

/** What tells another organisation something: a record, which records there are, or that with a consent. */
const KINDS = ['disclosure', 'list', 'share-sent'] as const
const COLUMN_OF = { disclosure: 'records', list: 'lists', 'share-sent': 'shares' } as const

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
  const tally = createTally(['records', 'lists', 'shares'])
  const [meant, went] = [new Set<string>(), new Set<string>()]
  for await (const { entry } of trail.entries({ ...stretch, kinds: [...KINDS, 'intent'] })) {
    if (entry.exchange) (entry.kind === 'intent' ? meant : went).add(entry.exchange)
    if (entry.kind !== 'intent' && isGiven(entry, self))
      tally.add(
        [nameOf(entry.requester), purposeOf(entry) ?? 'not stated'],
        COLUMN_OF[entry.kind as keyof typeof COLUMN_OF],
        entry.recorded,
      )
  }
  const counts = await trail.counts(stretch)

  async function* rows(): AsyncGenerator<Row> {
    for await (const { entry } of trail.entries({ ...stretch, kinds: KINDS }))
      if (isGiven(entry, self)) yield rowOf(entry)
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
          count('shares', 'Told by a consent'),
          instant('first', 'First'),
          instant('last', 'Last'),
        ],
        rows: tally.rows().map(({ key: [recipient = '', purpose = ''], counts: n, first, last }) => ({
          ...{ recipient, purpose, ...n, first, last },
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
        what: 'Intents that nothing followed',
        why: 'Before anything goes out the log holds that it is about to. Only what did go out is listed here; these were stopped in between, or were searches that found nothing.',
        count: [...meant].filter((exchange) => !went.has(exchange)).length,
      },
      ...(counts['share-sent'] === undefined && counts['consent-granted'] !== undefined
        ? [
            {
              what: 'That a consent tells which records there are',
              why: 'With a consent the recipient learns which records it opens. This log has the consents for that, and no line of its own.',
              count: counts['consent-granted'],
            },
          ]
        : []),
      ...(await nameless(making)),
      ...beyond(making),
    ],
  }
}

/** The end of a share, which its note tells, gives nothing. */
const isGiven = (entry: AuditEntry, self: AuditParty) =>
  isCustodians(entry, self) && !(entry.kind === 'share-sent' && entry.note)

const rowOf = (entry: AuditEntry): Row => ({
  at: entry.recorded,
  recipient: nameOf(entry.requester),
  person: personOf(entry),
  role: entry.user?.role ?? null,
  what: whatOf(entry),
  purpose: purposeOf(entry),
  duty: dutyOf(entry),
  recipientIdentifier: identifierOf(entry.requester),
  consent: entry.policy ?? null,
  record: entry.record?.id ?? null,
  hash: entry.record?.hash ?? null,
  entry: entry.id,
})

function whatOf(entry: AuditEntry): string | null {
  if (entry.kind === 'list') return 'Which records there are'
  if (entry.kind === 'share-sent') return 'Which records a consent opens'
  return dataOf(entry)
}

function dutyOf({ purpose }: AuditEntry): string {
  const isOf = (purposes: readonly string[]) =>
    purpose !== undefined && purposes.some((one) => covers(one, purpose) !== undefined)
  return isOf(EXEMPT) && !isOf(NOT_EXEMPT) ? 'Not required (i)' : 'Required'
}

import { describe, expect, test } from 'vitest'
import type { ReasonCode } from '../../../src/domain/audit/reasons.ts'
import { type DecisionRequest, decide } from '../../../src/domain/consent/decide.ts'
import { asked, B, EVERYONE, GROUP, NOON, objection, permit, silent, T, TODAY } from './decision-world.ts'

type Outcome = 'permit' | ReasonCode
type Row = [rule: string, request: DecisionRequest, outcome: Outcome]

const outcomeOf = (request: DecisionRequest): Outcome => {
  const decision = decide(request)
  return decision.decision === 'permit' ? 'permit' : decision.reason
}
const holds = (rows: readonly Row[]) =>
  test.each(rows)('%s', (_rule, request, outcome) => expect(outcomeOf(request)).toBe(outcome))

const handle = (given: Partial<DecisionRequest['handle']['word']>, lockSignedUpTo?: number) => ({
  handle: {
    bound: true,
    word: { locked: false, breakGlassOff: false, breakGlassVersion: 0, recovery: 0, epoch: 0, ...given },
    ...(lockSignedUpTo === undefined ? {} : { lockSignedUpTo }),
  },
})
const record = (dataClass: string, kinds: string[] = []) => ({ record: { dataClass, kinds } })

describe('without a consent that covers it', () => {
  holds([
    ['a consent in force for this party, purpose, class and kind permits', asked([permit()]), 'permit'],
    ['no slot at all refuses', asked([]), 'no-consent'],
    ['an empty slot refuses', asked([silent({ word: { version: 0 } })]), 'no-consent'],
    [
      'a consent of a group that the requester is not in refuses',
      asked([permit({ to: GROUP, joinedAt: 0 })]),
      'no-consent',
    ],
    [
      'a record that the custodian does not have refuses',
      asked([permit()], { record: undefined as never }),
      'record-unknown',
    ],
    [
      'a handle that the chain does not know at this custodian refuses',
      asked([permit()], { handle: { ...handle({}).handle, bound: false } }),
      'handle-unbound',
    ],
  ])
})

describe('the period', () => {
  const ends = (untilDay: number) => asked([permit({ word: { untilDay } })])
  const begins = (fromDay: number) => asked([permit({ word: { fromDay } })])
  holds([
    ['a consent that ended yesterday refuses', ends(TODAY - 1), 'expired'],
    [
      'a consent permits on its last day, to the last millisecond',
      { ...ends(TODAY), at: (TODAY + 1) * 86_400_000 - 1 },
      'permit',
    ],
    ['and refuses one millisecond later', { ...ends(TODAY), at: (TODAY + 1) * 86_400_000 }, 'expired'],
    ['a consent that begins tomorrow refuses', begins(TODAY + 1), 'not-yet-valid'],
    [
      'a consent permits on its first day, from midnight UTC',
      { ...begins(TODAY), at: TODAY * 86_400_000 },
      'permit',
    ],
    ['and refuses one millisecond before', { ...begins(TODAY), at: TODAY * 86_400_000 - 1 }, 'not-yet-valid'],
    ['a clock that tells no time refuses', asked([permit()], { at: Number.NaN }), 'expired'],
  ])
})

describe('the purpose', () => {
  const granted = (purpose: string, askedFor: string) => asked([permit({ purpose })], { purpose: askedFor })
  holds([
    ['treatment is not research', granted('TREAT', 'HRESCH'), 'wrong-purpose'],
    ['research is not treatment', granted('HRESCH', 'TREAT'), 'wrong-purpose'],
    ['a consent for research covers clinical trials', granted('HRESCH', 'CLINTRCH'), 'permit'],
    ['a consent for clinical trials does not cover research', granted('CLINTRCH', 'HRESCH'), 'wrong-purpose'],
    ['a consent for treatment covers emergency treatment', granted('TREAT', 'ETREAT'), 'permit'],
    ['and breaking the glass', granted('TREAT', 'BTG'), 'permit'],
    ['emergency treatment does not cover treatment', granted('ETREAT', 'TREAT'), 'wrong-purpose'],
    ['breaking the glass does not cover emergency treatment', granted('BTG', 'ETREAT'), 'wrong-purpose'],
    ['the root covers every purpose', granted('PurposeOfUse', 'PATRQT'), 'permit'],
    ['no purpose but the root covers the root', granted('TREAT', 'PurposeOfUse'), 'wrong-purpose'],
    [
      'an unknown purpose is covered by nothing, not even by the root',
      granted('PurposeOfUse', 'NONSENSE'),
      'wrong-purpose',
    ],
    ['nor by itself', granted('NONSENSE', 'NONSENSE'), 'wrong-purpose'],
    [
      'nor is the name of something that every object has',
      granted('constructor', 'constructor'),
      'wrong-purpose',
    ],
  ])
})

describe('class and sensitive kind', () => {
  const opens = (dataClasses: string[], sensitivities: string[] = []) =>
    permit({ terms: { dataClasses, sensitivities } })
  holds([
    [
      'a class that the terms do not name refuses',
      asked([permit()], record('medications')),
      'class-not-covered',
    ],
    ['no class named opens none', asked([opens([])]), 'class-not-covered'],
    [
      'a kind that the terms do not allow refuses',
      asked([permit()], record('problems', ['HIV'])),
      'sensitivity-not-covered',
    ],
    [
      'a kind that they allow permits',
      asked([opens(['problems'], ['HIV'])], record('problems', ['HIV'])),
      'permit',
    ],
    [
      'every kind of the record must be allowed',
      asked([opens(['problems'], ['HIV'])], record('problems', ['HIV', 'PSY'])),
      'sensitivity-not-covered',
    ],
    [
      'a kind allowed includes those below it',
      asked([opens(['problems'], ['ETH'])], record('problems', ['OPIOIDUD'])),
      'permit',
    ],
    [
      'a kind below does not include the one above',
      asked([opens(['problems'], ['OPIOIDUD'])], record('problems', ['ETH'])),
      'sensitivity-not-covered',
    ],
    [
      'what is very restricted is opened by nothing, not even by naming it',
      asked([opens(['problems'], ['V', 'R'])], record('problems', ['V'])),
      'sensitivity-not-covered',
    ],
    [
      'a kind that this version does not know is opened by nothing',
      asked([opens(['problems'], ['R'])], record('problems', ['NEW'])),
      'sensitivity-not-covered',
    ],
  ])
})

describe('the terms', () => {
  const body = `0x${'01'.repeat(32)}` as const
  holds([
    ['a consent whose terms are missing refuses', asked([permit({ terms: 'missing' })]), 'terms-missing'],
    ['a consent whose body is not at hand refuses', asked([permit({ terms: { body } })]), 'terms-missing'],
    [
      'a consent that names a class unknown to this version refuses, for the classes it knows, too',
      asked([permit({ terms: { dataClasses: ['problems', 'dreams'] } })]),
      'terms-unenforceable',
    ],
    [
      'likewise one that names an unknown kind',
      asked([permit({ terms: { sensitivities: ['NEW'] } })]),
      'terms-unenforceable',
    ],
    [
      'a consent to what was registered by then only refuses, until that is decided on',
      asked([permit({ word: { flags: { snapshotOnly: true } } })]),
      'terms-unenforceable',
    ],
    [
      'a consent that needs the approval of the hospital refuses without it',
      asked([permit({ word: { flags: { needsApproval: true } } })]),
      'needs-approval',
    ],
    [
      'and permits with it',
      asked([permit({ word: { flags: { needsApproval: true, approved: true } } })]),
      'permit',
    ],
    [
      'a consent from just before a recovery refuses until it is confirmed',
      asked([permit()], handle({ suspended: { from: 0, until: 4_000_000_000 } })),
      'unconfirmed',
    ],
    [
      'nor does it give way to a wide one',
      asked(
        [permit({ word: { minedAt: 3_000_000_000 } }), permit({ to: EVERYONE })],
        handle({ suspended: { from: 3_000_000_000, until: 3_000_000_001 } }),
      ),
      'unconfirmed',
    ],
    [
      'a narrow consent that cannot be enforced does not give way to a wide one',
      asked([permit({ terms: 'missing' }), permit({ to: EVERYONE })]),
      'terms-missing',
    ],
    [
      'nor one that waits for approval',
      asked([permit({ word: { flags: { needsApproval: true } } }), permit({ to: EVERYONE })]),
      'needs-approval',
    ],
    [
      'a wide one that cannot be enforced leaves a narrow one alone',
      asked([permit(), permit({ to: EVERYONE, terms: 'missing' })]),
      'permit',
    ],
  ])
})

describe('what is signed and not mined yet counts (I5)', () => {
  const version = 4
  holds([
    [
      'a signed revocation of this version refuses',
      asked([permit({ word: { version }, signed: { revokedUpTo: 4 } })]),
      'revocation-pending',
    ],
    [
      'and one that reaches beyond it',
      asked([permit({ word: { version }, signed: { revokedUpTo: 9 } })]),
      'revocation-pending',
    ],
    [
      'an old one does not touch a later grant',
      asked([permit({ word: { version }, signed: { revokedUpTo: 3 } })]),
      'permit',
    ],
    [
      'a revocation of version 0 does not touch version 1',
      asked([permit({ signed: { revokedUpTo: 0 } })]),
      'permit',
    ],
    [
      'a signed objection refuses',
      asked([permit({ word: { version }, signed: { objectedUpTo: 4 } })]),
      'objection-pending',
    ],
    [
      'one that is past does not',
      asked([permit({ word: { version }, signed: { objectedUpTo: 3 } })]),
      'permit',
    ],
    [
      'a signed objection in an empty slot refuses',
      asked([silent({ word: { version: 0 }, signed: { objectedUpTo: 0 } })]),
      'objection-pending',
    ],
    [
      'a signed objection covers every class until the chain shows its terms',
      asked([permit({ terms: { dataClasses: ['problems'] }, signed: { objectedUpTo: 1 } })]),
      'objection-pending',
    ],
    ['a signed lock refuses', asked([permit()], handle({ epoch: 2 }, 2)), 'lock-pending'],
    ['and one that reaches beyond the epoch', asked([permit()], handle({ epoch: 2 }, 7)), 'lock-pending'],
    [
      'a lock that was mined and opened again no longer counts',
      asked([permit()], handle({ epoch: 3 }, 2)),
      'permit',
    ],
    ['a lock of epoch 0 counts at epoch 0', asked([permit()], handle({}, 0)), 'lock-pending'],
    [
      'a signed revocation leaves a wider consent in force, as a mined one does',
      asked([permit({ signed: { revokedUpTo: 1 } }), permit({ to: EVERYONE })]),
      'permit',
    ],
    [
      'a signed revocation of a consent that cannot be enforced lets no wider one through',
      asked([permit({ terms: 'missing', signed: { revokedUpTo: 1 } }), permit({ to: EVERYONE })]),
      'terms-missing',
    ],
  ])
})

describe('revoked and locked', () => {
  holds([
    ['a revoked consent refuses', asked([silent({ word: { version: 2 } })]), 'revoked'],
    [
      'a locked handle refuses, whatever is granted',
      asked([permit()], handle({ locked: true, epoch: 1 })),
      'locked',
    ],
    ['consents count again after unlocking', asked([permit()], handle({ epoch: 1 }, 0)), 'permit'],
  ])
})

describe('who asks', () => {
  const readmitted = (admittedAt: number) => ({ requester: { live: true, admittedAt } })
  const grant = permit({ word: { minedAt: T.granted } })
  const everyone = (laterMembersToo: boolean) =>
    permit({ to: EVERYONE, word: { flags: { laterMembersToo } } })
  const group = (joinedAt: number, laterMembersToo = false) =>
    permit({ to: GROUP, joinedAt, word: { flags: { laterMembersToo } } })
  holds([
    [
      'a member that is not live gets nothing',
      asked([grant], { requester: { live: false, admittedAt: T.admitted } }),
      'member-not-live',
    ],
    [
      'a custodian that is not live hands out nothing',
      asked([grant], { custodian: { live: false, admittedAt: T.admitted } }),
      'member-not-live',
    ],
    [
      'a member admitted anew after the grant is not reached by it',
      asked([grant], readmitted(T.later)),
      'grantee-generation',
    ],
    ['nor one admitted in the same second', asked([grant], readmitted(T.granted)), 'grantee-generation'],
    ['one admitted a second before is', asked([grant], readmitted(T.granted - 1)), 'permit'],
    [
      'a consent that names one member never reaches a later generation, whatever its flags',
      asked([permit({ word: { flags: { laterMembersToo: true } } })], readmitted(T.later)),
      'grantee-generation',
    ],
    [
      'everyone means every member of that day',
      asked([everyone(false)], readmitted(T.later)),
      'grantee-generation',
    ],
    [
      'unless the patient signed "and who joins later"',
      asked([everyone(true)], readmitted(T.later)),
      'permit',
    ],
    ['a group is its members of that day', asked([group(T.later)]), 'group-joined-later'],
    ['an equal second counts as later', asked([group(T.granted)]), 'group-joined-later'],
    ['a second before is before', asked([group(T.granted - 1)]), 'permit'],
    [
      'unless the patient signed "and who joins later" for the group',
      asked([group(T.later, true)]),
      'permit',
    ],
    ['and even then only while it is in the group', asked([group(0, true)]), 'no-consent'],
  ])
})

describe('the conflict rule', () => {
  const research = { purpose: 'CLINTRCH' }
  holds([
    [
      'an objection beside a grant to the same party wins',
      asked([permit(), objection({ purpose: 'TREAT' })]),
      'objection',
    ],
    [
      'a grant to the named organisation beats an objection to its group',
      asked([permit(), objection({ to: GROUP })]),
      'permit',
    ],
    ['and an objection to everyone', asked([permit(), objection({ to: EVERYONE })]), 'permit'],
    [
      'an objection to the organisation beats a grant to its group',
      asked([permit({ to: GROUP }), objection()]),
      'objection',
    ],
    [
      'an objection to a group beats a grant to everyone',
      asked([permit({ to: EVERYONE }), objection({ to: GROUP })]),
      'objection',
    ],
    [
      'a grant to a group beats an objection to everyone',
      asked([permit({ to: GROUP }), objection({ to: EVERYONE })]),
      'permit',
    ],
    [
      'a grant for the exact purpose beats an objection to its parent',
      asked([permit(research), objection({ purpose: 'HRESCH' })], research),
      'permit',
    ],
    [
      'an objection to the exact purpose beats a grant for its parent',
      asked([permit({ purpose: 'HRESCH' }), objection(research)], research),
      'objection',
    ],
    [
      'the nearer of two ancestors wins',
      asked([permit({ purpose: 'PurposeOfUse' }), objection({ purpose: 'HRESCH' })], research),
      'objection',
    ],
    [
      'the party comes before the purpose: an organisation for any purpose beats a group for the exact one',
      asked([permit({ purpose: 'PurposeOfUse' }), objection({ to: GROUP })]),
      'permit',
    ],
    [
      'of two groups that the requester is in, the one that the patient objects to wins',
      asked([permit({ to: GROUP }), objection({ to: { granteeType: 'Group', grantee: 'labs' } })]),
      'objection',
    ],
    [
      'an objection to a group that the requester is not in says nothing',
      asked([
        permit({ to: GROUP }),
        objection({ to: { granteeType: 'Group', grantee: 'labs' }, joinedAt: 0 }),
      ]),
      'permit',
    ],
    [
      'an objection reaches those who join the group later',
      asked([permit({ to: EVERYONE }), objection({ to: GROUP, joinedAt: T.later })]),
      'objection',
    ],
    [
      'an objection to research says nothing about treatment',
      asked([permit(), objection({ purpose: 'HRESCH' })]),
      'permit',
    ],
    [
      'a revoked consent is silent, so that a wider one decides',
      asked([silent({ word: { version: 2 } }), permit({ to: EVERYONE })]),
      'permit',
    ],
    [
      'so is an expired one',
      asked([permit({ word: { untilDay: TODAY - 1 } }), permit({ to: EVERYONE })]),
      'permit',
    ],
    [
      'an objection has no period: it stands after any day',
      asked([permit(), objection()], { at: NOON + 5e11 }),
      'objection',
    ],
  ])
})

describe('what an objection covers', () => {
  const against = (terms: NonNullable<Parameters<typeof objection>[0]>['terms']) => [
    permit({ to: EVERYONE, terms: { dataClasses: ['problems', 'laboratory'], sensitivities: ['HIV'] } }),
    objection(terms === undefined ? {} : { terms }),
  ]
  const laboratory = { dataClasses: ['laboratory'] }
  holds([
    ['everything, where it names nothing', asked(against(undefined)), 'objection'],
    ['everything, where its terms are missing', asked(against('missing')), 'objection'],
    [
      'everything, where its body is not at hand',
      asked(against({ ...laboratory, body: `0x${'01'.repeat(32)}` })),
      'objection',
    ],
    [
      'everything, where it names what this version does not know',
      asked(against({ dataClasses: ['laboratory', 'dreams'] })),
      'objection',
    ],
    ['each class that it names', asked(against(laboratory), record('laboratory')), 'objection'],
    ['no class that it does not name', asked(against(laboratory)), 'permit'],
    [
      'each sensitive kind that it names, in every class',
      asked(against({ ...laboratory, sensitivities: ['HIV'] }), record('problems', ['HIV'])),
      'objection',
    ],
  ])
})

describe('a decision', () => {
  test('names the slot that permitted, its version, and what it beat', () => {
    const [narrow, wide] = [permit({ word: { version: 7 } }), objection({ to: EVERYONE })]
    const decision = decide(asked([wide, narrow]))
    expect(decision).toMatchObject({
      decision: 'permit',
      rule: { scopeHash: narrow.scopeHash, version: 7, scope: { ...B, purpose: 'TREAT' }, verdict: 'permit' },
      beaten: [{ scopeHash: wide.scopeHash, verdict: 'refuse', reason: 'objection' }],
    })
  })

  test('names the slot that refused', () => {
    const slot = objection()
    expect(decide(asked([permit({ to: EVERYONE }), slot]))).toMatchObject({
      decision: 'refuse',
      reason: 'objection',
      rule: { scopeHash: slot.scopeHash },
    })
  })

  test('that nothing permitted tells the reason that says most', () => {
    const expired = permit({ word: { untilDay: TODAY - 1 } })
    const elsewhere = permit({ purpose: 'HRESCH' })
    expect(outcomeOf(asked([elsewhere, expired, silent({ word: { version: 0 } })]))).toBe('expired')
    expect(outcomeOf(asked([elsewhere]))).toBe('wrong-purpose')
  })

  test('looks at no consent before member, handle and lock are in order', () => {
    const locked = asked([objection()], handle({ locked: true }))
    expect(decide(locked)).toEqual({ decision: 'refuse', reason: 'locked', beaten: [] })
    expect(outcomeOf({ ...locked, requester: { live: false, admittedAt: 0 } })).toBe('member-not-live')
  })
})

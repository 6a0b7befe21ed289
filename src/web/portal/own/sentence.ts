import type { useFormatter, useTranslations } from 'use-intl'
import { DELEGATE_ACTS } from '../../../domain/consent/rights.ts'
import type { SaltedScope } from '../../../domain/consent/scope.ts'
import type { SaltedTerms } from '../../../domain/consent/terms.ts'
import type { ActMessages, TypedData } from '../../../domain/consent/typed-data.ts'
import { ZERO_32 } from '../../../domain/hex.ts'
import { harmless } from '../../shared/harmless.ts'
import type { TermWords } from '../term-words.ts'

export type Speech = {
  t: ReturnType<typeof useTranslations<'own'>>
  format: Pick<ReturnType<typeof useFormatter>, 'dateTime'>
  terms: TermWords
}

/** Around words of strangers in a line of text: they turn nothing around them (UAX 9, FSI and PDI). */
const isolated = (words: string) => `\u2068${words}\u2069`

/** The name of a hospital inside a sentence. */
export const namedInLine = (name: string): string => isolated(harmless(name))

/**
 * What an act says, as sentences, made from the typed data alone: whatever of it could matter to the patient is in them. The
 * handle is said as the hospital that it is at.
 * @param hospital the custodian's name
 */
export function sentencesOf(data: TypedData, hospital: string, speech: Speech): string[] {
  const { t, format } = speech
  const at = { hospital: namedInLine(hospital) }
  const { message, primaryType } = data
  const until = (deadline: number) =>
    t('deadline', {
      time: format.dateTime(new Date(deadline * 1000), { dateStyle: 'medium', timeStyle: 'short' }),
    })
  switch (primaryType) {
    case 'Grant':
      return grantSentences(message as ActMessages['Grant'], at, speech, until)
    case 'Revocation':
      return [t('revocation', { ...at, ...whomAndWhy(message as ActMessages['Revocation'], speech) })]
    case 'Objection': {
      const { scope, terms } = message as ActMessages['Objection']
      const said = { ...at, ...whomAndWhy({ scope }, speech) }
      const first =
        terms.dataClasses.length === 0
          ? t('objectionToAll', said)
          : t('objection', { ...said, classes: classesOf(terms, speech) })
      return [first, ...kindsOf(terms, speech, 'objectionKinds'), ...conditionsOf(terms, speech)]
    }
    case 'Withdrawal': {
      const withdrawal = message as ActMessages['Withdrawal']
      return [
        t('withdrawal', { ...at, ...whomAndWhy(withdrawal, speech) }),
        t('othersCount'),
        until(withdrawal.deadline),
      ]
    }
    case 'Renewal': {
      const { scope, terms, until: last, deadline } = message as ActMessages['Renewal']
      return [
        t('renewal', { ...at, ...whomAndWhy({ scope }, speech), classes: classesOf(terms, speech) }),
        t('renewalUntil', { until: dayInWords(last, speech) }),
        until(deadline),
      ]
    }
    case 'RevocationList':
      return (message as ActMessages['RevocationList']).items.map((item) =>
        t('revocation', { ...at, ...whomAndWhy(item, speech) }),
      )
    case 'Delegation':
      return delegationSentences(message as ActMessages['Delegation'], at, speech, until)
    case 'DelegationEnd':
      return [t('delegationEnd', at)]
    case 'Lock':
      return [t('lock', at)]
    case 'Unlock':
      return [t('unlock', at), until((message as ActMessages['Unlock']).deadline)]
    default:
      throw new Error('This page has no words for such a signature')
  }
}

function delegationSentences(
  { bounds, deadline }: ActMessages['Delegation'],
  at: { hospital: string },
  speech: Speech,
  until: (deadline: number) => string,
): string[] {
  const { t } = speech
  const may = DELEGATE_ACTS.filter((act) => bounds[act])
  return [
    t('delegation', at),
    ...may.map((act) => t(`may.${act}`)),
    ...(bounds.mayGrant ? [t('mayGrantDays', { days: bounds.longestDays })] : []),
    ...(bounds.scopes === ZERO_32 ? [] : [t('mayGrantSome')]),
    ...(bounds.mayBeReferredOn ? [t('mayBeReferredOn')] : []),
    ...(bounds.needsApproval ? [t('needsApproval', at)] : []),
    ...(bounds.laterMembersToo ? [t('laterMembersToo')] : []),
    ...(bounds.snapshotOnly ? [t('snapshotOnly')] : []),
    t('delegationUntil', { until: dayInWords(bounds.until, speech) }),
    until(deadline),
  ]
}

function grantSentences(
  grant: ActMessages['Grant'],
  at: { hospital: string },
  speech: Speech,
  until: (deadline: number) => string,
): string[] {
  const { t, terms: words } = speech
  const { scope, terms } = grant
  const day = (date: string) => dayInWords(date, speech)
  return [
    t('grant', { ...at, ...whomAndWhy(grant, speech), classes: classesOf(terms, speech) }),
    ...(terms.sensitivities.length === 0 ? [t('nothingPrivate')] : kindsOf(terms, speech, 'grantKinds')),
    t('reason', { purpose: words.inline(words.purpose(scope.purpose)) }),
    t('period', { from: day(grant.from), until: day(grant.until) }),
    ...conditionsOf(terms, speech),
    ...(grant.snapshotOnly ? [t('snapshotOnly')] : []),
    ...(grant.mayBeReferredOn ? [t('mayBeReferredOn')] : []),
    ...(grant.needsApproval ? [t('needsApproval', at)] : []),
    ...(grant.laterMembersToo ? [t('laterMembersToo')] : []),
    until(grant.deadline),
  ]
}

/** A date of the record, YYYY-MM-DD, as the reader writes dates. */
export function dayInWords(date: string, { format }: Pick<Speech, 'format'>): string {
  return format.dateTime(new Date(`${date}T00:00:00Z`), { dateStyle: 'long', timeZone: 'UTC' })
}

function whomAndWhy({ scope }: { scope: SaltedScope }, { terms }: Speech) {
  const purpose = terms.purpose(scope.purpose)
  return { party: isolated(terms.party(scope)), purpose: terms.inline(purpose) }
}

const classesOf = ({ dataClasses }: SaltedTerms, { terms }: Speech) =>
  terms.inline(terms.dataClasses(dataClasses))

function kindsOf(
  { sensitivities }: SaltedTerms,
  { t, terms }: Speech,
  key: 'grantKinds' | 'objectionKinds',
): string[] {
  if (sensitivities.length === 0) return []
  return [t(key, { kinds: terms.inline(terms.kinds(sensitivities)) })]
}

const conditionsOf = ({ body }: SaltedTerms, { t }: Speech) => (body === ZERO_32 ? [] : [t('conditions')])

import { useFormatter, useTranslations } from 'use-intl'
import type { OwnShare } from '../../../patient/own-shares.ts'
import { useTerms } from '../terms.ts'
import classes from './own.module.css'
import { dayInWords } from './sentence.ts'

/** What one share opens: kinds, private kinds, why and until when. */
export function ShareFacts({
  share: { consent, purpose },
  whole = false,
}: {
  share: OwnShare
  /** Name every kind, however many. */
  whole?: boolean
}) {
  const t = useTranslations('home')
  const format = useFormatter()
  const terms = useTerms()
  const { terms: said, until, state } = consent
  const kinds = said?.sensitivities ?? []
  // An objection that names no kind is to all of them.
  const kindsOf = (codes: readonly string[]) =>
    codes.length === 0 && state === 'objection'
      ? t('everything')
      : whole
        ? terms.dataClasses(codes)
        : terms.someClasses(codes)
  const facts: [string, string][] = [
    ...(said ? [[t('what'), kindsOf(said.dataClasses)] as [string, string]] : []),
    ...(said && state === 'permit'
      ? [[t('private'), kinds.length === 0 ? t('nothingPrivate') : terms.kinds(kinds)] as [string, string]]
      : []),
    [t('why'), terms.purpose(purpose)],
    ...(until ? [[t('until'), dayInWords(until, { format })] as [string, string]] : []),
  ]
  return (
    <dl className={classes.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

import { Text } from '@mantine/core'
import { useFormatter, useTranslations } from 'use-intl'
import { Stranger } from '../../../shared/stranger.tsx'
import { dayInWords } from '../../own/sentence.ts'
import { useTerms } from '../../terms.ts'
import { shortened } from '../records/long-text.ts'
import classes from './requests.module.css'
import type { Asked } from './use-requests.ts'

/** Who asks, in one sentence. */
export function RequestSentence({ hospital, request }: Asked) {
  const t = useTranslations('requests')
  return t.rich('asks', {
    org: () => <Stranger bold>{request.requester.name || t('unnamed')}</Stranger>,
    hospital: () => <Stranger bold>{hospital.member.name}</Stranger>,
  })
}

/** What they ask for, why, and until when one can answer. */
export function RequestFacts({ request }: Asked) {
  const t = useTranslations('requests')
  const terms = useTerms()
  const format = useFormatter()
  const { purpose, dataClasses, sensitivities, from, until, deadline, reason } = request
  const facts = [
    [t('why'), terms.purpose(purpose)],
    [t('kinds'), terms.dataClasses(dataClasses)],
    ...(sensitivities.length > 0 ? [[t('private'), terms.kinds(sensitivities)] as const] : []),
    [
      t('period'),
      t('periodOf', { from: dayInWords(from, { format }), until: dayInWords(until, { format }) }),
    ],
    [t('until'), answerUntil(deadline, format)],
  ] as const
  return (
    <>
      <dl className={classes.facts}>
        {facts.map(([label, text]) => (
          <div key={label} className={classes.fact}>
            <dt>{label}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <div>
        <Text fw={600}>{t('theirWords')}</Text>
        {reason === '' ? (
          <Text>{t('noWords')}</Text>
        ) : (
          <blockquote className={classes.words}>
            <bdi>{shortened(reason)}</bdi>
          </blockquote>
        )}
      </div>
    </>
  )
}

/** It closes at this moment, which is the end of a day somewhere. */
export function answerUntil(deadline: number, format: ReturnType<typeof useFormatter>): string {
  return format.dateTime(new Date(deadline * 1000), {
    ...{ weekday: 'long', day: 'numeric', month: 'long', hour: 'numeric', minute: '2-digit' },
  })
}

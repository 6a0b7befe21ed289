import { Text } from '@mantine/core'
import { memo, useState } from 'react'
import { useTranslations } from 'use-intl'
import { factsOf } from '../../../../domain/own-record/facts.ts'
import type { OwnEntry } from '../../../../domain/own-record/own-entry.ts'
import type { Resolver } from '../../../../domain/own-record/unify.ts'
import { Stranger } from '../../../shared/stranger.tsx'
import { Attachments } from './attachments.tsx'
import { FactList } from './fact-list.tsx'
import { useRecordWords } from './record-words.ts'
import classes from './records.module.css'

/** One record: what, when, where and of which kind; the rest when somebody opens it. */
export const RecordLine = memo(function RecordLine({
  entry,
  resolve,
}: {
  entry: OwnEntry
  resolve: Resolver
}) {
  const t = useTranslations('records')
  const words = useRecordWords()
  const [isOpen, open] = useState(false)
  return (
    <article className={classes.record}>
      <h3 className={classes.title}>
        <Stranger>{words.title(entry)}</Stranger>
      </h3>
      <Text size="sm">
        {words.date(entry.date)} · <bdi>{words.hospital(entry.source)}</bdi> · {words.kind(entry)}
      </Text>
      <details onToggle={({ currentTarget }) => open(currentTarget.open)}>
        <summary className={classes.summary}>{t('details')}</summary>
        {isOpen ? (
          <>
            <FactList facts={factsOf(entry.resource, resolve)} />
            <Attachments entry={entry} />
          </>
        ) : null}
      </details>
    </article>
  )
})

import { Text } from '@mantine/core'
import { memo, useId, useMemo, useState } from 'react'
import { useTranslations } from 'use-intl'
import { type FactName, factsOf } from '../../../../domain/own-record/facts.ts'
import type { OwnEntry } from '../../../../domain/own-record/own-entry.ts'
import type { Resolver } from '../../../../domain/own-record/unify.ts'
import { Stranger } from '../../../shared/stranger.tsx'
import { Attachments } from './attachments.tsx'
import { FactList, Value } from './fact-list.tsx'
import { useRecordWords } from './record-words.ts'
import classes from './records.module.css'

/** What most people open a record for: it is shown at once. */
const MAIN = new Set<FactName>(['value', 'dose'])

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
  const title = useId()
  const facts = useMemo(() => factsOf(entry.resource, resolve), [entry, resolve])
  const main = facts.find(({ name }) => MAIN.has(name))
  const others = facts.filter((fact) => fact !== main)
  return (
    <article className={classes.record}>
      <h3 id={title} className={classes.title}>
        <Stranger>{words.title(entry)}</Stranger>
      </h3>
      <Text size="sm">
        {words.date(entry.date)} · <bdi>{words.hospital(entry.source)}</bdi> · {words.kind(entry)}
      </Text>
      {main ? (
        <div className={classes.main}>
          <Value value={main.value} />
        </div>
      ) : null}
      <details onToggle={({ currentTarget }) => open(currentTarget.open)}>
        <summary className={classes.summary} aria-describedby={title}>
          {t('details')}
        </summary>
        {isOpen ? (
          <>
            <FactList facts={others} />
            <Attachments entry={entry} />
          </>
        ) : null}
      </details>
    </article>
  )
})

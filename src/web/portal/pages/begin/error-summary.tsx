import { Anchor, Text } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { useTranslations } from 'use-intl'
import classes from './begin.module.css'

export type Problem = { /** Id of the field. */ field: string; text: string }

/** What must be looked at again before going on, above the form; each line leads to its field, and it takes the focus. */
export function ErrorSummary({ problems }: { problems: readonly Problem[] }) {
  const t = useTranslations('begin')
  const box = useRef<HTMLDivElement>(null)
  const told = problems.map(({ text }) => text).join('\n')
  useEffect(() => {
    if (told) box.current?.focus()
  }, [told])
  if (problems.length === 0) return null
  return (
    <div role="alert" className={classes.summary} ref={box} tabIndex={-1}>
      <Text fw={650}>{t('problems')}</Text>
      <ul>
        {problems.map(({ field, text }) => (
          <li key={field}>
            <Anchor
              href={`#${field}`}
              onClick={(event) => {
                event.preventDefault()
                document.getElementById(field)?.focus()
              }}
            >
              {text}
            </Anchor>
          </li>
        ))}
      </ul>
    </div>
  )
}

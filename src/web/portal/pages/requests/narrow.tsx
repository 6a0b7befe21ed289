import { Alert, Anchor, Button, Checkbox, TextInput } from '@mantine/core'
import { useRef, useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { dateOfDay } from '../../../../domain/days.ts'
import { today } from '../../own/hospitals.ts'
import { dayInWords } from '../../own/sentence.ts'
import { useTerms } from '../../terms.ts'
import { OpensPreview } from './opens-preview.tsx'
import classes from './requests.module.css'
import type { Asked } from './use-requests.ts'

/** What of a request somebody allows. */
export type Narrowed = { classes: readonly string[]; sensitivities: readonly string[]; until: string }

/** Takes away from what was asked for; there is no way to add to it. Private kinds are off until they are turned on. */
export function Narrow({
  asked: { hospital, request },
  narrowed,
  onChange,
  onNext,
}: {
  asked: Asked
  narrowed: Narrowed | undefined
  onChange: (narrowed: Narrowed) => void
  onNext: (narrowed: Narrowed) => void
}) {
  const t = useTranslations('requests')
  const terms = useTerms()
  const format = useFormatter()
  const first = [request.from, dateOfDay(today())].toSorted().at(-1) ?? request.from
  const chosen = narrowed ?? { classes: request.dataClasses, sensitivities: [], until: request.until }
  const [wasChecked, check] = useState(false)
  const summary = useRef<HTMLDivElement>(null)
  const problems = [
    ...(chosen.classes.length === 0
      ? [{ field: `class-${request.dataClasses[0]}`, text: t('nothing') }]
      : []),
    ...(chosen.until < first || chosen.until > request.until || !/^\d{4}-\d\d-\d\d$/.test(chosen.until)
      ? [
          {
            field: 'until',
            text: t('endWrong', {
              from: dayInWords(first, { format }),
              until: dayInWords(request.until, { format }),
            }),
          },
        ]
      : []),
  ]
  const shown = wasChecked ? problems : []
  const toggle = (all: readonly string[], picked: readonly string[], one: string) =>
    all.filter((each) => (each === one ? !picked.includes(each) : picked.includes(each)))

  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        check(true)
        if (problems.length === 0) onNext(chosen)
        else setTimeout(() => summary.current?.focus())
      }}
    >
      {shown.length > 0 ? (
        <Alert color="red" role="alert" title={t('problem')} ref={summary} tabIndex={-1} mb="md">
          {shown.map(({ field, text }) => (
            <Anchor key={field} href={`#${field}`} display="block">
              {text}
            </Anchor>
          ))}
        </Alert>
      ) : null}
      <Checkbox.Group
        label={<span className={classes.section}>{t('choose')}</span>}
        description={t('chooseText')}
        value={[...chosen.classes]}
      >
        <div className={classes.choices}>
          {request.dataClasses.map((one) => (
            <Checkbox
              key={one}
              id={`class-${one}`}
              size="md"
              value={one}
              label={terms.dataClass(one)}
              onChange={() =>
                onChange({ ...chosen, classes: toggle(request.dataClasses, chosen.classes, one) })
              }
            />
          ))}
        </div>
      </Checkbox.Group>
      {request.sensitivities.length > 0 ? (
        <Checkbox.Group
          mt="lg"
          label={<span className={classes.section}>{t('private')}</span>}
          description={t('privateText')}
          value={[...chosen.sensitivities]}
        >
          <div className={classes.choices}>
            {request.sensitivities.map((one) => (
              <Checkbox
                key={one}
                size="md"
                value={one}
                label={terms.kind(one)}
                description={terms.kindWhy(one)}
                onChange={() =>
                  onChange({
                    ...chosen,
                    sensitivities: toggle(request.sensitivities, chosen.sensitivities, one),
                  })
                }
              />
            ))}
          </div>
        </Checkbox.Group>
      ) : null}
      <TextInput
        mt="lg"
        id="until"
        type="date"
        label={t('end')}
        description={t('endHint', { date: dayInWords(request.until, { format }) })}
        min={first}
        max={request.until}
        value={chosen.until}
        error={shown.find(({ field }) => field === 'until')?.text}
        onChange={({ currentTarget: { value } }) => onChange({ ...chosen, until: value })}
      />
      <OpensPreview hospital={hospital} classes={chosen.classes} sensitivities={chosen.sensitivities} />
      <Button type="submit" size="lg" mt="lg">
        {t('next')}
      </Button>
    </form>
  )
}

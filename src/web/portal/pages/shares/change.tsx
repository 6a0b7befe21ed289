import { Button, Checkbox, Fieldset, Stack, Text, TextInput } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { periodProblem } from '../../../../domain/consent/period.ts'
import { dateOfDay, dayOfDate } from '../../../../domain/days.ts'
import type { GrantWish } from '../../../../patient/acts.ts'
import type { OwnShare } from '../../../../patient/own-shares.ts'
import { Page } from '../../../shared/page.tsx'
import type { OwnHospital } from '../../device/device.tsx'
import { Acts } from '../../own/acts.tsx'
import { ErrorSummary } from '../../own/error-summary.tsx'
import { today } from '../../own/hospitals.ts'
import { namedInLine } from '../../own/sentence.ts'
import { useSigning } from '../../own/signing.ts'
import { useTerms } from '../../terms.ts'
import share from '../share/share.module.css'
import { Gone, Home, Waiting } from './gone.tsx'
import { useShare } from './one.ts'

export function Narrow() {
  const { key } = useParams({ from: '/shares/$key/change' })
  return <Change key={key} of={key} mode="narrow" />
}

export function Renew() {
  const { key } = useParams({ from: '/shares/$key/renew' })
  return <Change key={key} of={key} mode="renew" />
}

function Change({ of, mode }: { of: string; mode: 'narrow' | 'renew' }) {
  const found = useShare(of)
  const [begun, setBegun] = useState<{ hospital: OwnHospital; share: OwnShare }>()
  if (begun) return <Form {...begun} mode={mode} />
  if (found === 'loading') return <Waiting />
  if (!found?.share.consent.terms) return <Gone />
  setBegun({ hospital: found.at.hospital, share: found.share })
  return <Waiting />
}

/** What of a share is kept, and until when; nothing can be added to it. */
function Form({
  hospital,
  share: { to, purpose, consent },
  mode,
}: {
  hospital: OwnHospital
  share: OwnShare
  mode: 'narrow' | 'renew'
}) {
  const t = useTranslations('shares')
  const words = useTranslations('share')
  const terms = useTerms()
  const before = consent.terms ?? { dataClasses: [], sensitivities: [] }
  const [classes, setClasses] = useState<readonly string[]>(before.dataClasses)
  const [kinds, setKinds] = useState<readonly string[]>(before.sensitivities)
  const year = dateOfDay(today() + 365)
  const [until, setUntil] = useState(mode === 'renew' ? year : (consent.until ?? year))
  const [wish, setWish] = useState<GrantWish>()
  const [tried, setTried] = useState(0)
  const party = namedInLine(terms.party(to))
  const title = t(mode === 'renew' ? 'renewTitle' : 'changeTitle', { party })
  const later = dayOfDate(consent.from ?? '') ?? 0
  const from = later > today() ? { from: consent.from ?? '' } : {}
  const problem =
    classes.length === 0
      ? words('chooseClass')
      : periodProblem({ until, ...from }, today())
        ? words('chooseDate')
        : undefined
  if (wish)
    return <Sign key={JSON.stringify(wish)} hospital={hospital} wish={wish} title={title} mode={mode} />
  const toggled = (list: readonly string[], one: string) =>
    list.includes(one) ? list.filter((other) => other !== one) : [...list, one]
  return (
    <Page title={title} lead={t('changeText')}>
      {tried > 0 && problem ? (
        <ErrorSummary
          key={tried}
          title={words('problem')}
          text={problem}
          field={classes.length === 0 ? `class-${before.dataClasses[0]}` : 'last-day'}
        />
      ) : null}
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          if (problem) return setTried(tried + 1)
          const body = consent.body ? { body: consent.body } : {}
          setWish({ to, purpose, classes, sensitivities: kinds, until, ...from, ...body })
        }}
      >
        <Stack gap="lg">
          <TextInput
            id="last-day"
            type="date"
            label={t('lastDay')}
            description={words('dateHelp')}
            min={dateOfDay(today())}
            value={until}
            onChange={({ currentTarget }) => setUntil(currentTarget.value)}
          />
          <Fieldset legend={t('what')}>
            <div className={share.choices}>
              {before.dataClasses.map((code) => (
                <Checkbox
                  key={code}
                  id={`class-${code}`}
                  size="md"
                  label={terms.dataClass(code)}
                  checked={classes.includes(code)}
                  onChange={() => setClasses(toggled(classes, code))}
                />
              ))}
            </div>
          </Fieldset>
          {before.sensitivities.length > 0 ? (
            <Fieldset legend={t('private')}>
              <div className={share.choices}>
                {before.sensitivities.map((kind) => (
                  <Checkbox
                    key={kind}
                    size="md"
                    label={terms.kind(kind)}
                    description={terms.kindWhy(kind)}
                    checked={kinds.includes(kind)}
                    onChange={() => setKinds(toggled(kinds, kind))}
                  />
                ))}
              </div>
            </Fieldset>
          ) : null}
          <Button type="submit" size="lg">
            {t('look')}
          </Button>
        </Stack>
      </form>
    </Page>
  )
}

function Sign({
  hospital,
  wish,
  title,
  mode,
}: {
  hospital: OwnHospital
  wish: GrantWish
  title: string
  mode: 'narrow' | 'renew'
}) {
  const t = useTranslations('shares')
  const signText = useTranslations('share')('signText')
  const signing = useSigning([{ hospital, prepare: (client) => client.prepare.grant(wish) }])
  return (
    <Page title={title}>
      <Text>{signText}</Text>
      <Acts signing={signing} label={t(mode === 'renew' ? 'renewGo' : 'changeGo')} />
      {signing.over ? <Home /> : null}
    </Page>
  )
}

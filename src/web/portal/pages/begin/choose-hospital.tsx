import { Button, Radio, Stack, Text, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { harmless } from '../../../shared/harmless.ts'
import { Page } from '../../../shared/page.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import { useDevice } from '../../device/device.tsx'
import { type Member, useNetwork } from '../../network.tsx'
import classes from './begin.module.css'
import { useDraft } from './draft.tsx'
import { ErrorSummary } from './error-summary.tsx'
import { Ways } from './ways.tsx'

/** More than that nobody reads through: they type a part of the name. */
const MOST_SHOWN = 30

/** First question: at which hospital are you known? Each is named. */
export function ChooseHospital() {
  const t = useTranslations('begin')
  const { members } = useNetwork()
  const { paired, state } = useDevice()
  const { draft, change } = useDraft()
  const navigate = useNavigate()
  const [looked, setLooked] = useState('')
  const [missing, setMissing] = useState(false)
  const others = members.filter(
    ({ id, custodian }) => custodian && !paired.some(({ member }) => member === id),
  )
  const found = others.filter(({ name }) => isIn(looked, name))
  const shown = found.slice(0, MOST_SHOWN)
  if (others.length === 0) return <Page title={t('allHospitals')} />
  return (
    <Page title={t('hospitalTitle')} lead={state === 'open' ? t('hospitalMore') : t('hospitalLead')}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          const chosen = shown.some(({ id }) => id === draft.member)
          setMissing(!chosen)
          if (chosen) void navigate({ to: '/begin/me' })
        }}
      >
        <Stack gap="lg">
          <ErrorSummary problems={missing ? [{ field: 'hospitals', text: t('hospitalMissing') }] : []} />
          <TextInput
            label={t('hospitalSearch')}
            type="search"
            autoComplete="off"
            value={looked}
            onChange={({ currentTarget }) => setLooked(currentTarget.value)}
          />
          <Radio.Group
            label={t('hospitalLabel')}
            value={draft.member ?? ''}
            onChange={(id) => {
              const member = shown.find((one) => one.id === id)
              if (member) change({ member: member.id })
            }}
          >
            <div className={classes.choices} id="hospitals" tabIndex={-1}>
              {shown.map((member) => (
                <Choice key={member.id} member={member} />
              ))}
            </div>
          </Radio.Group>
          <Text role="status" size="sm">
            {t('hospitalCount', { shown: shown.length, found: found.length })}
          </Text>
          <Button type="submit" size="lg">
            {t('continue')}
          </Button>
          <Ways ways={[{ to: '/begin/no-phone', text: t('noPhone') }]} />
        </Stack>
      </form>
    </Page>
  )
}

function Choice({ member: { id, name } }: { member: Member }) {
  return (
    <div className={classes.choice}>
      <Radio value={id} label={<Stranger>{name}</Stranger>} />
    </div>
  )
}

/** Without regard to capitals and accents. */
const plain = (text: string) => harmless(text).normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
const isIn = (looked: string, name: string) => plain(name).includes(plain(looked))

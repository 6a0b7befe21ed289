import { Alert, Button, NativeSelect, Stack, Text, TextInput } from '@mantine/core'
import { Navigate, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import type { Hex } from '../../../../domain/hex.ts'
import { harmless } from '../../../shared/harmless.ts'
import { Page } from '../../../shared/page.tsx'
import { useOnce } from '../../../shared/use-once.ts'
import { useDevice } from '../../device/device.tsx'
import { useNetwork } from '../../network.tsx'
import { useDraft } from './draft.tsx'
import { ErrorSummary } from './error-summary.tsx'
import { Trouble } from './trouble.tsx'
import { Ways } from './ways.tsx'

/** Until the hospital's chain shows a new key. Milliseconds. */
const BOUND_WITHIN = 60_000

/** The one-time code: with it the hospital and this device's key know each other from then on. */
export function EnterCode() {
  const t = useTranslations('begin')
  const format = useFormatter()
  const device = useDevice()
  const { members, chain } = useNetwork()
  const { draft } = useDraft()
  const navigate = useNavigate()
  const [code, setCode] = useState('')
  const [missing, setMissing] = useState(false)
  const [chosen, setChosen] = useState<Hex | undefined>(draft.member)
  const waiting = device.pending.flatMap((one) => {
    const member = members.find(({ id }) => id === one.member)
    return member ? [{ ...one, member }] : []
  })
  const current = waiting.find(({ member }) => member.id === chosen) ?? waiting[0]

  const proving = useOnce(
    async () => {
      const { words } = device
      if (!words || !current) return
      const { member, enrolment } = current
      const { createPatientClient } = await import('../../../../patient/client.ts')
      const client = createPatientClient({
        ...{ broker: member.broker, member: member.id, words, chain, retry: true },
      })
      await client.enrol({ enrolment, code: code.replace(/\D/g, '') })
      await client.signIn(BOUND_WITHIN)
      await device.note({
        paired: [...device.paired, { member: member.id, replacement: 0 }],
        pending: device.pending.filter((one) => one.member !== member.id),
        silent: device.silent.filter((id) => id !== member.id),
      })
      await navigate({ to: device.secured ? '/' : '/begin/second-way' })
    },
    { leadsOn: true },
  )

  if (!current || device.state === 'locked') return <Navigate to="/" replace />
  if (device.state !== 'open') return <Navigate to="/begin/new-words" replace />
  return (
    <Page title={t('codeTitle')} lead={t('codeLead')}>
      <Text>{t('codeSlow')}</Text>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          const empty = code.trim() === ''
          setMissing(empty)
          if (!empty) proving.mutate()
        }}
      >
        <Stack gap="lg">
          <ErrorSummary problems={missing ? [{ field: 'code', text: t('codeMissing') }] : []} />
          <NativeSelect
            label={t('codeFrom')}
            value={current.member.id}
            onChange={({ currentTarget }) => setChosen(currentTarget.value as Hex)}
            data={waiting.map(({ member }) => ({ value: member.id, label: harmless(member.name) }))}
          />
          <TextInput
            id="code"
            label={t('codeLabel')}
            description={t('codeAsked', {
              when: format.dateTime(new Date(current.askedAt), { dateStyle: 'full', timeStyle: 'short' }),
            })}
            inputMode="numeric"
            autoComplete="one-time-code"
            value={code}
            onChange={({ currentTarget }) => setCode(currentTarget.value)}
          />
          <Trouble error={proving.error} />
          <Button type="submit" size="lg" loading={proving.isPending}>
            {t('continue')}
          </Button>
          {proving.isPending ? <Text role="status">{t('codeWriting')}</Text> : null}
        </Stack>
      </form>
      <Alert color="gray" title={t('codeNone')}>
        {t('codeNoneText')}
      </Alert>
      <Ways
        ways={[
          { to: '/begin/hospital', text: t('askAgain') },
          { to: '/begin/lost', text: t('enrolledBefore') },
          { to: '/begin/no-phone', text: t('goToDesk') },
        ]}
      />
    </Page>
  )
}

import { Alert, Button, NativeSelect, Stack, Text, TextInput } from '@mantine/core'
import { Navigate, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Hex } from '../../../../domain/hex.ts'
import { Page } from '../../../shared/page.tsx'
import { harmless } from '../../../shared/stranger.tsx'
import { useOnce } from '../../../shared/use-once.ts'
import { useDevice } from '../../device/device.tsx'
import { useNetwork } from '../../network.tsx'
import { ErrorSummary, type Problem } from '../begin/error-summary.tsx'
import { Trouble } from '../begin/trouble.tsx'
import { Ways } from '../begin/ways.tsx'

/** Until the chain shows the new key. Milliseconds. */
const SHOWN_WITHIN = 60_000

/** After the desk: its reference and the code that came. With them the new words are to take over at that hospital. */
export function Recover() {
  const t = useTranslations('recovery')
  const device = useDevice()
  const { members, chain } = useNetwork()
  const navigate = useNavigate()
  const [chosen, setChosen] = useState<Hex>()
  const [reference, setReference] = useState('')
  const [code, setCode] = useState('')
  const [problems, setProblems] = useState<Problem[]>([])
  const open = members.filter(
    ({ id, custodian }) => custodian && !device.paired.some(({ member }) => member === id),
  )
  const member = open.find(({ id }) => id === chosen) ?? open[0]

  const proving = useOnce(
    async () => {
      if (!device.words || !member) return
      const { createPatientClient } = await import('../../../../patient/client.ts')
      const client = createPatientClient({
        ...{ broker: member.broker, member: member.id, words: device.words, chain, retry: true },
      })
      await client.recover({ recovery: reference.trim().toLowerCase(), code: code.replace(/\D/g, '') })
      await client.signIn(SHOWN_WITHIN)
      await device.note({
        paired: [...device.paired, { member: member.id, replacement: 0 }],
        silent: device.silent.filter((id) => id !== member.id),
      })
      await navigate({ to: '/devices' })
    },
    { leadsOn: true },
  )

  function send() {
    const missing = [
      { field: 'reference', text: reference },
      { field: 'code', text: code },
    ].filter(({ text }) => text.trim() === '')
    const found = missing.map(({ field }) => ({
      field,
      text: t(field === 'code' ? 'codeMissing' : 'referenceMissing'),
    }))
    setProblems(found)
    if (found.length === 0) proving.mutate()
  }

  if (device.state !== 'open') return <Navigate to="/begin/lost" replace />
  if (!member)
    return (
      <Page title={t('title')} lead={t('everywhere')}>
        <Ways ways={[{ to: '/devices', text: t('toDevices') }]} />
      </Page>
    )
  return (
    <Page title={t('title')} lead={t('lead')}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          send()
        }}
      >
        <Stack gap="lg">
          <ErrorSummary problems={problems} />
          <NativeSelect
            label={t('hospital')}
            value={member.id}
            onChange={({ currentTarget }) => setChosen(currentTarget.value as Hex)}
            data={open.map(({ id, name }) => ({ value: id, label: harmless(name) }))}
          />
          <TextInput
            id="reference"
            dir="ltr"
            label={t('reference')}
            description={t('referenceHint')}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            error={problems.find(({ field }) => field === 'reference')?.text}
            value={reference}
            onChange={({ currentTarget }) => setReference(currentTarget.value)}
          />
          <TextInput
            id="code"
            label={t('code')}
            inputMode="numeric"
            autoComplete="one-time-code"
            error={problems.find(({ field }) => field === 'code')?.text}
            value={code}
            onChange={({ currentTarget }) => setCode(currentTarget.value)}
          />
          <Trouble error={proving.error} />
          <Button type="submit" size="lg" loading={proving.isPending}>
            {t('send')}
          </Button>
          {proving.isPending ? <Text role="status">{t('sending')}</Text> : null}
        </Stack>
      </form>
      <Alert color="gray">{t('after')}</Alert>
    </Page>
  )
}

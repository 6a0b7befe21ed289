import { Button, PasswordInput, Stack, Text } from '@mantine/core'
import { Navigate, useNavigate } from '@tanstack/react-router'
import { Download } from 'lucide-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useOnce } from '../../../shared/use-once.ts'
import { useDevice } from '../../device/device.tsx'
import { useDraft } from './draft.tsx'
import { ErrorSummary, type Problem } from './error-summary.tsx'
import { saveSealedFile } from './sealed-file.ts'
import { useTakeIn } from './take-in.ts'
import { Trouble } from './trouble.tsx'

/** The words as a file that a passphrase opens: for devices whose passkeys cannot seal, and as one way back more. */
export function MakeFile() {
  const t = useTranslations('begin')
  const device = useDevice()
  const { draft, restart } = useDraft()
  const navigate = useNavigate()
  const takeIn = useTakeIn()
  const [passphrase, setPassphrase] = useState('')
  const [again, setAgain] = useState('')
  const [problems, setProblems] = useState<Problem[]>([])
  const words = device.words ?? draft.words
  const isOpen = device.state === 'open'

  const making = useOnce(
    async () => {
      if (!words) return
      const seal = async () =>
        saveSealedFile(await device.vault.sealWithPassphrase(words, t('fileLabel'), passphrase))
      if (isOpen) {
        await seal()
        await navigate({ to: '/devices' })
        return
      }
      await takeIn(words, { confirmedAt: draft.wordsConfirmedAt, replaces: draft.replaces, seal })
      const next = draft.recovering ? '/recover' : device.pending.length > 0 ? '/begin/code' : '/'
      await navigate({ to: next })
      restart()
    },
    { leadsOn: true },
  )

  async function send() {
    const { passphraseTrouble } = await import('../../device/seal-words.ts')
    const trouble = passphraseTrouble(passphrase)
    const found: Problem[] = []
    if (trouble) found.push({ field: 'passphrase', text: t(`passphraseTrouble.${trouble}`) })
    else if (again !== passphrase) found.push({ field: 'again', text: t('passphraseTrouble.differs') })
    setProblems(found)
    if (found.length === 0) making.mutate()
  }
  const problemAt = (field: string) => problems.find((one) => one.field === field)?.text

  if (!words) return <Navigate to={device.state === 'empty' ? '/begin/new-words' : '/'} replace />
  return (
    <Page title={t('fileTitle')} lead={t('fileLead')}>
      <Text>{t('fileKeep')}</Text>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          void send()
        }}
      >
        <Stack gap="lg">
          <ErrorSummary problems={problems} />
          <PasswordInput
            id="passphrase"
            label={t('passphrase')}
            description={t('passphraseHint')}
            autoComplete="new-password"
            error={problemAt('passphrase')}
            value={passphrase}
            onChange={({ currentTarget }) => setPassphrase(currentTarget.value)}
          />
          <PasswordInput
            id="again"
            label={t('passphraseAgain')}
            autoComplete="new-password"
            error={problemAt('again')}
            value={again}
            onChange={({ currentTarget }) => setAgain(currentTarget.value)}
          />
          <Trouble error={making.error} />
          <Button type="submit" size="lg" leftSection={<Download aria-hidden />} loading={making.isPending}>
            {t('makeFile')}
          </Button>
        </Stack>
      </form>
    </Page>
  )
}

import { Button, Checkbox, FileInput, PasswordInput, Stack } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useOnce } from '../../../shared/use-once.ts'
import { useDevice } from '../../device/device.tsx'
import { ErrorSummary } from './error-summary.tsx'
import { useTakeIn } from './take-in.ts'
import { Trouble } from './trouble.tsx'
import { Ways } from './ways.tsx'

/** The encrypted file on any device: its passphrase opens it, and opens this device from then on. */
export function OpenFile() {
  const t = useTranslations('begin')
  const { vault } = useDevice()
  const takeIn = useTakeIn()
  const navigate = useNavigate()
  const [file, setFile] = useState<File | null>(null)
  const [missing, setMissing] = useState(false)
  const [passphrase, setPassphrase] = useState('')
  const [visiting, setVisiting] = useState(false)
  const opening = useOnce(
    async (chosen: File) => {
      const { openWithPassphrase, SealNotOpened } = await import('../../device/seal-words.ts')
      const words = await openWithPassphrase(await chosen.text(), passphrase)
      if (visiting) {
        await takeIn(words, { guest: { secured: false } })
      } else {
        // Other words lie here: those are opened, or replaced by typing the words, not by a file that somebody may have handed over.
        if ((await vault.holds(words)) === false) throw new SealNotOpened('other-words')
        await takeIn(words, {
          seal: async () => void (await vault.sealWithPassphrase(words, t('fileLabel'), passphrase)),
        })
      }
      await navigate({ to: '/' })
    },
    { leadsOn: true },
  )
  return (
    <Page title={t('openFileTitle')} lead={t('openFileLead')}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          setMissing(!file)
          if (file) opening.mutate(file)
        }}
      >
        <Stack gap="lg">
          <ErrorSummary problems={missing ? [{ field: 'file', text: t('fileMissing') }] : []} />
          <FileInput
            id="file"
            label={t('fileField')}
            placeholder={t('fileChoose')}
            value={file}
            onChange={setFile}
            error={missing ? t('fileMissing') : null}
          />
          <PasswordInput
            label={t('passphrase')}
            autoComplete="current-password"
            value={passphrase}
            onChange={({ currentTarget }) => setPassphrase(currentTarget.value)}
          />
          <Checkbox
            label={t('visiting')}
            description={t('visitingText')}
            checked={visiting}
            onChange={({ currentTarget }) => setVisiting(currentTarget.checked)}
          />
          <Trouble error={opening.error} />
          <Button type="submit" size="lg" loading={opening.isPending}>
            {t('openFile')}
          </Button>
        </Stack>
      </form>
      <Ways
        ways={[
          { to: '/begin/words', text: t('haveWords') },
          { to: '/begin/lost', text: t('lostWords') },
        ]}
      />
    </Page>
  )
}

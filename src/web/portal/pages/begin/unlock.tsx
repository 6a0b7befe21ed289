import { Button, Paper, PasswordInput, Stack, Title } from '@mantine/core'
import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useOnce } from '../../../shared/use-once.ts'
import { useDevice } from '../../device/device.tsx'
import { Trouble } from './trouble.tsx'
import { Ways } from './ways.tsx'

/** What a device sees whose words are sealed: any passkey or passphrase of it opens them. */
export function Unlock() {
  const t = useTranslations('begin')
  const { vault, seals, open } = useDevice()
  const [passphrase, setPassphrase] = useState('')
  const byPasskey = useOnce(async () => open(await vault.openWithPasskey()))
  const byPassphrase = useOnce(async () => open(await vault.openWithPassphrase(passphrase)))
  const has = (kind: 'passkey' | 'passphrase') => seals.some((seal) => seal.kind === kind)
  return (
    <Page title={t('lockedTitle')} lead={t('lockedLead')}>
      {has('passkey') ? (
        <>
          <Button
            size="lg"
            leftSection={<KeyRound aria-hidden />}
            loading={byPasskey.isPending}
            onClick={() => byPasskey.mutate()}
          >
            {t('unlockPasskey')}
          </Button>
          <Trouble error={byPasskey.error} />
        </>
      ) : null}
      {has('passphrase') ? (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            byPassphrase.mutate()
          }}
        >
          <Stack>
            <PasswordInput
              label={t('passphrase')}
              autoComplete="current-password"
              value={passphrase}
              onChange={({ currentTarget }) => setPassphrase(currentTarget.value)}
            />
            <Trouble error={byPassphrase.error} />
            <Button type="submit" size="lg" loading={byPassphrase.isPending}>
              {t('unlockPassphrase')}
            </Button>
          </Stack>
        </form>
      ) : null}
      <Paper>
        <Title order={2} size="h3">
          {t('unlockOther')}
        </Title>
        <Ways
          ways={[
            { to: '/begin/words', text: t('unlockWords') },
            { to: '/begin/file', text: t('haveFile') },
            { to: '/begin/key', text: t('haveKey') },
            { to: '/begin/lost', text: t('lostAll') },
          ]}
        />
      </Paper>
    </Page>
  )
}

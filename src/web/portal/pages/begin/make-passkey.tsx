import { Alert, Button, Checkbox, Stack, Text } from '@mantine/core'
import { Navigate, useNavigate } from '@tanstack/react-router'
import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useOnce } from '../../../shared/use-once.ts'
import { useDevice } from '../../device/device.tsx'
import { carry, createPasskey, PasskeyRefused, takeBack } from '../../device/passkey.ts'
import { deviceName } from './device-name.ts'
import { useDraft } from './draft.tsx'
import { useTakeIn } from './take-in.ts'
import { Trouble } from './trouble.tsx'
import { Ways } from './ways.tsx'

/** The words are in memory and nowhere else: now something must seal them. */
export function MakePasskey() {
  const { draft } = useDraft()
  const { state } = useDevice()
  if (!draft.words) return <Navigate to={state === 'empty' ? '/begin/new-words' : '/'} replace />
  return draft.forKey ? <OnKey words={draft.words} /> : <OnDevice words={draft.words} />
}

/** Where to go once the words are in use. */
function useOnwards() {
  const { pending } = useDevice()
  const { draft } = useDraft()
  const navigate = useNavigate()
  return (paired: number) =>
    navigate({
      to: draft.recovering
        ? '/recover'
        : pending.length > 0
          ? '/begin/code'
          : paired > 0
            ? '/'
            : '/begin/hospital',
    })
}

function OnDevice({ words }: { words: string }) {
  const t = useTranslations('begin')
  const { vault, seals, paired } = useDevice()
  const { draft, restart } = useDraft()
  const takeIn = useTakeIn()
  const onwards = useOnwards()
  const label = deviceName() ?? t('thisDevice')
  const making = useOnce(
    async () => {
      const known = draft.replaces
        ? []
        : seals.flatMap((seal) => (seal.kind === 'passkey' ? [seal.passkey] : []))
      const made = await createPasskey(label, known)
      await takeIn(words, {
        confirmedAt: draft.wordsConfirmedAt,
        replaces: draft.replaces,
        seal: () => vault.sealWithPasskey(words, label, made),
      })
      await onwards(paired.length)
      restart()
    },
    { leadsOn: true },
  )
  const cannot =
    making.error instanceof PasskeyRefused && ['without-prf', 'unsupported'].includes(making.error.trouble)
  return (
    <Page title={t('passkeyTitle')} lead={t('passkeyLead')}>
      <Text>{t('passkeyStays')}</Text>
      {draft.replaces && seals.length > 0 ? <Alert color="yellow">{t('otherWordsGo')}</Alert> : null}
      <Trouble error={making.error} />
      <Button
        size="lg"
        leftSection={<KeyRound aria-hidden />}
        variant={cannot ? 'default' : 'filled'}
        loading={making.isPending}
        onClick={() => making.mutate()}
      >
        {t('makePasskey')}
      </Button>
      <Ways ways={[{ to: '/begin/passphrase', text: t('useFile') }]} />
    </Page>
  )
}

/** The words go onto a security key, which opens them on any device. */
function OnKey({ words }: { words: string }) {
  const t = useTranslations('begin')
  const { draft, restart } = useDraft()
  const takeIn = useTakeIn()
  const navigate = useNavigate()
  const [mine, setMine] = useState(false)
  const making = useOnce(
    async () => {
      const made = await createPasskey(t('keyLabel'), [], { place: 'elsewhere', carries: true })
      if (!made.hasRoom) {
        await takeBack(made.passkey)
        throw new PasskeyRefused('carries-nothing')
      }
      const { sealWithSecret } = await import('../../device/seal-words.ts')
      await carry(made.passkey, await sealWithSecret(words, made.secret))
      await takeIn(words, { confirmedAt: draft.wordsConfirmedAt, guest: { secured: true } })
      await navigate({ to: '/begin/hospital' })
      restart()
    },
    { leadsOn: true },
  )
  return (
    <Page title={t('onKeyTitle')} lead={t('onKeyLead')}>
      <Alert color="gray">{t('onKeyNothing')}</Alert>
      <Stack>
        <Checkbox
          label={t('onKeyMine')}
          checked={mine}
          onChange={({ currentTarget }) => setMine(currentTarget.checked)}
        />
        <Trouble error={making.error} />
        <Button
          size="lg"
          leftSection={<KeyRound aria-hidden />}
          disabled={!mine}
          loading={making.isPending}
          onClick={() => making.mutate()}
        >
          {t('onKeyMake')}
        </Button>
      </Stack>
    </Page>
  )
}

import { Alert, Anchor, Stack, Text, TextInput } from '@mantine/core'
import { startAuthentication, startRegistration } from '@simplewebauthn/browser'
import { KeyRound } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { useTranslations } from 'use-intl'
import { Page } from '../../shared/page.tsx'
import { ask, codeOf, Refused } from '../api.ts'
import { BusyButton } from '../parts/busy-button.tsx'
import { fieldsOf } from '../parts/fields.ts'
import { Trouble } from '../parts/trouble.tsx'
import { beginSession } from '../session.tsx'

/** The way in: a passkey, or an invitation with which one is made. */
export function SignIn({ ended, unreachable }: { ended: boolean; unreachable: boolean }) {
  const t = useTranslations('signIn')
  const [invited, setInvited] = useState(false)
  const [switched, setSwitched] = useState(false)
  const choose = (one: boolean) => {
    setInvited(one)
    setSwitched(true)
  }
  const [trouble, setTrouble] = useState<string | undefined>(unreachable ? 'unreachable' : undefined)
  const [busy, setBusy] = useState(false)

  const doing = async (work: () => Promise<void>) => {
    setBusy(true)
    setTrouble(undefined)
    try {
      await work()
      await beginSession()
    } catch (error) {
      setTrouble(error instanceof Refused ? codeOf(error) : 'passkey')
    } finally {
      setBusy(false)
    }
  }
  const byPasskey = () =>
    doing(async () => {
      const optionsJSON = await ask<Parameters<typeof startAuthentication>[0]['optionsJSON']>(
        'POST',
        'sign-in/challenge',
      )
      await ask('POST', 'sign-in', { response: await startAuthentication({ optionsJSON }) })
    })
  const byInvitation = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const { code = '' } = fieldsOf(event.currentTarget)
    void doing(async () => {
      type Invited = { options: Parameters<typeof startRegistration>[0]['optionsJSON'] }
      const { options } = await ask<Invited>('POST', 'invitation', { code })
      await ask('POST', 'invitation/passkey', {
        code,
        response: await startRegistration({ optionsJSON: options }),
      })
    })
  }
  return (
    <Page title={t('title')} lead={t('lead')}>
      {ended ? <Alert title={t('ended')}>{t('endedText')}</Alert> : null}
      <Trouble code={trouble} />
      {invited ? (
        <form onSubmit={byInvitation}>
          <Stack align="flex-start">
            <Text>{t('codeText')}</Text>
            <TextInput
              name="code"
              label={t('code')}
              required
              autoComplete="off"
              spellCheck={false}
              autoFocus
              w="100%"
            />
            <BusyButton type="submit" size="md" busy={busy} leftSection={<KeyRound aria-hidden />}>
              {t('make')}
            </BusyButton>
            <Anchor component="button" type="button" onClick={() => choose(false)}>
              {t('haveOne')}
            </Anchor>
          </Stack>
        </form>
      ) : (
        <Stack align="flex-start">
          <BusyButton
            size="md"
            // Whoever has just come back to it goes on from here.
            autoFocus={switched}
            busy={busy}
            onClick={() => void byPasskey()}
            leftSection={<KeyRound aria-hidden />}
          >
            {t('passkey')}
          </BusyButton>
          <Anchor component="button" type="button" onClick={() => choose(true)}>
            {t('invited')}
          </Anchor>
        </Stack>
      )}
      <Text size="sm" c="dimmed">
        {t('logged')}
      </Text>
    </Page>
  )
}

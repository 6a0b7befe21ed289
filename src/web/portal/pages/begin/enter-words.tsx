import { Alert, Button, Checkbox, Group, Stack, Textarea } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useOnce } from '../../../shared/use-once.ts'
import { useDevice } from '../../device/device.tsx'
import { createPasskey, PasskeyRefused } from '../../device/passkey.ts'
import { deviceName } from './device-name.ts'
import { useDraft } from './draft.tsx'
import { nowText, useTakeIn } from './take-in.ts'
import { Trouble } from './trouble.tsx'
import { Ways } from './ways.tsx'

/** The 12 words on a new device: from them alone it finds the hospitals again. */
export function EnterWords() {
  const t = useTranslations('begin')
  const { vault } = useDevice()
  const { change } = useDraft()
  const takeIn = useTakeIn()
  const navigate = useNavigate()
  const [typed, setTyped] = useState('')
  const [visiting, setVisiting] = useState(false)
  const [others, setOthers] = useState(false)

  const entering = useOnce(async ({ replace }: { replace: boolean }) => {
    const { checkWords } = await import('../../../../patient/seed.ts')
    const words = checkWords(typed)
    const confirmedAt = nowText()
    if (visiting) {
      await takeIn(words, { guest: { secured: false } })
      return navigate({ to: '/' })
    }
    const holds = await vault.holds(words)
    if (holds === false && !replace) return setOthers(true)
    const label = deviceName() ?? t('thisDevice')
    change({ words, wordsConfirmedAt: confirmedAt, replaces: replace })
    // Not excluded: a passkey that was lost for its secret is still one that the device has.
    const made = await createPasskey(label, [])
    await takeIn(words, {
      confirmedAt,
      replaces: replace,
      seal: () => vault.sealWithPasskey(words, label, made),
    })
    change({ words: undefined, wordsConfirmedAt: undefined })
    return navigate({ to: '/' })
  })
  const cannot = entering.error instanceof PasskeyRefused
  return (
    <Page title={t('wordsTitle')} lead={t('wordsLead')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          entering.mutate({ replace: false })
        }}
      >
        <Stack gap="lg">
          <Textarea
            label={t('wordsLabel')}
            dir="ltr"
            autosize
            minRows={3}
            autoComplete="off"
            autoCapitalize="none"
            autoCorrect="off"
            spellCheck={false}
            value={typed}
            onChange={({ currentTarget }) => {
              setTyped(currentTarget.value)
              setOthers(false)
            }}
          />
          <Checkbox
            label={t('visiting')}
            description={t('visitingText')}
            checked={visiting}
            onChange={({ currentTarget }) => setVisiting(currentTarget.checked)}
          />
          <Trouble error={entering.error} />
          {others ? (
            <Alert role="alert" color="yellow" title={t('othersTitle')}>
              <Stack align="flex-start">
                {t('othersText')}
                <Button color="red" variant="light" onClick={() => entering.mutate({ replace: true })}>
                  {t('othersReplace')}
                </Button>
              </Stack>
            </Alert>
          ) : null}
          <Group>
            <Button type="submit" size="lg" loading={entering.isPending}>
              {t('continue')}
            </Button>
          </Group>
        </Stack>
      </form>
      {cannot ? <Ways ways={[{ to: '/begin/passphrase', text: t('useFile') }]} /> : null}
      <Ways
        ways={[
          { to: '/begin/file', text: t('haveFile') },
          { to: '/begin/lost', text: t('lostWords') },
        ]}
      />
    </Page>
  )
}

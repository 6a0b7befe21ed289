import { Button } from '@mantine/core'
import { Link, Navigate, useNavigate } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useDevice } from '../../device/device.tsx'
import { useDraft } from './draft.tsx'
import { nowText } from './take-in.ts'
import { WordsCheck } from './words-check.tsx'

/** Whether the words are really on paper: of new ones, or of those that this device holds. */
export function CheckWords() {
  const t = useTranslations('begin')
  const device = useDevice()
  const { draft, change } = useDraft()
  const navigate = useNavigate()
  const words = device.words ?? draft.words
  if (!words) return <Navigate to={device.state === 'locked' ? '/' : '/begin/new-words'} replace />

  async function confirmed() {
    if (device.state === 'open') {
      await device.note({ wordsConfirmedAt: nowText() })
      await navigate({ to: '/devices' })
      return
    }
    change({ wordsConfirmedAt: nowText() })
    await navigate({ to: '/begin/passkey' })
  }

  const mayLookAgain = device.wordsConfirmedAt === undefined
  const mayPass = device.state === 'empty' && !draft.forKey && !draft.recovering
  return (
    <Page title={t('checkTitle')} lead={t('checkLead')}>
      <WordsCheck words={words} onRight={confirmed}>
        {mayLookAgain ? (
          <Button component={Link} to="/begin/new-words" size="lg" variant="default">
            {t('lookAgain')}
          </Button>
        ) : null}
        {mayPass ? (
          <Button component={Link} to="/begin/passkey" size="lg" variant="subtle">
            {t('checkLater')}
          </Button>
        ) : null}
      </WordsCheck>
    </Page>
  )
}

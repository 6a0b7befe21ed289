import { Alert, Button, Group, Text } from '@mantine/core'
import { Navigate, useNavigate } from '@tanstack/react-router'
import { Eye, Printer } from 'lucide-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useDevice } from '../../device/device.tsx'
import classes from './begin.module.css'
import { useDraft } from './draft.tsx'
import { WordGrid } from './word-grid.tsx'

/** Twelve words, made on this device; until they are confirmed they can be looked at again, and never after. */
export function NewWords() {
  const t = useTranslations('begin')
  const { state, words: own, wordsConfirmedAt } = useDevice()
  const { draft, change } = useDraft()
  const navigate = useNavigate()
  const [shown, setShown] = useState(false)
  if (state === 'locked' && !draft.forKey && !draft.recovering) return <Navigate to="/" replace />
  if (state === 'open' && wordsConfirmedAt) return <Navigate to="/devices" replace />
  const words = own ?? draft.words

  async function show() {
    if (!words) {
      const { createWords } = await import('../../../../patient/seed.ts')
      change({ words: createWords() })
    }
    setShown(true)
  }

  return (
    <Page title={t('newTitle')} lead={t('newLead')}>
      <ul className={classes.steps}>
        <li>{t('newWrite')}</li>
        <li>{t('newOrder')}</li>
        <li>{t('newKeep')}</li>
        <li>{t('newNobody')}</li>
      </ul>
      {shown && words ? (
        <>
          <WordGrid words={words} />
          <Text size="sm">{t('newEnglish')}</Text>
          <Group>
            <Button size="lg" onClick={() => void navigate({ to: '/begin/check-words' })}>
              {t('written')}
            </Button>
            <Button
              size="lg"
              variant="default"
              leftSection={<Printer aria-hidden />}
              onClick={() => window.print()}
            >
              {t('print')}
            </Button>
          </Group>
        </>
      ) : (
        <>
          <Alert color="gray">{t('newAlone')}</Alert>
          <Button size="lg" leftSection={<Eye aria-hidden />} onClick={() => void show()}>
            {t('showWords')}
          </Button>
        </>
      )}
    </Page>
  )
}

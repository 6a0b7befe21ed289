import { Button, Text, Title } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useDevice } from '../../device/device.tsx'
import classes from './begin.module.css'
import { useDraft } from './draft.tsx'

/** The lost phone, walked through: what still works, and what the hospital's desk must do. */
export function Lost() {
  const t = useTranslations('begin')
  const { state } = useDevice()
  const { restart } = useDraft()
  const navigate = useNavigate()
  return (
    <Page title={t('lostTitle')} lead={t('lostLead')}>
      <section className={classes.card}>
        <Title order={2} size="h3">
          {t('lostHaveWords')}
        </Title>
        <Text>{t('lostHaveWordsText')}</Text>
        <Button component={Link} to="/begin/words" size="lg">
          {t('haveWords')}
        </Button>
      </section>
      <section className={classes.card}>
        <Title order={2} size="h3">
          {t('lostHaveOther')}
        </Title>
        <Text>{t('lostHaveOtherText')}</Text>
        <Button component={Link} to="/begin/file" variant="default" size="md">
          {t('haveFile')}
        </Button>
        <Button component={Link} to="/begin/key" variant="default" size="md">
          {t('haveKey')}
        </Button>
      </section>
      <section className={classes.card}>
        <Title order={2} size="h3">
          {t('lostNothing')}
        </Title>
        <ol className={classes.steps}>
          <li>{t('lostStepDesk')}</li>
          <li>{t('lostStepWords')}</li>
          <li>{t('lostStepWait')}</li>
          <li>{t('lostStepDone')}</li>
        </ol>
        <Text>{t('lostGoText')}</Text>
        <Button
          size="md"
          onClick={() => {
            restart({ recovering: true, replaces: true })
            void navigate({ to: state === 'open' ? '/recover' : '/begin/new-words' })
          }}
        >
          {t('lostGo')}
        </Button>
      </section>
      <section className={classes.card}>
        <Title order={2} size="h3">
          {t('lostTaken')}
        </Title>
        <Text>{t('lostTakenText')}</Text>
        {state === 'open' ? (
          <Button component={Link} to="/pause" variant="default" size="md">
            {t('lostPause')}
          </Button>
        ) : null}
      </section>
    </Page>
  )
}

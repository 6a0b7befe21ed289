import { Anchor, Group } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { useTranslations } from 'use-intl'
import { LanguageChoice } from '../../shared/language-choice.tsx'
import { SchemeToggle } from '../../shared/scheme-toggle.tsx'
import { Redelivery } from '../own/redelivery.tsx'
import { Bell } from './bell.tsx'
import { Gate } from './gate.tsx'
import { Navigation } from './navigation.tsx'
import classes from './shell.module.css'

/** Wanted once the device is open. */
const RecoveryNotices = lazy(async () => ({
  default: (await import('../pages/recovery/recovery-notices.tsx')).RecoveryNotices,
}))

/** What stands around every page: the way past it, the pages, language and colours. */
export function Shell() {
  const t = useTranslations('shell')
  return (
    <>
      <Anchor href="#page" className={classes.skip}>
        {t('skip')}
      </Anchor>
      <header className={classes.header}>
        <div className={classes.inner}>
          <span className={classes.name}>Wayleave</span>
          <Group gap="xs" wrap="nowrap">
            <Bell />
            <LanguageChoice label={t('language')} />
            <SchemeToggle light={t('light')} dark={t('dark')} />
          </Group>
        </div>
        <Navigation />
      </header>
      <main id="page" tabIndex={-1} className={classes.main}>
        <Suspense>
          <RecoveryNotices />
        </Suspense>
        <Gate />
        <Redelivery />
      </main>
    </>
  )
}

import { Anchor, Button, Group, Text } from '@mantine/core'
import { Link, Outlet } from '@tanstack/react-router'
import { LogOut } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslations } from 'use-intl'
import { LanguageChoice } from '../../shared/language-choice.tsx'
import { SchemeToggle } from '../../shared/scheme-toggle.tsx'
import { Stranger } from '../../shared/stranger.tsx'
import { ask } from '../api.ts'
import { forgetSession, SessionGate, useSession } from '../session.tsx'
import classes from './shell.module.css'
import { SignIn } from './sign-in.tsx'

const PAGES = [
  { to: '/', key: 'overview' },
  { to: '/search', key: 'search' },
  { to: '/look-up', key: 'lookUp' },
  { to: '/reports', key: 'reports' },
  { to: '/members', key: 'members' },
  { to: '/holds', key: 'holds' },
] as const

/** What stands around every page; for whoever has not signed in, the way in and nothing else. */
export function Shell() {
  const t = useTranslations('shell')
  return (
    <>
      <Anchor href="#page" className={classes.skip}>
        {t('skip')}
      </Anchor>
      <SessionGate
        signIn={(state) => (
          <Frame>
            <SignIn {...state} />
          </Frame>
        )}
      >
        <Frame staff>
          <Outlet />
        </Frame>
      </SessionGate>
    </>
  )
}

function Frame({ staff = false, children }: { staff?: boolean; children: ReactNode }) {
  const t = useTranslations('shell')
  return (
    <>
      <header className={classes.header}>
        <div className={classes.inner}>
          <span className={classes.name}>
            Wayleave <span className={classes.what}>{t('console')}</span>
          </span>
          <Group gap="xs" wrap="nowrap">
            <LanguageChoice label={t('language')} />
            <SchemeToggle light={t('light')} dark={t('dark')} />
          </Group>
        </div>
        {staff ? <Who /> : null}
      </header>
      <main id="page" tabIndex={-1} className={classes.main}>
        {children}
      </main>
    </>
  )
}

function Who() {
  const t = useTranslations('shell')
  const role = useTranslations('role')
  const session = useSession()
  const signOut = async () => {
    await ask('POST', 'sign-out').catch(() => undefined)
    forgetSession(false)
  }
  return (
    <>
      <div className={classes.who}>
        <Text size="sm">
          <Stranger bold>{session.hospital}</Stranger> · <Stranger>{session.name}</Stranger> ·{' '}
          {role(session.role)}
        </Text>
        <Button
          variant="subtle"
          size="compact-md"
          leftSection={<LogOut size={18} aria-hidden />}
          onClick={() => void signOut()}
        >
          {t('signOut')}
        </Button>
      </div>
      <nav aria-label={t('menu')}>
        <ul className={classes.links}>
          {PAGES.map(({ to, key }) => (
            <li key={to}>
              <Link
                to={to}
                className={classes.link}
                activeOptions={{ exact: to === '/', includeSearch: false }}
              >
                {t(key)}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
    </>
  )
}

import { Alert, Button, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { CircleAlert, Hospital, ListChecks, PenLine, ShieldCheck } from 'lucide-react'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { isPasskeyPlace } from '../../device/passkey.ts'
import classes from './begin.module.css'
import { Ways } from './ways.tsx'

const FACTS = [
  { key: 'factRecords', Icon: Hospital },
  { key: 'factNetwork', Icon: ListChecks },
  { key: 'factCheck', Icon: ShieldCheck },
  { key: 'factYou', Icon: PenLine },
] as const

/** What a device sees that holds no words yet. */
export function Welcome() {
  const t = useTranslations('begin')
  return (
    <Page title={t('welcomeTitle')} lead={t('welcomeLead')}>
      <NotThePlace />
      <ul className={classes.facts}>
        {FACTS.map(({ key, Icon }) => (
          <li key={key} className={classes.fact}>
            <Icon aria-hidden />
            <span>{t(key)}</span>
          </li>
        ))}
      </ul>
      <Button component={Link} to="/begin/hospital" size="lg">
        {t('start')}
      </Button>
      <Title order={2} size="h3">
        {t('already')}
      </Title>
      <Ways
        ways={[
          { to: '/begin/words', text: t('haveWords') },
          { to: '/begin/file', text: t('haveFile') },
          { to: '/begin/key', text: t('haveKey') },
          { to: '/begin/lost', text: t('lostPhone') },
          { to: '/begin/no-phone', text: t('noPhone') },
        ]}
      />
    </Page>
  )
}

/** Passkeys, and hospitals, know the portal by its address. */
function NotThePlace() {
  const t = useTranslations('begin.trouble.passkey')
  if (isPasskeyPlace()) return null
  return (
    <Alert color="red" icon={<CircleAlert aria-hidden />}>
      {t('wrong-place')}
    </Alert>
  )
}

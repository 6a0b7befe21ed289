import { Button, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import classes from './begin.module.css'

const WAYS = ['Key', 'Device', 'Helper'] as const

/** No dead end without a phone: what to do, and what to bring to the hospital's desk. */
export function NoPhone() {
  const t = useTranslations('begin')
  return (
    <Page title={t('noPhoneTitle')} lead={t('noPhoneLead')}>
      <Title order={2} size="h3">
        {t('noPhoneBring')}
      </Title>
      <Text>{t('noPhoneBringText')}</Text>
      {WAYS.map((way) => (
        <section key={way} className={classes.card}>
          <Title order={2} size="h3">
            {t(`noPhone${way}`)}
          </Title>
          <Text>{t(`noPhone${way}Text`)}</Text>
          {way === 'Key' ? (
            <Button component={Link} to="/begin/key" variant="default" size="md">
              {t('keyGo')}
            </Button>
          ) : null}
        </section>
      ))}
      <Text>{t('noPhoneRight')}</Text>
    </Page>
  )
}

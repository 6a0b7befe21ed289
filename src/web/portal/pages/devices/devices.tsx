import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { CircleAlert, CircleCheck, NotebookPen } from 'lucide-react'
import { useFormatter, useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useDevice } from '../../device/device.tsx'
import { AddPasskey } from '../begin/add-passkey.tsx'
import classes from './devices.module.css'
import { ForgetDevice } from './forget-device.tsx'
import { LookAgain } from './look-again.tsx'
import { WayIn } from './way-in.tsx'

/** What if I lose my phone? The ways to the words, and what can be done about them. */
export function Devices() {
  const t = useTranslations('devices')
  const { seals, secured, guest, silent } = useDevice()
  return (
    <Page title={t('title')} lead={t('lead')}>
      {guest ? <Alert color="gray">{t('guest')}</Alert> : null}
      <Alert
        color={secured ? 'green' : 'yellow'}
        icon={secured ? <CircleCheck aria-hidden /> : <CircleAlert aria-hidden />}
      >
        <Stack align="flex-start">
          {t(secured ? 'secured' : 'unsecured')}
          {secured ? null : (
            <Button component={Link} to="/begin/second-way" size="md">
              {t('addSecond')}
            </Button>
          )}
        </Stack>
      </Alert>
      <Title order={2} size="h3">
        {t('waysTitle')}
      </Title>
      <ul className={classes.list}>
        <WordsWritten />
        {seals.map((seal) => (
          <WayIn key={seal.id} seal={seal} last={seals.length < 2} />
        ))}
      </ul>
      {guest ? null : (
        <>
          <Title order={2} size="h3">
            {t('addTitle')}
          </Title>
          <AddPasskey />
          <Group>
            <Button component={Link} to="/begin/passphrase" variant="default" size="md">
              {t('addFile')}
            </Button>
          </Group>
          <Text size="sm">{t('addText')}</Text>
        </>
      )}
      <Title order={2} size="h3">
        {t('hospitalsTitle')}
      </Title>
      {silent.length > 0 ? <LookAgain /> : null}
      <Group>
        <Button component={Link} to="/hospitals" variant="default" size="md">
          {t('toHospitals')}
        </Button>
        <Button component={Link} to="/proposals" variant="default" size="md">
          {t('toProposals')}
        </Button>
      </Group>
      <Title order={2} size="h3">
        {t('lostTitle')}
      </Title>
      <Text>{t('lostText')}</Text>
      <Group>
        <Button component={Link} to="/begin/lost" variant="default" size="md">
          {t('toLost')}
        </Button>
      </Group>
      <Title order={2} size="h3">
        {t('browserTitle')}
      </Title>
      <Text>{t('browserText')}</Text>
      {guest ? null : <ForgetDevice />}
    </Page>
  )
}

/** The words on paper, and a rehearsal of coming back with them. */
function WordsWritten() {
  const t = useTranslations('devices')
  const format = useFormatter()
  const { wordsConfirmedAt } = useDevice()
  return (
    <li className={classes.item}>
      <NotebookPen aria-hidden />
      <Stack gap="xs" align="flex-start" className={classes.body}>
        <Text fw={650}>{t('words')}</Text>
        <Text size="sm">
          {wordsConfirmedAt
            ? t('wordsConfirmed', {
                when: format.dateTime(new Date(wordsConfirmedAt), { dateStyle: 'full' }),
              })
            : t('wordsUnconfirmed')}
        </Text>
        <Button component={Link} to="/begin/check-words" variant="default" size="md">
          {t('rehearse')}
        </Button>
      </Stack>
    </li>
  )
}

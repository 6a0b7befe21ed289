import { Button, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { Hospital } from 'lucide-react'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import { useDevice } from '../../device/device.tsx'
import { useNetwork } from '../../network.tsx'
import classes from './devices.module.css'
import { LookAgain } from './look-again.tsx'

/** Where these words are known; more hospitals are added with the same words. */
export function MyHospitals() {
  const t = useTranslations('devices')
  const { paired, pending } = useDevice()
  const { members } = useNetwork()
  const waiting = members.filter(({ id }) => pending.some(({ member }) => member === id))
  return (
    <Page title={t('hospitalsTitle')} lead={t('hospitalsLead')}>
      <ul className={classes.list}>
        {paired.map(({ member: id }) => {
          const member = members.find((one) => one.id === id)
          return (
            <li key={id} className={classes.item}>
              <Hospital aria-hidden />
              {member ? <Stranger bold>{member.name}</Stranger> : <Text>{t('hospitalGone')}</Text>}
            </li>
          )
        })}
        {waiting.map(({ id, name }) => (
          <li key={id} className={classes.item}>
            <Hospital aria-hidden />
            <Stack gap={4} align="flex-start">
              <Stranger bold>{name}</Stranger>
              <Text size="sm">{t('hospitalWaits')}</Text>
              <Button component={Link} to="/begin/code" variant="default" size="md">
                {t('enterCode')}
              </Button>
            </Stack>
          </li>
        ))}
      </ul>
      {paired.length + waiting.length === 0 ? <Text>{t('hospitalsNone')}</Text> : null}
      <Button component={Link} to="/begin/hospital" size="lg">
        {t('addHospital')}
      </Button>
      <LookAgain />
    </Page>
  )
}

import { Button, Group, Stack, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { useDevice } from '../../device/device.tsx'

/** Takes everything off this browser; whoever has not confirmed the words cannot. */
export function ForgetDevice() {
  const t = useTranslations('devices')
  const { vault, lock, wordsConfirmedAt } = useDevice()
  const navigate = useNavigate()
  const [sure, setSure] = useState(false)

  async function forget() {
    await vault.clear()
    lock()
    await navigate({ to: '/' })
  }

  if (!wordsConfirmedAt) return <Text size="sm">{t('forgetNot')}</Text>
  if (!sure)
    return (
      <Group>
        <Button variant="default" color="red" size="md" onClick={() => setSure(true)}>
          {t('forget')}
        </Button>
      </Group>
    )
  return (
    <Stack align="flex-start" gap="xs">
      <Text role="status">{t('forgetSure')}</Text>
      <Group>
        <Button color="red" size="md" onClick={() => void forget()}>
          {t('forgetYes')}
        </Button>
        <Button variant="default" size="md" onClick={() => setSure(false)}>
          {t('cancel')}
        </Button>
      </Group>
    </Stack>
  )
}

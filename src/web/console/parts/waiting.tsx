import { Text } from '@mantine/core'
import { useTranslations } from 'use-intl'

/** While something is being read. */
export function Waiting() {
  return (
    <Text role="status" c="dimmed">
      {useTranslations('shell')('loading')}
    </Text>
  )
}

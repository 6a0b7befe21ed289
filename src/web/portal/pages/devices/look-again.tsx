import { Button, Stack, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { useOnce } from '../../../shared/use-once.ts'
import { useDevice } from '../../device/device.tsx'
import { findHospitals } from '../../device/find-hospitals.ts'
import { useNetwork } from '../../network.tsx'
import { namedInLine } from '../../own/sentence.ts'

/** Asks the hospitals again, with these words, where they are not known yet: those that were silent, and all others. */
export function LookAgain() {
  const t = useTranslations('devices')
  const { words, paired, silent, note } = useDevice()
  const { members, chain } = useNetwork()
  const looking = useOnce(async () => {
    if (!words) return 0
    const others = members.filter(({ id }) => !paired.some(({ member }) => member === id))
    const found = await findHospitals(words, others, chain)
    await note({
      paired: [...paired, ...found.paired],
      silent: found.silent.map(({ id }) => id),
    })
    return found.paired.length
  })
  const quiet = members.filter(({ id }) => silent.includes(id))
  return (
    <Stack align="flex-start" gap="sm">
      {quiet.map(({ id, name }) => (
        <Text key={id}>{t('silent', { hospital: namedInLine(name) })}</Text>
      ))}
      <Button variant="default" size="md" loading={looking.isPending} onClick={() => looking.mutate()}>
        {t('lookAgain')}
      </Button>
      {looking.isSuccess ? <Text role="status">{t('lookFound', { found: looking.data ?? 0 })}</Text> : null}
    </Stack>
  )
}

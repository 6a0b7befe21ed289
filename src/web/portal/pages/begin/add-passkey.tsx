import { Button, Group, Stack, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { useOnce } from '../../../shared/use-once.ts'
import { useDevice } from '../../device/device.tsx'
import { carry, createPasskey, type PasskeyPlace } from '../../device/passkey.ts'
import { deviceName } from './device-name.ts'
import { Trouble } from './trouble.tsx'

/**
 * One passkey more for the words of this device. On a security key with room for them the sealed words lie, too, so that the key
 * opens them on any device.
 */
export function AddPasskey() {
  const t = useTranslations('begin')
  const { vault, seals, words } = useDevice()
  const adding = useOnce(async (place: PasskeyPlace) => {
    if (!words) return false
    const known = seals.flatMap((seal) => (seal.kind === 'passkey' ? [seal.passkey] : []))
    const label = place === 'here' ? (deviceName() ?? t('thisDevice')) : t('keyLabel')
    const made = await createPasskey(label, known, { place, carries: place === 'elsewhere' })
    const carries = made.hasRoom && (await carried(made.passkey, words, made.secret))
    await vault.sealWithPasskey(words, label, { ...made, carries })
    return carries
  })
  return (
    <Stack>
      <Trouble error={adding.error} />
      {adding.isSuccess ? <Text role="status">{t(adding.data ? 'addedCarries' : 'added')}</Text> : null}
      <Group>
        <Button
          size="md"
          loading={adding.isPending && adding.variables === 'elsewhere'}
          disabled={adding.isPending}
          onClick={() => adding.mutate('elsewhere')}
        >
          {t('addElsewhere')}
        </Button>
        <Button
          size="md"
          variant="default"
          loading={adding.isPending && adding.variables === 'here'}
          disabled={adding.isPending}
          onClick={() => adding.mutate('here')}
        >
          {t('addHere')}
        </Button>
      </Group>
    </Stack>
  )
}

/** A key that would not take them still opens what lies on this device. */
async function carried(...[passkey, words, secret]: [Parameters<typeof carry>[0], string, BufferSource]) {
  const { sealWithSecret } = await import('../../device/seal-words.ts')
  return carry(passkey, await sealWithSecret(words, secret)).then(
    () => true,
    () => false,
  )
}

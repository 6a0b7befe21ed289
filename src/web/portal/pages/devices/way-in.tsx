import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { FileLock2, KeyRound } from 'lucide-react'
import { useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { Stranger } from '../../../shared/stranger.tsx'
import { useDevice } from '../../device/device.tsx'
import { takeBack } from '../../device/passkey.ts'
import type { Seal } from '../../device/vault.ts'
import { saveSealedFile } from '../begin/sealed-file.ts'
import classes from './devices.module.css'

/** Longer names do not fit in a list. */
const LONGEST_NAME = 40

/** One passkey or file that opens the words here: named, renamed, removed; never the last one. */
export function WayIn({ seal, last }: { seal: Seal; last: boolean }) {
  const t = useTranslations('devices')
  const format = useFormatter()
  const { vault } = useDevice()
  const [doing, setDoing] = useState<'rename' | 'remove'>()
  const [name, setName] = useState(seal.label)
  const isPasskey = seal.kind === 'passkey'

  async function remove() {
    const removed = await vault.removeSeal(seal.id)
    if (removed && isPasskey) await takeBack(seal.passkey)
    setDoing(undefined)
  }
  async function rename() {
    const next = name.trim().slice(0, LONGEST_NAME)
    if (next !== '') await vault.rename(seal.id, next)
    setDoing(undefined)
  }

  return (
    <li className={classes.item}>
      {isPasskey ? <KeyRound aria-hidden /> : <FileLock2 aria-hidden />}
      <Stack gap="xs" align="flex-start" className={classes.body}>
        <Stranger bold>{seal.label}</Stranger>
        <Text size="sm">
          {t(isPasskey ? 'passkeyMade' : 'fileMade', {
            when: format.dateTime(new Date(seal.madeAt), { dateStyle: 'full' }),
          })}
          {isPasskey && seal.carries ? ` ${t('carries')}` : ''}
        </Text>
        {doing === 'rename' ? (
          <form
            onSubmit={(event) => {
              event.preventDefault()
              void rename()
            }}
          >
            <Stack align="flex-start" gap="xs">
              <TextInput
                label={t('newName')}
                maxLength={LONGEST_NAME}
                value={name}
                data-autofocus
                onChange={({ currentTarget }) => setName(currentTarget.value)}
              />
              <Group>
                <Button type="submit" size="md">
                  {t('saveName')}
                </Button>
                <Button size="md" variant="default" onClick={() => setDoing(undefined)}>
                  {t('cancel')}
                </Button>
              </Group>
            </Stack>
          </form>
        ) : null}
        {doing === 'remove' ? (
          <Stack align="flex-start" gap="xs">
            <Text role="status">{t(isPasskey ? 'removeText' : 'removeFileText')}</Text>
            <Group>
              <Button size="md" color="red" onClick={() => void remove()}>
                {t('removeYes')}
              </Button>
              <Button size="md" variant="default" onClick={() => setDoing(undefined)}>
                {t('cancel')}
              </Button>
            </Group>
          </Stack>
        ) : null}
        {doing ? null : (
          <Group gap="xs">
            <Button size="md" variant="default" onClick={() => setDoing('rename')}>
              {t('rename')}
              <Named label={seal.label} />
            </Button>
            {isPasskey ? null : (
              <Button size="md" variant="default" onClick={() => saveSealedFile(seal.jwe)}>
                {t('saveFile')}
              </Button>
            )}
            {last ? null : (
              <Button size="md" variant="default" onClick={() => setDoing('remove')}>
                {t('remove')}
                <Named label={seal.label} />
              </Button>
            )}
          </Group>
        )}
        {last ? <Text size="sm">{t('lastOne')}</Text> : null}
      </Stack>
    </li>
  )
}

/** Which of them a button is for, to whoever hears it. */
function Named({ label }: { label: string }) {
  return (
    <span className={classes.unseen}>
      {' '}
      <Stranger>{label}</Stranger>
    </span>
  )
}

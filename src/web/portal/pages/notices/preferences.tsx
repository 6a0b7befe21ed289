import { NativeSelect, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import type { OwnPreferences } from '../../../../domain/portal/notices.ts'
import { queries, useLanguage } from '../../../shared/providers.tsx'
import { harmless } from '../../../shared/stranger.tsx'
import { type OwnHospital, useDevice } from '../../device/device.tsx'
import classes from './notices.module.css'

/** At each hospital: whether it may send a message when something changed. */
export function Preferences() {
  const t = useTranslations('notices.prefer')
  const { hospitals } = useDevice()
  if (hospitals.length === 0) return null
  return (
    <section aria-labelledby="prefer" className={classes.prefer}>
      <h2 id="prefer" className={classes.head}>
        {t('title')}
      </h2>
      <Text>{t('lead')}</Text>
      {hospitals.map((hospital) => (
        <OfHospital key={hospital.member.id} hospital={hospital} />
      ))}
    </section>
  )
}

function OfHospital({ hospital: { member, client } }: { hospital: OwnHospital }) {
  const t = useTranslations('notices.prefer')
  const { language } = useLanguage()
  const queryKey = ['preferences', member.id]
  const { data, isError } = useQuery({ queryKey, queryFn: () => client.preferences() })
  const setting = useMutation({
    mutationFn: (channel: OwnPreferences['channel']) => client.setPreferences({ channel, language }),
    onSuccess: (now) => queries.setQueryData(queryKey, now),
  })
  return (
    <div>
      <NativeSelect
        label={harmless(member.name)}
        disabled={data === undefined || setting.isPending}
        value={setting.isPending ? setting.variables : (data?.channel ?? 'none')}
        data={[
          { value: 'none', label: t('none') },
          { value: 'contact', label: t('contact') },
        ]}
        error={isError || setting.isError ? t('failed') : undefined}
        onChange={({ currentTarget: { value } }) => {
          if (value === 'none' || value === 'contact') setting.mutate(value)
        }}
      />
      <Text size="sm" role="status">
        {setting.isSuccess ? t('saved') : ''}
      </Text>
    </div>
  )
}

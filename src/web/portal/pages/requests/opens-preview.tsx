import { Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import type { PreviewedRecord } from '../../../../domain/consent/explained.ts'
import type { OwnHospital } from '../../device/device.tsx'
import { useTerms } from '../../terms.ts'
import classes from './requests.module.css'

/** Which records a choice opens, and how many stay closed and why. */
export function OpensPreview({
  hospital,
  classes: dataClasses,
  sensitivities,
}: {
  hospital: OwnHospital
  classes: readonly string[]
  sensitivities: readonly string[]
}) {
  const t = useTranslations('requests')
  const terms = useTerms()
  const { data, isPending, isError } = useQuery({
    queryKey: ['preview', hospital.member.id, dataClasses, sensitivities],
    queryFn: () => hospital.client.preview({ dataClasses, sensitivities }),
    enabled: dataClasses.length > 0,
    placeholderData: keepPreviousData,
  })
  if (dataClasses.length === 0) return null
  return (
    <section className={classes.preview} aria-labelledby="preview">
      <h2 id="preview" className={classes.section}>
        {t('preview')}
      </h2>
      <div role="status">
        {isPending ? <Text>{t('previewBusy')}</Text> : null}
        {isError ? <Text>{t('previewFailed')}</Text> : null}
        {data ? (
          <>
            <Text fw={600}>{t('opens', { count: data.opened.length })}</Text>
            <ul>
              {counted(data.opened, ({ dataClass }) => dataClass).map(([code, count]) => (
                <li key={code}>{t('ofKind', { kind: terms.dataClass(code), count })}</li>
              ))}
            </ul>
            <Text fw={600}>{t('stays', { count: data.withheld.length })}</Text>
            <ul>
              {counted(data.withheld, ({ reason }) => reason ?? '').map(([code, count]) => (
                <li key={code}>{t('ofKind', { kind: terms.reason(code).replace(/\.$/u, ''), count })}</li>
              ))}
            </ul>
          </>
        ) : null}
      </div>
    </section>
  )
}

function counted(
  records: readonly PreviewedRecord[],
  by: (record: PreviewedRecord) => string,
): [string, number][] {
  const counts = new Map<string, number>()
  for (const record of records) counts.set(by(record), (counts.get(by(record)) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)
}

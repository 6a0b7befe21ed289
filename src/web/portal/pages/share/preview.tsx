import { Alert, List, Loader, Paper, Stack, Text, Title } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import type { Preview as Previewed, PreviewedRecord } from '../../../../domain/consent/explained.ts'
import { Stranger } from '../../../shared/stranger.tsx'
import type { OwnHospital } from '../../device/device.tsx'
import { namedInLine } from '../../own/sentence.ts'
import { useTerms } from '../../terms.ts'
import classes from './share.module.css'

/** Which of the patient's records some terms open at each hospital, and which stay back and why: as the hospital itself decides. */
export function Preview({
  sources,
  dataClasses,
  sensitivities,
}: {
  sources: readonly OwnHospital[]
  dataClasses: readonly string[]
  sensitivities: readonly string[]
}) {
  const t = useTranslations('share')
  const previews = useQueries({
    queries: sources.map(({ member, client }) => ({
      queryKey: ['preview', member.id, dataClasses, sensitivities],
      queryFn: () => client.preview({ dataClasses, sensitivities }),
    })),
  })
  return (
    <Stack>
      {sources.map(({ member }, at) => {
        const { data, error } = previews[at] ?? {}
        return (
          <Paper key={member.id} p="md" withBorder>
            <Title order={3} size="h4" mb="sm">
              <Stranger>{member.name}</Stranger>
            </Title>
            {data ? <Both preview={data} /> : null}
            {error ? (
              <Alert color="yellow">{t('previewFailed', { hospital: namedInLine(member.name) })}</Alert>
            ) : null}
            {data || error ? null : <Loader size="sm" />}
          </Paper>
        )
      })}
      <Text>{t('later')}</Text>
    </Stack>
  )
}

function Both({ preview: { opened, withheld } }: { preview: Previewed }) {
  const t = useTranslations('share')
  const terms = useTerms()
  const whyBack = ({ reason, dataClass, kinds }: PreviewedRecord) =>
    `${terms.reason(reason ?? '')} ${reason === 'class-not-covered' ? terms.dataClass(dataClass) : terms.kinds(kinds)}`
  return (
    <div className={classes.counts}>
      <div>
        <Text fw={600}>{t('opens')}</Text>
        <Text>{t('opensCount', { count: opened.length })}</Text>
        <Counted
          label={t('list')}
          counts={countedBy(opened, ({ dataClass }) => terms.dataClass(dataClass))}
        />
      </div>
      <div>
        <Text fw={600}>{t('staysBack')}</Text>
        <Text>{t('staysCount', { count: withheld.length })}</Text>
        <Counted label={t('list')} counts={countedBy(withheld, whyBack)} />
      </div>
    </div>
  )
}

function Counted({ label, counts }: { label: string; counts: ReadonlyMap<string, number> }) {
  if (counts.size === 0) return null
  return (
    <details>
      <summary>{label}</summary>
      <List size="sm" mt="xs">
        {[...counts].map(([name, count]) => (
          <List.Item key={name}>
            {name}: {count}
          </List.Item>
        ))}
      </List>
    </details>
  )
}

function countedBy(records: readonly PreviewedRecord[], name: (record: PreviewedRecord) => string) {
  const counts = new Map<string, number>()
  for (const record of records) counts.set(name(record), (counts.get(name(record)) ?? 0) + 1)
  return new Map([...counts].sort((a, b) => b[1] - a[1]))
}

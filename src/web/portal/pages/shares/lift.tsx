import { Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import type { OwnShare } from '../../../../patient/own-shares.ts'
import { Acts } from '../../own/acts.tsx'
import type { OwnAt } from '../../own/hospitals.ts'
import { namedInLine } from '../../own/sentence.ts'
import { useSigning } from '../../own/signing.ts'
import { useTerms } from '../../terms.ts'

/** Ends an objection. */
export function Lift({ at, share }: { at: OwnAt; share: OwnShare }) {
  const t = useTranslations('shares')
  const terms = useTerms()
  // What is being ended stays on the page when it has ended.
  const [{ hospital }, { to, purpose }] = useState(() => [at, share] as const)[0]
  const signing = useSigning([{ hospital, prepare: (client) => client.prepare.withdraw({ to, purpose }) }])
  const done = signing.acts.every((act) => act.at === 'force')
  return (
    <Stack component="section" aria-labelledby="lift">
      <Title order={2} size="h3" id="lift">
        {t(done ? 'lifted' : 'liftTitle', { party: namedInLine(terms.party(to)) })}
      </Title>
      {done ? null : <Text>{t('liftText')}</Text>}
      <Acts signing={signing} label={t('liftGo')} />
    </Stack>
  )
}

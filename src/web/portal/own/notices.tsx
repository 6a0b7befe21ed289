import { Alert } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { useTerms } from '../terms.ts'
import type { OwnAt } from './hospitals.ts'
import { namedInLine } from './sentence.ts'

/** Which hospitals are silent, or share nothing for a reason of their own. */
export function Notices({ all }: { all: readonly OwnAt[] }) {
  return all.map((at) => <OfHospital key={at.hospital.member.id} at={at} />)
}

function OfHospital({ at: { hospital, state, own } }: { at: OwnAt }) {
  const t = useTranslations('own')
  const home = useTranslations('home')
  const terms = useTerms()
  const name = { hospital: namedInLine(hospital.member.name) }
  if (state === 'silent') {
    return (
      <Alert color="yellow" role="status">
        {t('silent', name)}
      </Alert>
    )
  }
  return own?.frozen ? (
    <Alert color="red" role="status" title={home('frozenTitle', name)}>
      {terms.reason(own.frozen)}
    </Alert>
  ) : null
}

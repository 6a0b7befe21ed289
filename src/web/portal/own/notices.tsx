import { Alert } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { useTerms } from '../terms.ts'
import type { OwnAt } from './hospitals.ts'
import { namedInLine } from './sentence.ts'

/** What needs the patient's eye first. One place for all of it, at the top of the home page. */
export function Notices({ all }: { all: readonly OwnAt[] }) {
  const t = useTranslations('own')
  const home = useTranslations('home')
  const terms = useTerms()
  return all.map(({ hospital, state, own }) => {
    const at = { hospital: namedInLine(hospital.member.name) }
    if (state === 'silent') {
      return (
        <Alert key={hospital.member.id} color="yellow" role="status">
          {t('silent', at)}
        </Alert>
      )
    }
    return own?.frozen ? (
      <Alert key={hospital.member.id} color="red" role="status" title={home('frozenTitle', at)}>
        {terms.reason(own.frozen)}
      </Alert>
    ) : null
  })
}

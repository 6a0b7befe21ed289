import { Alert, Anchor } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { useWaitingCount } from '../pages/requests/use-requests.ts'
import { useTerms } from '../terms.ts'
import type { OwnAt } from './hospitals.ts'
import { namedInLine } from './sentence.ts'

/** What needs the patient's eye first. One place for all of it, at the top of the home page. */
export function Notices({ all }: { all: readonly OwnAt[] }) {
  const t = useTranslations('home')
  const waiting = useWaitingCount()
  return (
    <>
      {waiting > 0 ? (
        <Alert color="sea" role="status" title={t('requestsWait', { count: waiting })}>
          <Anchor renderRoot={(props) => <Link to="/requests" {...props} />}>{t('seeRequests')}</Anchor>
        </Alert>
      ) : null}
      {all.map((at) => (
        <OfHospital key={at.hospital.member.id} at={at} />
      ))}
    </>
  )
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

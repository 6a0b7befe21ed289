import { Anchor } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { useDevice } from '../../device/device.tsx'
import { useOwnConsents } from '../../own/hospitals.ts'
import { localKey } from '../../own/local-keys.ts'
import { useTerms } from '../../terms.ts'

/** A trail names a consent `Consent/` and the first half of the hash of its scope. */
const scopeBeginOf = (policy: string) => `0x${policy.slice('Consent/'.length)}`

/** The share under which something was decided, named by whom it is for. */
export function ShareName({ source, policy }: { source: number; policy: string }) {
  const t = useTranslations('history')
  const terms = useTerms()
  const { hospitals } = useDevice()
  const member = hospitals[source]?.member.id
  const at = useOwnConsents().find(({ hospital }) => hospital.member.id === member)
  const consent = at?.own?.consents.find(({ scopeHash }) => scopeHash.startsWith(scopeBeginOf(policy)))
  if (!consent) return t('yourShareGone')
  const name = t('yourShare', { party: terms.party(consent.scope) })
  // What says nothing any more has no page of its own.
  if (!at?.shares.some(({ scopeHash }) => scopeHash === consent.scopeHash)) return name
  const key = localKey([member, consent.scopeHash])
  return (
    <Anchor renderRoot={(props) => <Link {...props} to="/shares/$key" params={{ key }} />}>{name}</Anchor>
  )
}

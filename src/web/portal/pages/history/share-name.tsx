import { useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { useDevice } from '../../device/device.tsx'
import { useTerms } from '../../terms.ts'

/** A trail names a consent `Consent/` and the first half of the hash of its scope. */
const scopeBeginOf = (policy: string) => `0x${policy.slice('Consent/'.length)}`

/** The share under which something was decided, named by whom it is for. */
export function ShareName({ source, policy }: { source: number; policy: string }) {
  const t = useTranslations('history')
  const terms = useTerms()
  const { hospitals } = useDevice()
  const { data } = useQuery({
    queryKey: ['consents', source],
    queryFn: () => hospitals[source]?.client.consents() ?? null,
    enabled: hospitals.length > source,
    staleTime: 30_000,
  })
  const consent = data?.consents.find(({ scopeHash }) => scopeHash.startsWith(scopeBeginOf(policy)))
  if (!consent) return t('yourShareGone')
  return t('yourShare', { party: terms.party(consent.scope) })
}

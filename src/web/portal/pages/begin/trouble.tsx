import { Alert } from '@mantine/core'
import { CircleAlert } from 'lucide-react'
import { useTranslations } from 'use-intl'
import type { WordsInvalid } from '../../../../patient/seed.ts'
import { PasskeyRefused } from '../../device/passkey.ts'
import type { SealNotOpened } from '../../device/seal-words.ts'

/** Codes of docs/errors.md that mean something to whoever is on the way in. */
const CODES = [
  'contact-invalid',
  'enrolment-code-wrong',
  'enrolment-needs-second-registrar',
  'patient-bound',
  'key-taken',
  'identity-frozen',
  'recovery-not-open',
  'rate-limited',
] as const

const isKnown = (code: unknown): code is (typeof CODES)[number] => CODES.some((one) => one === code)

/** What went wrong, in plain words, and what to do now. Told by name: their classes come with code that is loaded later. */
function useTrouble(): (error: Error) => string {
  const t = useTranslations('begin.trouble')
  return (error) => {
    if (error instanceof PasskeyRefused) return t(`passkey.${error.trouble}`)
    if (error.name === 'SealNotOpened') return t(`seal.${(error as SealNotOpened).trouble}`)
    if (error.name === 'WordsInvalid') {
      const { trouble } = error as WordsInvalid
      return t(`words.${trouble.kind}`, { ...trouble })
    }
    const { code } = error as Error & { code?: unknown }
    if (isKnown(code)) return t(`code.${code}`)
    return t(error.name === 'BrokerUnreachable' ? 'unreachable' : 'other')
  }
}

/** Said aloud as soon as it appears. */
export function Trouble({ error }: { error: Error | null }) {
  const told = useTrouble()
  if (!error) return null
  return (
    <Alert role="alert" color="red" icon={<CircleAlert aria-hidden />}>
      {told(error)}
    </Alert>
  )
}

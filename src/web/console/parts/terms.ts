import { useTranslations } from 'use-intl'

/** Codes of the trail in words; one that these pages do not know is shown as itself. */
export function useTerms(): (
  area: 'kind' | 'reason' | 'purpose' | 'class' | 'role' | 'readiness',
  code: string,
) => string {
  const t = useTranslations()
  return (area, code) => {
    const key = `${area}.${code}` as 'kind.alarm'
    return t.has(key) ? t(key) : code
  }
}

import { useMemo } from 'react'
import { useTranslations } from 'use-intl'
import { useNetwork } from './network.tsx'
import { type TermWords, termWords } from './term-words.ts'

export function useTerms(): TermWords {
  const t = useTranslations('terms')
  const { members } = useNetwork()
  return useMemo(() => termWords({ t, members }), [t, members])
}

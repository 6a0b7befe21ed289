import { Alert } from '@mantine/core'
import { TriangleAlert } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { useTranslations } from 'use-intl'

/** What went wrong, in words, where the eye and the focus go; nothing where nothing did. */
export function Trouble({ code }: { code: string | undefined }) {
  const t = useTranslations()
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (code !== undefined) box.current?.focus()
  }, [code])
  if (code === undefined) return null
  const key = `error.${code}` as 'error.internal'
  return (
    <Alert
      ref={box}
      tabIndex={-1}
      color="red"
      role="alert"
      icon={<TriangleAlert aria-hidden />}
      title={t('error.title')}
    >
      {t.has(key) ? t(key) : t('error.internal')}
    </Alert>
  )
}

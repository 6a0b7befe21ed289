import { NativeSelect } from '@mantine/core'
import { isLanguage, LANGUAGES } from './languages.ts'
import { useLanguage } from './providers.tsx'

const CHOICES = Object.entries(LANGUAGES).map(([value, { name }]) => ({ value, label: name }))

export function LanguageChoice({ label }: { label: string }) {
  const { language, speak } = useLanguage()
  return (
    <NativeSelect
      aria-label={label}
      data={CHOICES}
      value={language}
      onChange={({ currentTarget: { value } }) => {
        if (isLanguage(value)) speak(value)
      }}
    />
  )
}

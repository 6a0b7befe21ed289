import '@mantine/core/styles.css'
import 'virtual:theme.css'
import './base.css'
import { DirectionProvider, MantineProvider, useDirection } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createContext, type ReactNode, use, useEffect, useState } from 'react'
import { IntlProvider, type Messages } from 'use-intl'
import { LANGUAGES, type Language, preferredLanguage, rememberLanguage } from './languages.ts'
import { theme } from './theme.ts'

type Spoken = { language: Language; speak: (language: Language) => void }

const LanguageContext = createContext<Spoken | undefined>(undefined)

/** The language of the page, and how to change it. */
export function useLanguage(): Spoken {
  const spoken = use(LanguageContext)
  if (!spoken) throw new Error('No language is spoken here')
  return spoken
}

/** What is read from a broker may change any moment; it is asked for again whenever the page is looked at again. */
export const queries = new QueryClient({
  defaultOptions: { queries: { retry: false, staleTime: 2_000 }, mutations: { retry: false } },
})

/** What stands around every page of both applications; nothing is drawn before its words are there. */
export function Providers({
  wordsOf,
  children,
}: {
  wordsOf: (language: Language) => Promise<Messages>
  children: ReactNode
}) {
  const [language, speak] = useState(preferredLanguage)
  const [spoken, setSpoken] = useState<{ language: Language; words: Messages }>()
  useEffect(() => {
    let current = true
    void wordsOf(language).then((words) => {
      if (current) setSpoken({ language, words })
    })
    return () => {
      current = false
    }
  }, [language, wordsOf])
  if (!spoken) return null
  const change = (next: Language) => {
    rememberLanguage(next)
    speak(next)
  }
  return (
    <DirectionProvider initialDirection={LANGUAGES[spoken.language].direction} detectDirection={false}>
      <MantineProvider
        theme={theme}
        defaultColorScheme="auto"
        // Both would be <style> in the page; the variables come from a file, and the classes are not used.
        withCssVariables={false}
        withGlobalClasses={false}
      >
        <LanguageContext value={{ language, speak: change }}>
          <IntlProvider locale={spoken.language} messages={spoken.words} timeZone={timeZone}>
            <Direction language={spoken.language} />
            <QueryClientProvider client={queries}>{children}</QueryClientProvider>
          </IntlProvider>
        </LanguageContext>
      </MantineProvider>
    </DirectionProvider>
  )
}

const { timeZone } = Intl.DateTimeFormat().resolvedOptions()

/** Tells the document, and Mantine, which language is on it and which way it is read. */
function Direction({ language }: { language: Language }) {
  const { setDirection } = useDirection()
  useEffect(() => {
    document.documentElement.lang = language
    setDirection(LANGUAGES[language].direction)
  }, [language, setDirection])
  return null
}

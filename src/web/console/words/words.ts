import type { Messages } from 'use-intl'
import type { Language } from '../../shared/languages.ts'

/** One file a page and language; a language's files come in one piece, when it is spoken. */
const FILES: Readonly<Record<Language, () => Promise<{ default: Messages }>>> = {
  en: () => import('./en/index.ts'),
  nl: () => import('./nl/index.ts'),
  es: () => import('./es/index.ts'),
  ar: () => import('./ar/index.ts'),
}

export const wordsOf = async (language: Language): Promise<Messages> => (await FILES[language]()).default

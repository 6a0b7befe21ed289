import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import {
  type MessageFormatElement,
  type PluralElement,
  parse,
  TYPE,
} from '@formatjs/icu-messageformat-parser'
import { describe, expect, test } from 'vitest'

const web = join(import.meta.dirname, '..', '..', 'src', 'web')
const LANGUAGES = ['en', 'nl', 'es', 'ar'] as const
type Language = (typeof LANGUAGES)[number]

/** Texts by `area.key`, as one language has them. */
type Catalogue = ReadonlyMap<string, string>

/** Names, forms of file and units that are the same in every language. */
const SAME_EVERYWHERE =
  /^(Wayleave|FHIR|PDF|HTML|CSV|JSON|JSON Lines|SHA-256|SMTP|QR|URL|IP|ID|BSN|DNI|SSN|AuditEvent|[\p{P}\p{S}\p{N}\s]*)$/u

/** Downloaded files are named in letters that every system takes. */
const NAME_OF_FILE = /\.download\.name$/

/** Words of other languages that happen to be the English ones. Each was looked at. */
const SAME_BY_CHANCE: Readonly<Record<Exclude<Language, 'en'>, readonly string[]>> = {
  nl: [
    'Start',
    'Filter',
    'Filters',
    'Status',
    'Type',
    'Pincode',
    'Code',
    'Patient',
    'In detail',
    'Details',
    'Alarm',
    'Handle',
    'auditor',
  ],
  es: ['No', 'Hospital', 'hospital', 'Legal', 'General', 'Error', 'Total', 'Auditor', 'auditor'],
  ar: [],
}

/** What a patient is never bothered with, outside the page on which they check for themselves. */
const JARGON: Readonly<Record<Language, RegExp>> = {
  en: /\b(block ?chains?|chains?|hash(es|ed)?|gas|tokens?|handles?|consent resources?|commitments?|brokers?|custodians?|grantees?|endpoints?|nonces?|epochs?|payloads?|calldata|smart contracts?)\b/iu,
  nl: /\b(block ?chains?|ketens?|hash(es)?|gas|tokens?|handles?|brokers?|custodians?|grantees?|endpoints?|nonces?|epochs?|payloads?)\b/iu,
  es: /\b(block ?chains?|cadenas? de bloques|hash(es)?|gas|tokens?|brokers?|custodios?|endpoints?|nonces?|épocas?|payloads?)\b/iu,
  ar: /(بلوك ?تشين|سلسلة الكتل|هاش|توكن|وسيط)/u,
}
const CHECKED_BY_ONESELF = /^(check|proof|verify)\.|\.proof/

/** Spanish has a form for millions; nobody has a million of anything here. */
const NEVER_REACHED: Readonly<Partial<Record<Language, readonly string[]>>> = { es: ['many'] }

/** `look-up.json` holds the area `lookUp`. */
const areaOf = (file: string) =>
  basename(file, '.json').replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

function catalogueOf(application: string, language: Language): Catalogue {
  const texts = new Map<string, string>()
  const add = (place: string, value: unknown) => {
    if (typeof value === 'string') texts.set(place, value)
    else for (const [key, inner] of Object.entries(value as object)) add(`${place}.${key}`, inner)
  }
  for (const file of globSync(`${application}/words/${language}/*.json`, { cwd: web }).sort())
    add(basename(file, '.json'), JSON.parse(readFileSync(join(web, file), 'utf8')))
  return texts
}

/**
 * Whether words change with this number. What has exact numbers and `other` only is a choice by number; in Arabic every counted word
 * changes.
 */
function agrees({ options }: PluralElement, language: Language): boolean {
  const forms = Object.keys(options).filter((form) => form !== 'other' && !form.startsWith('='))
  const counts = options.other?.value.some(({ type }) => type === TYPE.pound) ?? false
  return forms.length > 0 || (language === 'ar' && counts)
}

/** Every element of a message, those inside of plurals, choices and tags included. */
function elementsOf(elements: readonly MessageFormatElement[]): MessageFormatElement[] {
  return elements.flatMap((element) => {
    if (element.type === TYPE.tag) return [element, ...elementsOf(element.children)]
    if (element.type === TYPE.plural || element.type === TYPE.select)
      return [element, ...elementsOf(Object.values(element.options).flatMap(({ value }) => value))]
    return [element]
  })
}

const messageOf = (text: string) => elementsOf(parse(text))

/** What a page must hand over for this text: names, each with what it is used as. A number may be written or counted. */
function argumentsOf(text: string): string[] {
  const named = messageOf(text).flatMap((element) => {
    if (element.type === TYPE.literal || element.type === TYPE.pound) return []
    const kind = element.type === TYPE.plural || element.type === TYPE.number ? 'number' : TYPE[element.type]
    // A language may leave out the number itself: "both", not "all 2".
    return [`${element.value}: ${kind === 'argument' ? 'text or number' : kind}`]
  })
  return [...new Set(named)].sort()
}

/** Names only. */
const namesOf = (text: string) => [...new Set(argumentsOf(text).map((one) => one.split(':')[0]))].sort()

const lettersOf = (text: string) =>
  messageOf(text)
    .map((element) => (element.type === TYPE.literal ? element.value : ''))
    .join('')

describe.each(['portal', 'console'])('the words of the %s', (application) => {
  const english = catalogueOf(application, 'en')
  const others = LANGUAGES.filter((language) => language !== 'en')

  test('are there', () => {
    expect(english.size).toBeGreaterThan(0)
  })

  test.each(LANGUAGES)('of every area are read by the page: %s', async (language) => {
    const { default: read } = (await import(
      /* @vite-ignore */ join(web, application, 'words', language, 'index.ts')
    )) as { default: object }
    const files = globSync(`${application}/words/${language}/*.json`, { cwd: web })
    expect(Object.keys(read).sort()).toEqual(files.map(areaOf).sort())
  })

  test.each(others)('are the same ones in English and in %s', (language) => {
    const there = catalogueOf(application, language)
    expect([...there.keys()].filter((key) => !english.has(key))).toEqual([])
    expect([...english.keys()].filter((key) => !there.has(key))).toEqual([])
  })

  test.each(others)('are told the same by the page in English and in %s', (language) => {
    const differing = [...catalogueOf(application, language)].filter(
      ([key, text]) => namesOf(text).join() !== namesOf(english.get(key) ?? '').join(),
    )
    expect(differing).toEqual([])
  })

  test.each(LANGUAGES)('are none of them empty, nor padded: %s', (language) => {
    const texts = [...catalogueOf(application, language)]
    const padded = ([key, text]: [string, string]) => text.trim() !== text && !key.endsWith('.separator')
    expect(texts.filter((one) => one[1].trim() === '' || padded(one))).toEqual([])
  })

  test.each(LANGUAGES)('count as the language counts: %s', (language) => {
    const wrong: string[] = []
    for (const [key, text] of catalogueOf(application, language))
      for (const element of messageOf(text)) {
        if (element.type !== TYPE.plural || !agrees(element, language)) continue
        const rules = new Intl.PluralRules(language, { type: element.pluralType ?? 'cardinal' })
        const needed = rules
          .resolvedOptions()
          .pluralCategories.filter((form) => !NEVER_REACHED[language]?.includes(form))
        const exact = Object.keys(element.options)
          .filter((form) => form.startsWith('='))
          .map((form) => Number(form.slice(1)))
        for (const form of needed) {
          // Where a form is for one number only, that number may be named instead: =1 for "one".
          const only = { zero: 0, one: 1, two: 2 }[form as string]
          if (form in element.options) continue
          if (only !== undefined && exact.includes(only) && rules.select(only) === form) continue
          wrong.push(`${key} lacks ${form}`)
        }
      }
    expect(wrong).toEqual([])
  })

  test.each(others)('are translated, not left in English: %s', (language) => {
    const same = [...catalogueOf(application, language)].filter(([key, text]) => {
      const original = english.get(key)
      if (text !== original || NAME_OF_FILE.test(key) || CHECKED_BY_ONESELF.test(key)) return false
      if (SAME_EVERYWHERE.test(lettersOf(text).trim())) return false
      return !SAME_BY_CHANCE[language].includes(text)
    })
    expect(same).toEqual([])
  })

  test('are written in Arabic letters in Arabic', () => {
    const foreign = [...catalogueOf(application, 'ar')].filter(([key, text]) => {
      if (NAME_OF_FILE.test(key) || CHECKED_BY_ONESELF.test(key)) return false
      const letters = lettersOf(text).trim()
      return !/\p{Script=Arabic}/u.test(letters) && !SAME_EVERYWHERE.test(letters)
    })
    expect(foreign).toEqual([])
  })
})

test.each(LANGUAGES)(
  'a patient reads no jargon outside the page where they check for themselves: %s',
  (language) => {
    const found = [...catalogueOf('portal', language)].filter(
      ([key, text]) => !CHECKED_BY_ONESELF.test(key) && JARGON[language].test(text),
    )
    expect(found).toEqual([])
  },
)

test('no page holds words of its own, where nobody would translate them', () => {
  // Text between tags is refused by Biome (noJsxLiterals); these are the properties that people read or hear.
  const spoken =
    /\b(label|title|placeholder|alt|description|error|lead|aria-label|aria-description|aria-roledescription|aria-valuetext)=(?:\{\s*)?["'`]([^"'`]*\p{L}[^"'`]*)["'`]/gu
  const found = globSync('**/*.tsx', { cwd: web }).flatMap((file) => {
    const source = readFileSync(join(web, file), 'utf8')
    return [...source.matchAll(spoken)].map(([whole]) => `${file}: ${whole}`)
  })
  expect(found).toEqual([])
})

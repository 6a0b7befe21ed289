import type { Patient } from 'fhir/r4.js'
import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/min'

/** A telephone number or an e-mail address at which somebody can be told something. */
export type ContactPoint = { system: 'phone' | 'email'; value: string }

/** Longer than any address (RFC 5321 §4.5.3.1) or number; what is longer is not looked at. */
const LONGEST = 254

/** One address, in the plain form that people have: no display name, no comment, no list. */
const EMAIL = /^[^\s@<>()[\]\\,;:"]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i

/**
 * What somebody typed, as a contact point in the one form in which equal ones are equal: E.164 for a number, small letters for
 * an address. Undefined for what is neither.
 * @param country ISO 3166-1 code of where a number without a country code is from
 */
export function normalContact(text: string, country?: string): ContactPoint | undefined {
  const given = text.normalize('NFKC').trim()
  if (given.length > LONGEST) return undefined
  if (given.includes('@'))
    return EMAIL.test(given) ? { system: 'email', value: given.toLowerCase() } : undefined
  const digits = given.replace(/\D/g, '')
  if (!/^[+\d\s().\-/]+$/.test(given) || digits.length < 6 || digits.length > 15) return undefined
  const parsed = parsePhoneNumberFromString(given, country as CountryCode | undefined)
  // A number that no plan has is compared by its digits: a hospital may keep such a one, and so may whoever types it.
  return { system: 'phone', value: parsed?.number ?? digits }
}

/** The contact points on file that are in use now, as they stand there: numbers first. */
export function contactsOf({ telecom = [] }: Patient, now: number): ContactPoint[] {
  const inUse = telecom.filter(
    ({ use, period }) => use !== 'old' && !(period?.end && Date.parse(period.end) < now),
  )
  const of = (systems: readonly string[], system: ContactPoint['system']) =>
    inUse.flatMap(({ system: is, value }) =>
      value && is && systems.includes(is) && value.length <= LONGEST ? [{ system, value }] : [],
    )
  return [...of(['phone', 'sms'], 'phone'), ...of(['email'], 'email')]
}

/** The one on file that this is; undefined where it is none of them. */
export function contactOnFile(
  onFile: readonly ContactPoint[],
  given: ContactPoint,
  country?: string,
): ContactPoint | undefined {
  return onFile.find(({ value }) => {
    const normal = normalContact(value, country)
    return normal?.system === given.system && normal.value === given.value
  })
}

/** Enough to recognise a contact by for whoever knows it, and not to learn it by. */
export function maskedContact({ system, value }: ContactPoint): string {
  if (system === 'phone') return `…${value.replace(/\D/g, '').slice(-2)}`
  const [name = '', host = ''] = value.split('@')
  return `${name.slice(0, 1)}…@${host}`
}

/** Languages in which messages to patients are written. */
export const LANGUAGES = ['en', 'nl', 'es', 'ar'] as const
export type Language = (typeof LANGUAGES)[number]

export const isLanguage = (text: unknown): text is Language => LANGUAGES.includes(text as Language)

/** The patient's language as the hospital has it on file, the preferred one first; undefined where it is none of ours. */
export function languageOf({ communication = [] }: Patient): Language | undefined {
  return [...communication]
    .sort((a, b) => Number(b.preferred ?? false) - Number(a.preferred ?? false))
    .flatMap(({ language }) => language?.coding ?? [])
    .map(({ code }) => code?.toLowerCase().split('-')[0])
    .find(isLanguage)
}

import { expect, test } from 'vitest'
import {
  contactOnFile,
  contactsOf,
  languageOf,
  maskedContact,
  normalContact,
} from '../../../src/domain/identity/contact-points.ts'

const phone = (value: string) => ({ system: 'phone' as const, value })

test('A number is the same number however it is written, and an address however its letters are', () => {
  for (const text of ['06 1234 5678', '+31 6 12345678', '0031612345678', '+31(0)612345678', '06-12345678'])
    expect([text, normalContact(text, 'NL')]).toEqual([text, phone('+31612345678')])
  expect(normalContact(' Anna@Example.ORG ')).toEqual({ system: 'email', value: 'anna@example.org' })
})

test('Numbers of no numbering plan, and without a country, are compared digit by digit', () => {
  expect(normalContact('555-249-4085')).toEqual(phone('5552494085'))
  expect(normalContact('(555) 249 4085')).toEqual(phone('5552494085'))
  expect(normalContact('555-249-4085', 'NL')).toEqual(normalContact('(555) 249.4085', 'NL'))
})

test('What is neither a number nor one address is no contact', () => {
  for (const text of [
    '',
    '12345',
    'x',
    'a@b, c@d.nl',
    'Anna <a@b.nl>',
    'a@b.nl\nBcc: c@d.nl',
    '1'.repeat(16),
    '06 12 OR 1=1',
  ])
    expect([text, normalContact(text, 'NL')]).toEqual([text, undefined])
})

test('Only what is in use counts, and only the same kind of contact', () => {
  const now = Date.UTC(2026, 0, 1)
  const onFile = contactsOf(
    {
      resourceType: 'Patient',
      telecom: [
        { system: 'email', value: 'Anna@example.org' },
        { system: 'phone', value: '06 1111 1111', use: 'old' },
        { system: 'phone', value: '06 2222 2222', period: { end: '2025-01-01' } },
        { system: 'fax', value: '06 3333 3333' },
        { system: 'sms', value: '06 1234 5678' },
      ],
    },
    now,
  )
  expect(onFile).toEqual([phone('06 1234 5678'), { system: 'email', value: 'Anna@example.org' }])
  expect(contactOnFile(onFile, phone('+31612345678'), 'NL')).toEqual(phone('06 1234 5678'))
  expect(contactOnFile(onFile, phone('+31611111111'), 'NL')).toBeUndefined()
})

test('A contact is shown to the desk by its end alone', () => {
  expect(maskedContact(phone('06 1234 5678'))).toBe('…78')
  expect(maskedContact({ system: 'email', value: 'anna@example.org' })).toBe('a…@example.org')
})

test('The patient’s language is the preferred one on file, where it is one of ours', () => {
  const communication = (...codes: [string, boolean][]) => ({
    resourceType: 'Patient' as const,
    communication: codes.map(([code, preferred]) => ({ language: { coding: [{ code }] }, preferred })),
  })
  expect(languageOf(communication(['en-US', false], ['es', true]))).toBe('es')
  expect(languageOf(communication(['vi', true], ['NL-nl', false]))).toBe('nl')
  expect(languageOf(communication(['vi', false]))).toBeUndefined()
})

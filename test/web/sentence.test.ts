import { readFileSync } from 'node:fs'
import { createFormatter, createTranslator } from 'use-intl/core'
import { describe, expect, test } from 'vitest'
import { REASONS } from '../../src/domain/audit/reasons.ts'
import { DATA_CLASSES } from '../../src/domain/consent/data-classes.ts'
import { PURPOSES } from '../../src/domain/consent/purposes.ts'
import { SENSITIVE_KINDS } from '../../src/domain/consent/sensitivities.ts'
import { type ActMessages, type ActName, actDomain, typedData } from '../../src/domain/consent/typed-data.ts'
import { type Hex, ZERO_32 } from '../../src/domain/hex.ts'
import { sentencesOf } from '../../src/web/portal/own/sentence.ts'
import { termWords } from '../../src/web/portal/term-words.ts'

const HASH: Hex = `0x${'5'.repeat(64)}`
const identifier = { system: 'urn:oid:1', value: '7' }
const members = [
  { name: 'Seventh Clinic', identifier },
  { name: 'Eighth Clinic', identifier: { ...identifier, value: '8' } },
]

function speechIn(language: string) {
  const read = (area: string) =>
    JSON.parse(
      readFileSync(new URL(`../../src/web/portal/words/${language}/${area}.json`, import.meta.url), 'utf8'),
    )
  const options = { locale: language, messages: { own: read('own'), terms: read('terms') }, timeZone: 'UTC' }
  const onError = (error: Error) => {
    throw error
  }
  const t = createTranslator({ ...options, namespace: 'own', onError }) as never
  const words = createTranslator({ ...options, namespace: 'terms', onError }) as never
  return { t, format: createFormatter(options), terms: termWords({ t: words, members }) }
}

const scope = {
  granteeType: 'Organization' as const,
  grantee: 'urn:oid:1|7',
  purpose: 'TREAT',
  salt: ZERO_32,
}
const terms = {
  dataClasses: ['medications', 'allergies'],
  sensitivities: ['HIV'],
  body: ZERO_32,
  salt: ZERO_32,
}
const grant: ActMessages['Grant'] = {
  ...{ handle: HASH, scope, terms, from: '2027-01-02', until: '2027-03-04' },
  ...{ snapshotOnly: false, mayBeReferredOn: false, needsApproval: false, laterMembersToo: false },
  ...{ version: 3, epoch: 1, deadline: 1_800_000_000 },
}
const objection: ActMessages['Objection'] = { handle: HASH, scope, terms, upToVersion: 4 }

/** For each act, what could be otherwise in it and would matter to the patient. */
const OTHERWISE: {
  [A in ActName]?: { message: ActMessages[A]; changes: Record<string, Partial<ActMessages[A]>> }
} = {
  Grant: {
    message: grant,
    changes: {
      whom: { scope: { ...scope, grantee: 'urn:oid:1|8' } },
      'somebody unknown': { scope: { ...scope, grantee: 'urn:oid:1|9' } },
      'a group of the same name': { scope: { ...scope, granteeType: 'Group', grantee: 'Seventh Clinic' } },
      everyone: { scope: { ...scope, granteeType: 'Everyone', grantee: '' } },
      why: { scope: { ...scope, purpose: 'HRESCH' } },
      'one kind of data more': { terms: { ...terms, dataClasses: [...terms.dataClasses, 'imaging'] } },
      'one kind of data less': { terms: { ...terms, dataClasses: ['medications'] } },
      everything: { terms: { ...terms, dataClasses: Object.keys(DATA_CLASSES) } },
      'one sensitive kind more': { terms: { ...terms, sensitivities: ['HIV', 'PSY'] } },
      'no sensitive kind': { terms: { ...terms, sensitivities: [] } },
      'further conditions': { terms: { ...terms, body: HASH } },
      from: { from: '2027-01-03' },
      until: { until: '2037-01-01' },
      snapshotOnly: { snapshotOnly: true },
      mayBeReferredOn: { mayBeReferredOn: true },
      needsApproval: { needsApproval: true },
      laterMembersToo: { laterMembersToo: true },
      deadline: { deadline: 1_800_600_000 },
    },
  },
  Revocation: {
    message: { handle: HASH, scope, upToVersion: 3 },
    changes: {
      whom: { scope: { ...scope, grantee: 'urn:oid:1|8' } },
      everyone: { scope: { ...scope, granteeType: 'Everyone', grantee: '' } },
      why: { scope: { ...scope, purpose: 'HRESCH' } },
    },
  },
  Objection: {
    message: objection,
    changes: {
      whom: { scope: { ...scope, grantee: 'urn:oid:1|8' } },
      why: { scope: { ...scope, purpose: 'PurposeOfUse' } },
      everything: { terms: { ...terms, dataClasses: [] } },
      'one kind of data less': { terms: { ...terms, dataClasses: ['medications'] } },
      'no sensitive kind': { terms: { ...terms, sensitivities: [] } },
      'further conditions': { terms: { ...terms, body: HASH } },
    },
  },
  Withdrawal: {
    message: { handle: HASH, scope, version: 3, epoch: 1, deadline: 1_800_000_000 },
    changes: {
      whom: { scope: { ...scope, grantee: 'urn:oid:1|8' } },
      why: { scope: { ...scope, purpose: 'HRESCH' } },
      deadline: { deadline: 1_800_600_000 },
    },
  },
  Unlock: {
    message: { handle: HASH, epoch: 1, deadline: 1_800_000_000 },
    changes: { deadline: { deadline: 1_800_600_000 } },
  },
  Lock: { message: { handle: HASH, upToEpoch: 1 }, changes: {} },
}

const ofAct = (act: ActName, message: ActMessages[ActName]) =>
  typedData(act, actDomain(act, 1, HASH), message)

describe.each(['en', 'nl', 'es', 'ar'])('in %s', (language) => {
  const speech = speechIn(language)
  const said = (act: ActName, message: ActMessages[ActName], hospital = 'Home Hospital') =>
    sentencesOf(ofAct(act, message), hospital, speech).join(' ')

  test('whatever of a signature matters to the patient is in its sentences: another one has other sentences', () => {
    for (const [act, { message, changes }] of Object.entries(OTHERWISE)) {
      const seen = new Map([[said(act as ActName, message), 'itself']])
      for (const [what, change] of Object.entries(changes)) {
        const sentence = said(act as ActName, { ...message, ...change } as ActMessages[ActName])
        expect(seen.get(sentence), `${act}: ${what}`).toBeUndefined()
        seen.set(sentence, what)
      }
      expect(said(act as ActName, message, 'Another Hospital')).not.toBe(said(act as ActName, message))
    }
  })

  test('each kind of data, each sensitive kind and each party is named by itself', () => {
    const sentence = said('Grant', grant)
    for (const word of [speech.terms.dataClass('medications'), speech.terms.dataClass('allergies')])
      expect(sentence.toLowerCase()).toContain(word.toLowerCase())
    expect(sentence.toLowerCase()).toContain(speech.terms.kind('HIV').toLowerCase())
    expect(sentence).toContain('⁨Seventh Clinic⁩')
    expect(sentence).toContain('⁨Home Hospital⁩')
  })

  test('no two kinds, purposes or reasons of a group of words are called the same, and none lacks words', () => {
    const distinct = (labels: string[]) => expect(new Set(labels).size).toBe(labels.length)
    const { terms: words } = speech
    distinct([...Object.keys(DATA_CLASSES), '?'].map(words.dataClass))
    distinct([...Object.keys(SENSITIVE_KINDS), '?'].map(words.kind))
    for (const kind of Object.keys(SENSITIVE_KINDS)) expect(words.kindWhy(kind)).not.toBe('')
    for (const reason of Object.keys(REASONS)) expect(words.reason(reason)).not.toBe(words.reason('?'))
    for (const purpose of Object.keys(PURPOSES)) expect(words.purpose(purpose)).not.toBe(words.purpose('?'))
  })

  test('a code that nobody knows gets a word that says so, whatever it is', () => {
    const { terms: words } = speech
    for (const code of ['', 'class', '__proto__', 'constructor', 'a.b', 'x'.repeat(10_000), '\u202e']) {
      for (const name of [words.dataClass, words.kind, words.purpose, words.reason, words.role])
        expect(name(code)).toBe(name('?'))
      expect(words.error({ code })).toBe(words.error(new Error('?')))
      expect(words.kindWhy(code)).toBe('')
    }
  })
})

test('two organisations that call themselves the same are told apart by their numbers', () => {
  const { t } = speechIn('en')
  const twins = members.map((one) => ({ ...one, name: 'SEVENTH Clinic' }))
  const words = termWords({ t: t as never, members: twins })
  expect(words.party(scope)).toBe('SEVENTH Clinic (7)')
})

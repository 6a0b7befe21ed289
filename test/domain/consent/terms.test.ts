import { describe, expect, test } from 'vitest'
import { normalTerms, termsCover } from '../../../src/domain/consent/terms.ts'
import { termsHash } from '../../../src/domain/consent/typed-data.ts'
import { ZERO_32 } from '../../../src/domain/hex.ts'

describe('terms', () => {
  test('have one form, and so one hash, however they are listed', () => {
    const one = normalTerms({
      dataClasses: ['problems', 'laboratory', 'problems'],
      sensitivities: ['PSY', 'HIV'],
    })
    const other = normalTerms({
      dataClasses: ['laboratory', 'problems'],
      sensitivities: ['HIV', 'PSY', 'HIV'],
    })
    expect(one).toEqual({
      dataClasses: ['laboratory', 'problems'],
      sensitivities: ['HIV', 'PSY'],
      body: ZERO_32,
    })
    expect(termsHash({ ...one, salt: ZERO_32 })).toBe(termsHash({ ...other, salt: ZERO_32 }))
  })

  test('under another salt have another hash', () => {
    const terms = normalTerms({ dataClasses: ['problems'], sensitivities: [] })
    expect(termsHash({ ...terms, salt: `0x${'01'.repeat(32)}` })).not.toBe(
      termsHash({ ...terms, salt: ZERO_32 }),
    )
  })

  test('cover a record when they name its class and allow each of its kinds', () => {
    const terms = normalTerms({ dataClasses: ['problems'], sensitivities: ['ETH'] })
    expect(termsCover(terms, 'problems', [])).toBe('covered')
    expect(termsCover(terms, 'problems', ['ETH', 'OPIOIDUD'])).toBe('covered')
    expect(termsCover(terms, 'problems', ['ETH', 'HIV'])).toBe('kind')
    expect(termsCover(terms, 'laboratory', [])).toBe('class')
    expect(termsCover(terms, 'laboratory', ['HIV'])).toBe('class')
    expect(termsCover(terms, 'toString', [])).toBe('class')
  })
})

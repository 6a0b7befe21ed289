import { describe, expect, it } from 'vitest'
import {
  ANY_PURPOSE,
  ancestorsOf,
  covers,
  isPurpose,
  PURPOSES,
  parentsOf,
  purposeDisplay,
} from '../../../src/domain/consent/purposes.ts'

const codes = Object.keys(PURPOSES)

describe('purposes of use', () => {
  it('are covered from above: TREAT covers ETREAT, which covers BTG, and never the other way', () => {
    expect(covers('TREAT', 'TREAT')).toBe(0)
    expect(covers('TREAT', 'ETREAT')).toBe(1)
    expect(covers('ETREAT', 'BTG')).toBe(1)
    expect(covers('TREAT', 'BTG')).toBe(2)
    expect(covers('ETREAT', 'TREAT')).toBeUndefined()
    expect(covers('BTG', 'TREAT')).toBeUndefined()
  })

  it('cover the children of research, and nothing of treatment', () => {
    expect(covers('HRESCH', 'CLINTRCHPC')).toBe(2)
    expect(covers('HRESCH', 'CLINTRL')).toBeUndefined()
    expect(covers('HPAYMT', 'TREAT')).toBeUndefined()
  })

  it('are all covered by the root, which means any purpose', () => {
    for (const code of codes) expect(covers(ANY_PURPOSE, code), code).toBeGreaterThanOrEqual(0)
  })

  it('lead to their ancestors nearest first, themselves at distance 0', () => {
    expect(ancestorsOf('BTG')).toEqual([
      { code: 'BTG', distance: 0 },
      { code: 'ETREAT', distance: 1 },
      { code: 'TREAT', distance: 2 },
      { code: 'PurposeOfUse', distance: 3 },
    ])
  })

  it('have parents that are purposes, and no loops', () => {
    for (const code of codes) {
      expect(isPurpose(code)).toBe(true)
      expect(parentsOf(code).length, code).toBe(
        (PURPOSES[code as keyof typeof PURPOSES] as readonly string[]).length - 1,
      )
      expect(parentsOf(code).length, code).toBeGreaterThan(code === ANY_PURPOSE ? -1 : 0)
      const distances = ancestorsOf(code).map(({ distance }) => distance)
      expect(distances, code).toEqual(distances.toSorted((a, b) => a - b))
      expect(new Set(ancestorsOf(code).map((ancestor) => ancestor.code)).size).toBe(distances.length)
    }
  })

  it('that nobody knows cover nothing and are covered by nothing, the root included', () => {
    for (const unknown of ['treat', 'TREAT ', '', 'constructor', '_ActReason']) {
      expect(isPurpose(unknown)).toBe(false)
      expect(ancestorsOf(unknown)).toEqual([])
      expect(parentsOf(unknown)).toEqual([])
      expect(covers(ANY_PURPOSE, unknown)).toBeUndefined()
      expect(covers(unknown, 'TREAT')).toBeUndefined()
      expect(covers(unknown, unknown)).toBeUndefined()
    }
  })

  it('have the display that HL7 publishes; an unknown code is shown as it is', () => {
    expect(purposeDisplay('TREAT')).toBe('treatment')
    expect(purposeDisplay('NOPE')).toBe('NOPE')
  })
})

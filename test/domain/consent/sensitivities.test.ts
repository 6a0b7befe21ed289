import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { kindsOfSecurityLabels } from '../../../src/domain/consent/security-labels.ts'
import {
  bitsToKinds,
  CONFIDENTIALITY_SYSTEM,
  isGrantableKind,
  isKindAllowed,
  isSensitiveKind,
  kindCoding,
  kindsToBits,
  parentKind,
  SENSITIVE_KINDS,
  SENSITIVITY_SYSTEM,
  sortKinds,
} from '../../../src/domain/consent/sensitivities.ts'

const kinds = Object.keys(SENSITIVE_KINDS).filter(isSensitiveKind)
const sensitivity = (code: string) => ({ system: SENSITIVITY_SYSTEM, code })
const confidentiality = (code: string) => ({ system: CONFIDENTIALITY_SYSTEM, code })

describe('sensitive kinds', () => {
  it('have bits that never change, because sealed pointers hold them', () => {
    expect(kinds.map((kind) => [kind, SENSITIVE_KINDS[kind].bit])).toMatchInlineSnapshot(`
      [
        [
          "ETH",
          0,
        ],
        [
          "PSY",
          1,
        ],
        [
          "HIV",
          2,
        ],
        [
          "SDV",
          3,
        ],
        [
          "PREGNANT",
          4,
        ],
        [
          "GDIS",
          5,
        ],
        [
          "R",
          6,
        ],
        [
          "V",
          7,
        ],
        [
          "ETHUD",
          8,
        ],
        [
          "OPIOIDUD",
          9,
        ],
        [
          "SUD",
          10,
        ],
        [
          "MH",
          11,
        ],
        [
          "PSYTHPN",
          12,
        ],
        [
          "STD",
          13,
        ],
        [
          "SEX",
          14,
        ],
        [
          "MST",
          15,
        ],
        [
          "SCA",
          16,
        ],
        [
          "VIO",
          17,
        ],
      ]
    `)
  })

  it('have a bit of their own below 24', () => {
    const bits = kinds.map((kind) => SENSITIVE_KINDS[kind].bit)
    expect(new Set(bits).size).toBe(kinds.length)
    expect(Math.max(...bits)).toBeLessThan(24)
  })

  it('survive the way through bits, whatever the set and the order', () => {
    const seed = Date.now()
    console.info(`seed ${seed}`)
    fc.assert(
      fc.property(fc.subarray(kinds, { minLength: 0 }), (some) => {
        const shuffled = some.toReversed()
        expect(bitsToKinds(kindsToBits(shuffled))).toEqual(sortKinds(some))
      }),
      { seed },
    )
  })

  it('come out as V for bits that this version does not know', () => {
    expect(bitsToKinds(1 << 23)).toEqual(['V'])
    expect(bitsToKinds((1 << 23) | 1)).toEqual(['ETH', 'V'])
    expect(bitsToKinds(2 ** 40)).toEqual(['V'])
    expect(bitsToKinds(-1)).toContain('V')
    expect(bitsToKinds(0.5)).toEqual(['V'])
    expect(bitsToKinds(0)).toEqual([])
  })

  it('are opened by the kind that includes them, and a narrow consent does not open the wide kind', () => {
    expect(parentKind('OPIOIDUD')).toBe('ETH')
    expect(isKindAllowed('OPIOIDUD', ['ETH'])).toBe(true)
    expect(isKindAllowed('ETH', ['OPIOIDUD'])).toBe(false)
    expect(isKindAllowed('HIV', ['ETH', 'PSY'])).toBe(false)
    expect(isKindAllowed('R', ['R'])).toBe(true)
  })

  it('hold one that no consent opens, not even by its name', () => {
    expect(isKindAllowed('V', ['V', ...kinds])).toBe(false)
    expect(isGrantableKind('V')).toBe(false)
    expect(isGrantableKind('R')).toBe(true)
    expect(isGrantableKind('toString')).toBe(false)
  })

  it('have parents that exist and lead nowhere in a circle', () => {
    const parents = kinds.map(parentKind).filter((parent) => parent !== undefined)
    expect(parents.map(parentKind).filter((above) => above !== undefined)).toEqual([])
    expect(parents.length).toBeGreaterThan(0)
  })

  it('are written in FHIR under the system they come from', () => {
    expect(kindCoding('HIV')).toEqual({ system: SENSITIVITY_SYSTEM, code: 'HIV', display: 'HIV and AIDS' })
    expect(kindCoding('R').system).toBe(CONFIDENTIALITY_SYSTEM)
  })
})

describe('labels at the source', () => {
  it.each([
    ['a sensitivity of the table', [sensitivity('HIV')], ['HIV']],
    ['behavioural health, which does not say which', [sensitivity('BH')], ['PSY', 'ETH']],
    ['R alone', [confidentiality('R')], ['R']],
    ['R explained by a sensitivity', [confidentiality('R'), sensitivity('ETH')], ['ETH']],
    ['a kind in the old confidentiality codes', [confidentiality('PSY')], ['PSY']],
    ['normal', [confidentiality('N')], []],
    ['very restricted', [confidentiality('V'), confidentiality('N')], ['V']],
    ['synthetic data', [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HTEST' }], []],
    [
      'a note on integrity',
      [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }],
      [],
    ],
  ] as const)('mean what they say: %s', (_, labels, expected) => {
    expect(kindsOfSecurityLabels(labels)).toEqual(expected)
  })

  it.each([
    ['an unknown sensitivity', sensitivity('TBOO')],
    ['a refrain policy', sensitivity('NORDSCLCD')],
    ['a purpose limit', { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }],
    ['a local system', { system: 'https://his.example/labels', code: 'vip' }],
    ['no system', { code: 'HIV' }],
    ['no code', { system: SENSITIVITY_SYSTEM }],
    ['an inherited name', sensitivity('constructor')],
    ['R under the wrong system', sensitivity('R')],
  ])('that cannot be honoured count as very restricted: %s', (_, label) => {
    expect(kindsOfSecurityLabels([label])).toEqual(['V'])
  })
})

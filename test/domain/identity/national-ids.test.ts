import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkNationalId } from '../../../src/domain/identity/national-ids.ts'

const bsn = 'http://fhir.nl/fhir/NamingSystem/bsn'
const dni = 'urn:oid:1.3.6.1.4.1.19126.3'
const ssn = 'http://hl7.org/fhir/sid/us-ssn'

describe('national identifiers', () => {
  test.each([
    ['a BSN', bsn, '999990019', '999990019'],
    ['a BSN written with separators', bsn, '9999.90.019', '999990019'],
    ['a DNI', dni, '54362315-k', '54362315K'],
    ['an SSN', ssn, '536-90-4399', '536904399'],
  ])('%s is accepted, in its compact form', (_, system, value, compact) => {
    expect(checkNationalId({ system, value })).toEqual({ ok: true, identifier: { system, value: compact } })
  })

  test.each([
    ['a BSN that fails the eleven-test', bsn, '999990018'],
    ['a BSN of eight digits too many', bsn, '99999001999999001'],
    ['a BSN of noughts', bsn, '000000000'],
    ['a DNI with the wrong letter', dni, '54362315Z'],
    ['an SSN of the range that is never issued', ssn, '999-12-3456'],
    ['a valid DNI given as a BSN', bsn, '54362315K'],
    ['nothing', bsn, ''],
    ['a number hidden in a long text', bsn, `${' '.repeat(40)}999990019`],
  ])('%s is refused as invalid', (_, system, value) => {
    expect(checkNationalId({ system, value })).toEqual({ ok: false, code: 'identifier-invalid' })
  })

  test.each(['', 'http://fhir.nl/fhir/NamingSystem/BSN', 'urn:oid:1.2.3', 'toString', '__proto__'])(
    'an unknown system (%s) has its own error, whatever the value',
    (system) => {
      expect(checkNationalId({ system, value: '999990019' })).toEqual({
        ok: false,
        code: 'identifier-system-unknown',
      })
    },
  )

  test('changing one digit of a BSN makes it invalid', () => {
    const positions = fc.tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 1, max: 9 }))
    fc.assert(
      fc.property(positions, ([at, by]) => {
        const digits = [...'999990019']
        digits[at] = String((Number(digits[at]) + by) % 10)
        expect(checkNationalId({ system: bsn, value: digits.join('') }).ok).toBe(false)
      }),
      { verbose: true },
    )
  })

  test('any text at all gets an answer, never an exception, and a compact form is stable', () => {
    fc.assert(
      fc.property(fc.constantFrom(bsn, dni, ssn), fc.string({ maxLength: 40 }), (system, value) => {
        const first = checkNationalId({ system, value })
        if (first.ok) expect(checkNationalId(first.identifier)).toEqual(first)
      }),
      { numRuns: 2000, verbose: true },
    )
  })
})

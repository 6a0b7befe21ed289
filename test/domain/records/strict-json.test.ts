import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseStrictJson } from '../../../src/domain/records/strict-json.ts'
import { seeded } from '../../seeded.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const refusal = (input: string | Uint8Array): unknown => {
  try {
    parseStrictJson(typeof input === 'string' ? bytes(input) : input)
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
  return 'accepted'
}
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

describe('a key that comes twice is refused', () => {
  test.each([
    ['with two values', '{"a":1,"a":2}'],
    ['with one value', '{"a":1,"a":1}'],
    ['with the same object', '{"a":{"b":1},"a":{"b":1}}'],
    ['spelled differently', '{"a":1,"\\u0061":1}'],
    ['inside another object', '{"x":[{"y":{"a":1,"b":2,"a":1}}]}'],
    ['after an object that has it, too', '{"a":{"a":1},"b":[{"a":1}],"a":1}'],
    ['when it is __proto__', '{"__proto__":1,"__proto__":1}'],
    ['when it is __proto__ with objects', '{"__proto__":{"a":1},"__proto__":{"a":2}}'],
    ['when it is empty', '{"":1,"":1}'],
    ['with space around it', '{ "a" : 1 ,\n "a" : 1 }'],
  ])('%s', (_how, text) => expect(refusal(text)).toBe('duplicate-key'))

  test('but not a key that stands in two objects, nor a value that equals a key, nor a text that looks like one', () => {
    for (const text of [
      '[{"a":1},{"a":1}]',
      '{"a":{"a":{"a":1}}}',
      '{"a":"b","b":"a"}',
      '{"a":["a","a"],"b":["a"]}',
      '{"a":"\\"a\\":1,","b":"{\\"b\\":1"}',
      '{"toString":1,"constructor":2,"hasOwnProperty":3}',
    ]) {
      expect(parseStrictJson(bytes(text)), text).toEqual(JSON.parse(text))
    }
  })

  test('and __proto__ is a key like any other: it is kept, and changes no prototype', () => {
    const read = parseStrictJson(bytes('{"__proto__":{"polluted":1}}')) as Record<string, unknown>
    expect(Object.keys(read)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
    expect(read.polluted).toBeUndefined()
  })
})

describe('a number that does not survive a double is refused', () => {
  test.each([
    '9007199254740993',
    '-9007199254740993',
    '123456789012345678',
    '0.30000000000000004441',
    '0.1000000000000000055511151231257827',
    '1e400',
    '-1e400',
    '1e-400',
    '3e-324',
    '1.00000000000000000001',
  ])('%s', (number) => expect(refusal(`{"n":[${number}]}`)).toBe('number-not-exact'))

  test.each([
    '0',
    '-0',
    '1.10',
    '100.00',
    '1e2',
    '1E-7',
    '0.1',
    '-3.25',
    '9007199254740991',
    '5e-324',
    '7.0',
  ])('%s does survive', (number) => expect(parseStrictJson(bytes(`[${number}]`))).toEqual([Number(number)]))
})

describe('what is not JSON is refused', () => {
  test.each([
    ['nothing', ''],
    ['white space only', ' \n'],
    ['a byte order mark', '\ufeff{}'],
    ['text after the value', '{} x'],
    ['a second value', '{}{}'],
    ['a null character after it', '{}\u0000'],
    ['a value cut short', '{"a":'],
    ['a string cut short', '{"a":"'],
    ['a string cut short in an escape', '{"a":"\\'],
    ['a trailing comma', '{"a":1,}'],
    ['a comment', '/**/{}'],
    ['single quotes', "{'a':1}"],
    ['a bare key', '{a:1}'],
    ['a raw tab in a string', '{"a":"\t"}'],
    ['an unknown escape', '{"a":"\\x41"}'],
    ['NaN', '{"a":NaN}'],
    ['a leading zero', '{"a":01}'],
    ['a plus sign', '{"a":+1}'],
    ['a bare fraction', '{"a":.5}'],
    ['a non-breaking space', '\u00a0{}'],
    ['brackets that do not match', '{"a":[}]'],
    ['more brackets closed than opened', ']]]'],
    ['a lone surrogate in a value', '{"a":"\\ud800"}'],
    ['a lone surrogate in a key', '{"\\udc00":1}'],
    ['surrogates in the wrong order', '"\\udc00\\ud800"'],
  ])('%s', (_what, text) => expect(refusal(text)).toBe('malformed-json'))

  test.each([
    ['a stray byte', [0x22, 0xff, 0x22]],
    ['an overlong form', [0x22, 0xc0, 0x80, 0x22]],
    ['a surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a character cut short', [0x22, 0xe2, 0x82, 0x22]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
  ])('bytes that are not UTF-8: %s', (_what, list) =>
    expect(refusal(Uint8Array.from(list))).toBe('malformed-json'),
  )
})

describe('depth', () => {
  test('is accepted to 64 levels and refused beyond', () => {
    expect(refusal(nested(64))).toBe('accepted')
    expect(refusal(nested(65))).toBe('too-deep')
    expect(refusal(`{"a":${'{"a":'.repeat(64)}1${'}'.repeat(65)}`)).toBe('too-deep')
  })

  test('is refused before anything recurses, however deep it is', () => {
    expect(refusal('['.repeat(5_000_000))).toBe('too-deep')
  })

  test('does not count brackets in strings, nor containers beside each other', () => {
    expect(refusal(`{"a":"${'['.repeat(100)}"}`)).toBe('accepted')
    expect(refusal(`[${Array.from({ length: 500 }, () => '[]').join(',')}]`)).toBe('accepted')
  })
})

test('whatever JSON.stringify writes is read back as it was', () => {
  const values = fc.jsonValue({ maxDepth: 8 }).filter((value) => JSON.stringify(value).isWellFormed())
  fc.assert(
    fc.property(values, fc.constantFrom(undefined, 2, '\t'), (value, space) => {
      const text = JSON.stringify(value, undefined, space)
      // What a double would not survive as decimal text (whole numbers above 2^53) is refused, so it is left out.
      fc.pre(!/\d{16,}|e\+/.test(text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')))
      expect(parseStrictJson(bytes(text))).toEqual(JSON.parse(text))
    }),
    seeded({ numRuns: 1_000 }),
  )
})

test('any bytes at all are read or refused with a code, never with another error', () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc
      .array(fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '\\', 'a', '1', '.', '-', 'e', ' '), {
        maxLength: 30,
      })
      .map((list) => bytes(list.join(''))),
  )
  const codes = ['accepted', 'malformed-json', 'duplicate-key', 'number-not-exact', 'too-deep']
  fc.assert(
    fc.property(noise, (input) => {
      expect(codes).toContain(refusal(input))
    }),
    seeded({ numRuns: 5_000 }),
  )
})

test('where nothing is committed to, any number will do, and any depth that the caller bears; keys come once all the same', () => {
  const limits = { maxDepth: 10_000, exactNumbers: false }
  const read = (text: string) => parseStrictJson(bytes(text), limits)
  expect(read('[3.14159265358979312, 1e999]')).toEqual([Math.PI, Infinity])
  expect(read(nested(10_000))).toHaveLength(1)
  expect(() => read(nested(10_001))).toThrow()
  expect(() => read('{"a":1,"a":1}')).toThrow()
})

import { describe, expect, test } from 'vitest'
import {
  JsonError,
  jsonText,
  parseJson,
  sortedText,
  withText,
} from '../../../src/sandbox/fhir-server/json.ts'

describe('JSON of records', () => {
  test('numbers are written with the digits they came with', () => {
    for (const text of ['{"a":1.0}', '[1.50,-0,1e400,12345678901234567890.123]', '0.10000000000000000001']) {
      expect(jsonText(parseJson(text))).toBe(text)
    }
  })

  test('what was read from a text is written as that text', () => {
    const text = '{ "b" : 1.0,\n"a": [ ] }'
    expect(jsonText({ entry: [withText(parseJson(text) as object, text)] })).toBe(`{"entry":[${text}]}`)
  })

  test('a name may stand once in an object, however it is escaped', () => {
    for (const text of [
      '{"a":1,"a":2}',
      '{"a":1,"\\u0061":2}',
      '[{"b":{"a":1,"c":"}","a":1}}]',
      '{"__proto__":1}',
    ]) {
      expect(() => parseJson(text), text).toThrow(JsonError)
    }
    for (const text of [
      '{"a":{"a":1}}',
      '[{"a":1},{"a":1}]',
      '{"a":"\\"a\\":","b":["a","a"]}',
      '{"a\\\\":1,"a":2}',
    ]) {
      expect(jsonText(parseJson(text)), text).toBe(text)
    }
  })

  test('depth is bounded before anything recursive runs', () => {
    expect(() => parseJson('['.repeat(1_000_000))).toThrow(/nested/)
    expect(() => parseJson('{"a":'.repeat(101))).toThrow(/nested/)
    expect(jsonText(parseJson(`${'['.repeat(100)}${']'.repeat(100)}`))).toHaveLength(200)
  })

  test('malformed text is refused with a JsonError, never with another', () => {
    for (const text of [
      '',
      '{',
      '"',
      '{"a"}',
      '{"a":1,}',
      '{"\\x":1}',
      'NaN',
      '01',
      "{'a':1}",
      '[1 2]',
      '"\\',
      '{"a":1}}',
    ]) {
      expect(() => parseJson(text), text).toThrow(JsonError)
    }
    expect(() => parseJson('{"a":"\\u0000"}')).toThrow(JsonError)
  })

  test('the order of names makes no difference to the sorted text, everything else does', () => {
    expect(sortedText(parseJson('{"b":[1,{"d":1,"c":2}],"a":1}'))).toBe('{"a":1,"b":[1,{"c":2,"d":1}]}')
    expect(sortedText(parseJson('1.0'))).not.toBe(sortedText(parseJson('1.00')))
  })
})

import { isSafeNumber } from 'lossless-json'
import { wayleaveError } from '../errors.ts'

export type StrictJsonLimits = {
  /** Deepest nesting accepted, 64 unless told; FHIR resources seldom pass 20. */
  maxDepth?: number
  /** False where nothing is committed to, so that it does not matter whether a double holds a number exactly. */
  exactNumbers?: boolean
}

/**
 * Reads JSON as RFC 8785 (and RFC 7493, I-JSON) require before anything is committed to: UTF-8 without a byte order
 * mark, no duplicate keys, no lone surrogates, no number whose value a double cannot hold, bounded depth.
 *
 * @throws WayleaveError `malformed-json`, `duplicate-key`, `number-not-exact` or `too-deep`.
 */
export function parseStrictJson(
  bytes: Uint8Array,
  { maxDepth = 64, exactNumbers = true }: StrictJsonLimits = {},
): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw wayleaveError('malformed-json', 'not UTF-8', cause)
  }
  scan(text, maxDepth, exactNumbers)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw wayleaveError('malformed-json', String(cause), cause)
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Goes through the text once before the parser, which accepts lone surrogates, takes the last of a key that comes twice,
 * and rounds numbers. What is not JSON at all is left for the parser to say.
 */
function scan(text: string, maxDepth: number, exactNumbers: boolean): void {
  /** The containers that are open here: for an object the keys seen so far, for an array nothing. */
  const open: (Set<string> | undefined)[] = []
  let keyNext = false
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    switch (char) {
      case QUOTE: {
        const start = i
        i = endOfString(text, start)
        const value = stringAt(text, start, i)
        const keys = keyNext ? open.at(-1) : undefined
        if (!keys) break
        if (keys.has(value)) throw wayleaveError('duplicate-key', value.slice(0, 40))
        keys.add(value)
        keyNext = false
        break
      }
      case 0x7b: // {
      case 0x5b: // [
        keyNext = char === 0x7b
        if (open.push(keyNext ? new Set() : undefined) > maxDepth)
          throw wayleaveError('too-deep', `more than ${maxDepth} levels`)
        break
      case 0x7d: // }
      case 0x5d: // ]
        open.pop()
        keyNext = false
        break
      case 0x2c: // ,
        keyNext = open.at(-1) !== undefined
        break
      default:
        if (!isInNumber(char)) break
        i = endOfNumber(text, i, exactNumbers) - 1
    }
  }
}

/** Digits, signs, the point and the exponent: also letters of `true` and `false`, which are no number and do no harm. */
const isInNumber = (char: number): boolean =>
  (char >= 0x30 && char <= 0x39) || char === 0x2d || char === 0x2b || char === 0x2e || (char | 0x20) === 0x65

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
/** Decimal digits that every double keeps (IEEE 754, DBL_DIG). */
const SAFE_DIGITS = 15

function endOfNumber(text: string, start: number, isExact: boolean): number {
  let end = start + 1
  while (end < text.length && isInNumber(text.charCodeAt(end))) end++
  if (!isExact) return end
  const token = text.slice(start, end)
  if (token.length <= SAFE_DIGITS && !/e/i.test(token)) return end
  if (NUMBER.test(token) && !(Number.isFinite(Number(token)) && isSafeNumber(token)))
    throw wayleaveError('number-not-exact', token.slice(0, 40))
  return end
}

/** Where the string that begins at `start` ends, or the end of the text. */
export function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (char === QUOTE) return i
    if (char === BACKSLASH) i++
  }
  return text.length
}

/** The value of the string between its quotes at `start` and `end`; its raw form where it is no JSON string. */
function stringAt(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end)
  if (!raw.includes('\\')) return raw
  let value: string
  try {
    value = JSON.parse(`"${raw}"`) as string
  } catch {
    return raw
  }
  // RFC 8785 §3.2.2.2 gives a lone surrogate no canonical form.
  if (!value.isWellFormed()) throw wayleaveError('malformed-json', 'a lone surrogate')
  return value
}

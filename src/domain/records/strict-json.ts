import { isSafeNumber, parse } from 'lossless-json'
import { WayleaveError, wayleaveError } from '../errors.ts'

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
  scan(text, maxDepth)
  try {
    if (!exactNumbers) return JSON.parse(text)
    return parse(text, undefined, {
      parseNumber: (value) => {
        const number = Number(value)
        if (!Number.isFinite(number) || !isSafeNumber(value))
          throw wayleaveError('number-not-exact', value.slice(0, 40))
        return number
      },
    })
  } catch (cause) {
    if (cause instanceof WayleaveError) throw cause
    throw wayleaveError('malformed-json', String(cause), cause)
  }
}

/**
 * Goes through the text once before the parser, which recurses, accepts lone surrogates, and passes over a key that
 * comes twice with one value. What is not JSON at all is left for the parser to say.
 */
function scan(text: string, maxDepth: number): void {
  /** The containers that are open here: for an object the keys seen so far, for an array nothing. */
  const open: (Set<string> | undefined)[] = []
  let keyNext = false
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case '"': {
        const start = i
        i = endOfString(text, start)
        const value = stringAt(text, start, i)
        const keys = open.at(-1)
        if (!keyNext || !keys) break
        if (keys.has(value)) throw wayleaveError('duplicate-key', value.slice(0, 40))
        keys.add(value)
        keyNext = false
        break
      }
      case '{':
      case '[':
        keyNext = text[i] === '{'
        if (open.push(keyNext ? new Set() : undefined) > maxDepth)
          throw wayleaveError('too-deep', `more than ${maxDepth} levels`)
        break
      case '}':
      case ']':
        open.pop()
        keyNext = false
        break
      case ',':
        keyNext = open.at(-1) !== undefined
        break
      default:
    }
  }
}

/** Where the string that begins at `start` ends, or the end of the text. */
export function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '"') return i
    if (text[i] === '\\') i++
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

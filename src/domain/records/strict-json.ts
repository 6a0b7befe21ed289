import { isSafeNumber, parse } from 'lossless-json'
import { wayleaveError } from '../errors.ts'

/** Deepest nesting accepted; FHIR resources seldom pass 20. */
const MAX_DEPTH = 64

/**
 * Reads JSON as RFC 8785 (and RFC 7493, I-JSON) require before anything is committed to: UTF-8, no duplicate keys, no
 * number whose value a double cannot hold, bounded depth.
 *
 * @throws WayleaveError `malformed-json`, `duplicate-key`, `number-not-exact` or `too-deep`.
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw wayleaveError('malformed-json', 'not UTF-8', cause)
  }
  assertDepth(text)
  try {
    return parse(text, undefined, {
      parseNumber: (value) => {
        const number = Number(value)
        if (!Number.isFinite(number) || !isSafeNumber(value))
          throw wayleaveError('number-not-exact', value.slice(0, 40))
        return number
      },
      onDuplicateKey: ({ key }) => {
        throw wayleaveError('duplicate-key', key.slice(0, 40))
      },
    })
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause) throw cause
    throw wayleaveError('malformed-json', String(cause), cause)
  }
}

/** The parser recurses, so the depth is counted before it runs. */
function assertDepth(text: string): void {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (inString) {
      if (c === 0x5c) i++
      else if (c === 0x22) inString = false
    } else if (c === 0x22) inString = true
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > MAX_DEPTH) throw wayleaveError('too-deep', `more than ${MAX_DEPTH} levels`)
    } else if (c === 0x7d || c === 0x5d) depth--
  }
}

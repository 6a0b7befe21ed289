import { WayleaveError } from '../../errors.ts'
import { endOfString, parseStrictJson, type StrictJsonLimits } from '../../records/strict-json.ts'
import { isObject } from '../fhir/read.ts'
import { UNREADABLE } from './entries.ts'

/** Bundles in Bundles as deep as they are opened, and a resource in the innermost. */
const LIMITS: StrictJsonLimits = { maxDepth: 128 }

/**
 * Reads what a server answered. An entry of the outermost Bundle that is no strict JSON (a key twice, a number that would
 * not survive) stays unreadable by itself, and is withheld by `filterAnswer`; the others are read.
 *
 * @throws WayleaveError as `parseStrictJson`, where the answer as a whole cannot be read
 */
export function readAnswer(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes, LIMITS)
  } catch (error) {
    if (!(error instanceof WayleaveError)) throw error
    return readApart(bytes, error)
  }
}

function readApart(bytes: Uint8Array, error: WayleaveError): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw error
  }
  const spans = entrySpans(text)
  if (spans.length === 0) throw error
  const encoder = new TextEncoder()
  const read = (part: string) => parseStrictJson(encoder.encode(part), LIMITS)
  // The Bundle without its entries: what is wrong there is wrong with all of it.
  let rest = ''
  let from = 0
  for (const [start, end] of spans) {
    rest += `${text.slice(from, start)}null`
    from = end
  }
  const bundle = read(rest + text.slice(from))
  if (!isObject(bundle)) throw error
  const entry = spans.map(([start, end]) => {
    try {
      return read(text.slice(start, end))
    } catch {
      return UNREADABLE
    }
  })
  return { ...bundle, entry }
}

type Span = readonly [start: number, end: number]

/** Where the elements of the outermost object's `entry` begin and end; whatever is no JSON fails when it is read. */
function entrySpans(text: string): Span[] {
  const spans: Span[] = []
  let depth = 0
  let key = ''
  let start = -1
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case '"': {
        const end = endOfString(text, i)
        if (depth === 1 && text[nextAfter(text, end)] === ':') key = text.slice(i + 1, end)
        i = end
        break
      }
      case '{':
      case '[':
        depth++
        if (depth === 2 && text[i] === '[' && key === 'entry') start = i + 1
        break
      case '}':
      case ']':
        if (depth === 2 && start >= 0) {
          spans.push([start, i])
          start = -1
        }
        depth--
        break
      case ',':
        if (depth === 2 && start >= 0) {
          spans.push([start, i])
          start = i + 1
        }
        if (depth === 1) key = ''
        break
      default:
    }
  }
  return spans
}

function nextAfter(text: string, end: number): number {
  let i = end + 1
  while (' \t\n\r'.includes(text[i] ?? '-')) i++
  return i
}

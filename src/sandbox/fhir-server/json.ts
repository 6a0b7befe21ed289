// JSON as a record server needs it: numbers keep the digits they came with (FHIR R4 §2.24.0.1: 1.0 is not 1.00), a
// name may stand only once in an object, and nesting is bounded before anything recursive runs.

/** Deepest nesting accepted. The deepest R4 resources in use stay under 20, a Bundle adds three. */
const MAX_DEPTH = 100

/** JSON that is refused. The message may be shown to whoever sent it. */
export class JsonError extends Error {
  readonly code = 'JSON'
  constructor(message: string) {
    super(message)
    this.name = 'JsonError'
  }
}

// In the standard of JSON.parse source text access (ES2026), not yet in TypeScript's es2024 library.
type JsonWithSource = typeof JSON & {
  rawJSON(text: string): object
  isRawJSON(value: unknown): value is { rawJSON: string }
}
const json = JSON as JsonWithSource

/**
 * Parses JSON. A number becomes an object that `jsonText` writes with the digits it was read with.
 * @throws JsonError for anything malformed, too deep, or ambiguous.
 */
export function parseJson(text: string): unknown {
  try {
    scan(text)
    return JSON.parse(text, keepSource as (key: string, value: unknown) => unknown)
  } catch (error) {
    if (error instanceof SyntaxError) throw new JsonError(`Malformed JSON: ${error.message}`)
    throw error
  }
}

function keepSource(_key: string, value: unknown, context: { source: string }): unknown {
  if (typeof value === 'number') return json.rawJSON(context.source)
  if (typeof value === 'string' && value.includes('\0'))
    throw new JsonError('A string holds the character U+0000')
  return value
}

const [QUOTE, COMMA, OPEN_ARRAY, BACKSLASH, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [
  0x22, 0x2c, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d,
]

/** Finds excessive depth and repeated names. Leaves every other fault to the parser. */
function scan(text: string): void {
  const names: (Set<string> | undefined)[] = []
  let nameNext = false
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE: {
        const end = endOfString(text, i + 1)
        if (nameNext) addName(names.at(-1), text.slice(i, end + 1))
        nameNext = false
        i = end
        break
      }
      case OPEN_OBJECT:
        nameNext = names.push(new Set()) <= MAX_DEPTH
        break
      case OPEN_ARRAY:
        names.push(undefined)
        nameNext = false
        break
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        names.pop()
        nameNext = false
        break
      case COMMA:
        nameNext = names.at(-1) !== undefined
        break
    }
    if (names.length > MAX_DEPTH) throw new JsonError(`JSON nested more than ${MAX_DEPTH} deep`)
  }
}

function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return end
  }
  return text.length
}

function addName(names: Set<string> | undefined, quoted: string): void {
  const name: string = quoted.includes('\\') ? JSON.parse(quoted) : quoted.slice(1, -1)
  if (name === '__proto__') throw new JsonError('The name "__proto__" is not allowed')
  if (names?.has(name)) throw new JsonError(`The name "${name}" stands twice in one object`)
  names?.add(name)
}

const exactText = Symbol('the JSON text that this object was read from')

/** Marks `value` as read from `text`: `jsonText` answers with exactly that text from then on. */
export function withText<T extends object>(value: T, text: string): T {
  Object.defineProperty(value, exactText, { value: text })
  return value
}

/** Writes JSON, with stored resources and numbers exactly as they came. */
export function jsonText(value: unknown): string {
  if (value === null || typeof value !== 'object' || json.isRawJSON(value)) return JSON.stringify(value)
  const text: string | undefined = (value as { [exactText]?: string })[exactText]
  if (text !== undefined) return text
  if (Array.isArray(value)) return `[${value.map((item) => jsonText(item ?? null)).join(',')}]`
  return `{${Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([name, item]) => `${JSON.stringify(name)}:${jsonText(item)}`)
    .join(',')}}`
}

/** One text for all objects that differ only in the order of their names. */
export function sortedText(value: unknown): string {
  if (value === null || typeof value !== 'object' || json.isRawJSON(value)) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(sortedText).join(',')}]`
  return `{${Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, item]) => `${JSON.stringify(name)}:${sortedText(item)}`)
    .join(',')}}`
}

/** True for objects that hold names, not for arrays nor for the numbers `parseJson` makes. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !json.isRawJSON(value)
}

import { isObject } from './json.ts'
import { localReference } from './references.ts'
import { type SearchParameter, searchParametersOf } from './search-parameters.ts'

// What a resource is found by. Exact values are kept as terms, each with everything that must match written into it
// (`Patient.identifier=system|value`), so that one index answers every such search. Only what a query may legally leave
// out has a second term: a token is also found by its value or its system alone.

export type SearchIndex = { terms: string[]; words: string }

/** @param base the server's base URL, to know an absolute reference to itself. */
export function searchIndexOf(resource: { resourceType: string }, base: string): SearchIndex {
  const terms = new Set<string>()
  const words = new Set<string>()
  for (const parameter of searchParametersOf(resource.resourceType).values()) {
    const at = `${resource.resourceType}.${parameter.code}`
    for (const value of parameter.paths.flatMap((path) => valuesAt(resource, path))) {
      if (parameter.kind === 'string')
        for (const text of textsOf(value)) words.add(wordLine(parameter.code, text))
      else for (const term of termsOf(parameter, value, base)) terms.add(`${at}${term}`)
    }
  }
  return { terms: [...terms], words: [...words].join('') }
}

/** A line of `words`; a search for the start of a word looks for the start of a line. */
export const wordLine = (code: string, text: string) => `\n${code}=${normalise(text)}`

/** Text as string search compares it: without case and accents (FHIR R4 §3.1.1.4.8). */
function normalise(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('\n', ' ').trim()
}

/** All values at a path, through arrays. */
function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path))
  const [name, ...rest] = path
  if (name === undefined) return value === undefined || value === null ? [] : [value]
  return isObject(value) ? valuesAt(value[name], rest) : []
}

function termsOf({ kind, target }: SearchParameter, value: unknown, base: string): string[] {
  if (kind === 'token') return tokensOf(value).flatMap(tokenTerms)
  if (kind === 'date') return typeof value === 'string' ? datePrefixes(value).map((date) => `=${date}`) : []
  if (!isObject(value) || typeof value.reference !== 'string') return []
  const reference = localReference(value.reference, base)
  const [type, id] = reference.split('/')
  if (target !== undefined) return type === target ? [`=${reference}`] : []
  return id === undefined ? [`=${reference}`] : [`=${reference}`, `:id=${id}`]
}

type Token = { system?: string; value: string }

function tokensOf(value: unknown): Token[] {
  if (typeof value === 'string') return [{ value }]
  if (!isObject(value)) return []
  if (Array.isArray(value.coding)) return value.coding.flatMap(tokensOf)
  const text = value.value ?? value.code
  if (typeof text !== 'string') return []
  return [{ ...(typeof value.system === 'string' && { system: value.system }), value: text }]
}

function tokenTerms({ system = '', value }: Token): string[] {
  return [`=${system}|${value}`, `:value=${value}`, ...(system ? [`:system=${system}`] : [])]
}

/** A date and the year and month that it lies in: a search by month finds every day of it. */
function datePrefixes(date: string): string[] {
  return [4, 7, 10].filter((length) => date.length >= length).map((length) => date.slice(0, length))
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value, ...value.split(/\s+/)]
  if (!isObject(value)) return []
  return ['text', 'family', 'given', 'prefix', 'suffix'].flatMap((name) => textsIn(value[name]))
}

function textsIn(value: unknown): string[] {
  return [value].flat().flatMap((item) => (typeof item === 'string' ? [item] : []))
}

/** Business identifiers: how a logical or a conditional reference names what it means (R4 §2.3.0.1, §3.1.0.11.5). */
import type { Identifier } from '../../identity/national-ids.ts'
import { isObject, textOf } from '../fhir/read.ts'

export function readIdentifier(value: unknown): Identifier | undefined {
  if (!isObject(value)) return undefined
  const system = textOf(value.system)
  const text = textOf(value.value)
  return system === undefined || text === undefined ? undefined : { system, value: text }
}

/** What a search by one identifier and nothing else asks for: the query of a conditional reference. */
export function identifierOfQuery(query: string): Identifier | undefined {
  const [name, token, ...more] = query.split('=')
  if (name !== 'identifier' || token === undefined || more.length > 0) return undefined
  const text = decoded(token)
  const bar = text.indexOf('|')
  return bar < 0 ? undefined : readIdentifier({ system: text.slice(0, bar), value: text.slice(bar + 1) })
}

/** The name that identifiers give; no key of a resource begins like this. */
export const aliasOf = ({ system, value }: Identifier): string => `=${system}|${value}`

export const isAlias = (key: string): boolean => key.startsWith('=')

/** Percent-decoded; as it is where that is not possible. */
export function decoded(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

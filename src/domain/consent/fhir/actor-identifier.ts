import type { Identifier } from '../../identity/national-ids.ts'
import { isObject, type JsonObject, listOf, textOf, wordOf } from './read.ts'

/** The identifier by which a Consent names an actor: of the reference itself, or of the contained Organization there. */
export function identifierOf(reference: JsonObject, consent: JsonObject): Identifier | undefined {
  const literal = textOf(reference.reference)
  const contained = literal?.startsWith('#')
    ? listOf(consent.contained).find((one) => isObject(one) && `#${wordOf(one.id)}` === literal)
    : undefined
  const of = isObject(contained) ? listOf(contained.identifier)[0] : reference.identifier
  if (!isObject(of)) return undefined
  const system = textOf(of.system)
  const value = textOf(of.value)
  return system && value ? { system, value } : undefined
}

import { type Hex, ZERO_32 } from '../hex.ts'
import { isKindAllowed, isSensitiveKind } from './sensitivities.ts'

/**
 * What a consent covers, in clear: data classes, sensitive kinds allowed, and the hash of a FHIR Consent body (zero where
 * there is none). Lists are sorted and free of doubles, so that the same terms have one form.
 */
export type Terms = { dataClasses: string[]; sensitivities: string[]; body: Hex }

/** Terms with their random salt: what the patient signs. */
export type SaltedTerms = Terms & { salt: Hex }

export function normalTerms(terms: {
  dataClasses: readonly string[]
  sensitivities: readonly string[]
  body?: Hex
}): Terms {
  const sorted = (list: readonly string[]) => [...new Set(list)].sort()
  return {
    dataClasses: sorted(terms.dataClasses),
    sensitivities: sorted(terms.sensitivities),
    body: terms.body ?? ZERO_32,
  }
}

/** Whether the terms open a record of this class whose sensitive kinds are these: every kind must be allowed. */
export function termsCover(
  terms: Terms,
  dataClass: string,
  kinds: readonly string[],
): 'covered' | 'class' | 'kind' {
  if (!terms.dataClasses.includes(dataClass)) return 'class'
  const allowed = (kind: string) => isSensitiveKind(kind) && isKindAllowed(kind, terms.sensitivities)
  return kinds.every(allowed) ? 'covered' : 'kind'
}

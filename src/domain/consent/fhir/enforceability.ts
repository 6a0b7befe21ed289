import { createDirectory } from './directory.ts'
import { type Defect, parseConsent } from './parse-consent.ts'
import { isObject } from './read.ts'

/**
 * What of a Consent could not be enforced, whoever asks: empty where it may be filed. Paths are FHIRPaths from the
 * Consent.
 */
export function enforceability(consent: unknown): Defect[] {
  if (!isObject(consent) || consent.resourceType !== 'Consent') return [{ path: '', reason: 'not a Consent' }]
  const { provisions, unidentified } = parseConsent(consent, createDirectory([]))
  return [...provisions.flatMap(({ defects }) => defects), ...unidentified]
}

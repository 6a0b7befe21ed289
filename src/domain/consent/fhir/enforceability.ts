import type { CompiledConsents } from './decide-consents.ts'
import { createDirectory } from './directory.ts'
import { type Defect, parseConsent } from './parse-consent.ts'
import { isObject } from './read.ts'

/**
 * What of a Consent could not be enforced, whoever asks: empty where it may be filed. Paths are FHIRPaths from the
 * Consent.
 */
export function enforceability(consent: unknown): Defect[] {
  if (!isObject(consent) || consent.resourceType !== 'Consent') return [{ path: '', reason: 'not a Consent' }]
  const { provisions, unmatchable } = parseConsent(consent, createDirectory([]))
  return [...provisions.flatMap(({ defects }) => defects), ...unmatchable]
}

/** The same of every consent in force among those compiled, each with the id of its consent. */
export function defectsOf({ consents }: CompiledConsents): (Defect & { id: string })[] {
  return consents
    .filter(({ isActive }) => isActive)
    .flatMap(({ id, provisions, unmatchable }) =>
      [...provisions.flatMap(({ defects }) => defects), ...unmatchable].map((defect) => ({ id, ...defect })),
    )
}

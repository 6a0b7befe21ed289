import { isPurpose } from '../domain/consent/purposes.ts'
import { wayleaveError } from '../domain/errors.ts'

/** Who asks, in what role, for which organisation and purpose: the `hl7-b2b` extension of UDAP, as Wayleave needs it. */
export type Asker = {
  userId: string
  userName?: string
  role: string
  /** `system|value` of the clinical organisation. */
  organization: string
  purpose: string
}

const text = (x: unknown, max = 256): string | undefined =>
  typeof x === 'string' && x.length > 0 && x.length <= max ? x : undefined

/**
 * Reads `extensions["hl7-b2b"]` of a client assertion (HL7 UDAP Security IG, B2B authorization extension). A purpose is
 * given bare (`TREAT`) or as `system#code`; exactly one is taken, since a token serves one purpose.
 * @throws WayleaveError `user-missing`, `purpose-missing` or `purpose-unknown`.
 */
export function readAsker(claims: Record<string, unknown>): Asker {
  const extensions = claims.extensions as Record<string, unknown> | undefined
  const b2b = extensions?.['hl7-b2b'] as Record<string, unknown> | undefined
  const userId = text(b2b?.subject_id)
  const role = text(b2b?.subject_role)
  const organization = text(b2b?.organization_id)
  if (!userId || !role || !organization)
    throw wayleaveError('user-missing', 'hl7-b2b lacks user, role or organisation')
  const purposes = b2b?.purpose_of_use
  if (!Array.isArray(purposes) || purposes.length !== 1)
    throw wayleaveError('purpose-missing', 'exactly one purpose_of_use')
  const purpose = text(purposes[0])?.split('#').at(-1)
  if (!isPurpose(purpose)) throw wayleaveError('purpose-unknown')
  const userName = text(b2b?.subject_name)
  return { userId, role, organization, purpose, ...(userName ? { userName } : {}) }
}

/** The extension that {@link readAsker} reads. */
export function b2bExtension(asker: Asker): { 'hl7-b2b': Record<string, unknown> } {
  return {
    'hl7-b2b': {
      version: '1',
      subject_id: asker.userId,
      ...(asker.userName ? { subject_name: asker.userName } : {}),
      subject_role: asker.role,
      organization_id: asker.organization,
      purpose_of_use: [asker.purpose],
    },
  }
}

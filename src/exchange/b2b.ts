import { isPurpose, PURPOSE_SYSTEM } from '../domain/consent/purposes.ts'
import { wayleaveError } from '../domain/errors.ts'

/** Who asks, in what role, for which organisation and purpose: of `hl7-b2b` (UDAP) or `ihe_iua` (IHE IUA), what is needed here. */
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
 * Reads `extensions["hl7-b2b"]` of a client assertion (HL7 UDAP Security IG, B2B authorization extension), or where there is
 * none `extensions.ihe_iua` (IHE IUA, 3.71.4.2.2.1.1), whose user is the assertion's `user` or `sub`. A purpose is given bare
 * (`TREAT`), as `system#code` or as a coding; exactly one is taken, since a token serves one purpose.
 * @throws WayleaveError `user-missing`, `purpose-missing` or `purpose-unknown`.
 */
export function readAsker(claims: Record<string, unknown>): Asker {
  const extensions = claims.extensions as Record<string, unknown> | undefined
  const b2b = (extensions?.['hl7-b2b'] ?? fromIua(claims, extensions?.ihe_iua)) as
    | Record<string, unknown>
    | undefined
  const userId = text(b2b?.subject_id)
  const role = text(b2b?.subject_role)
  const organization = text(b2b?.organization_id)
  if (!userId || !role || !organization)
    throw wayleaveError('user-missing', 'user, role or organisation is missing')
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

type Coded = { system?: unknown; code?: unknown } | null | undefined

const codeOf = (coding: unknown): string | undefined => {
  if (typeof coding === 'string') return coding
  const { system, code } = (coding as Coded) ?? {}
  if (typeof code !== 'string') return undefined
  return typeof system === 'string' ? `${system}#${code}` : code
}

/** The same claims under the names of IUA; undefined where they are not those of IUA at all. */
function fromIua(claims: Record<string, unknown>, iua: unknown): Record<string, unknown> | undefined {
  if (typeof iua !== 'object' || iua === null) return undefined
  const { subject_name, subject_organization_id, subject_role, purpose_of_use } = iua as Record<
    string,
    unknown
  >
  return {
    subject_id: claims.user ?? claims.sub,
    subject_name,
    subject_role: codeOf(Array.isArray(subject_role) ? subject_role[0] : subject_role),
    organization_id: subject_organization_id,
    purpose_of_use: Array.isArray(purpose_of_use) ? purpose_of_use.map(codeOf) : undefined,
  }
}

/** Who asks, as a resource server that knows IUA reads it out of an access token (IHE IUA, 3.71.4.2.2.1.1). */
export function iuaExtension(asker: Asker): { ihe_iua: Record<string, unknown> } {
  const [system, code] = asker.role.split('#')
  return {
    ihe_iua: {
      ...(asker.userName ? { subject_name: asker.userName } : {}),
      subject_organization_id: asker.organization,
      subject_role: [code ? { system, code } : { code: asker.role }],
      purpose_of_use: [{ system: PURPOSE_SYSTEM, code: asker.purpose }],
    },
  }
}

/**
 * Under which consent a token was issued (IHE PCF, 3.71.4.2.2.1.4). Patient and consent are named by the share of which the
 * grantee knows: an identifier of the person, or of the Consent at the custodian, is nothing for a token that is not sealed
 * (I6). There is no residual, since a token is for one record or for a list that is made for it.
 */
export function pcfExtension(shareReference: string): { ihe_pcf: Record<string, unknown> } {
  const urn = shareUrn(shareReference)
  return {
    ihe_pcf: { patient_id: urn, doc_id: [urn], acp: ['https://wayleave.example/fhir/policy/patient-signed'] },
  }
}

/** The 16 random bytes of a share's reference, as the URN of a UUID (RFC 9562). */
export function shareUrn(reference: string): string {
  const hex = Buffer.from(reference, 'base64url').toString('hex')
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
  return `urn:uuid:${parts.join('-')}`
}

import * as dni from 'stdnum/lib/cjs/es/dni.js'
import * as bsn from 'stdnum/lib/cjs/nl/bsn.js'
import * as ssn from 'stdnum/lib/cjs/us/ssn.js'

/** A FHIR R4 Identifier as far as Wayleave uses it: `system` an absolute URI, `value` the number in it. */
export type Identifier = { system: string; value: string }

type Validate = (value: string) => { isValid: boolean; compact?: string }

/**
 * The national identifiers that Wayleave knows, by FHIR identifier system: a patient can be asked for by these
 * and by no other. A further country is one more line. The validators are imported one by one, since the whole
 * of stdnum takes a quarter of a second to load.
 */
const NATIONAL_IDS: Readonly<Record<string, { name: string; country: string; validate: Validate }>> = {
  'http://fhir.nl/fhir/NamingSystem/bsn': { name: 'BSN', country: 'NL', validate: bsn.validate },
  'urn:oid:1.3.6.1.4.1.19126.3': { name: 'DNI', country: 'ES', validate: dni.validate },
  'http://hl7.org/fhir/sid/us-ssn': { name: 'SSN', country: 'US', validate: ssn.validate },
}

/** A system of national identifiers: what people call the number, and the country whose it is (ISO 3166-1). */
export type NationalIdSystem = { system: string; name: string; country: string }

export const nationalIdSystems = (): NationalIdSystem[] =>
  Object.entries(NATIONAL_IDS).map(([system, { name, country }]) => ({ system, name, country }))

/** Longer than any national identifier with its separators; what is longer is not looked at. */
const LONGEST = 32

export type NationalIdCheck =
  | { ok: true; identifier: Identifier }
  | { ok: false; code: 'identifier-system-unknown' | 'identifier-invalid' }

/**
 * Checks a national identifier by the rules of its system (length, ranges, check digit) and gives its compact
 * form, without separators, in which equal numbers are equal strings. A number that was never issued passes if
 * it is well-formed: whether the person is known is for the hospital to say.
 */
export function checkNationalId({ system, value }: Identifier): NationalIdCheck {
  const validate = Object.hasOwn(NATIONAL_IDS, system) ? NATIONAL_IDS[system]?.validate : undefined
  if (!validate) return { ok: false, code: 'identifier-system-unknown' }
  const checked = value.length <= LONGEST ? validate(value) : undefined
  // A row of noughts satisfies every check digit and is nobody's number.
  if (!checked?.isValid || !checked.compact || /^0+\D?$/.test(checked.compact)) {
    return { ok: false, code: 'identifier-invalid' }
  }
  return { ok: true, identifier: { system, value: checked.compact } }
}

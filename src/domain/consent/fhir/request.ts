/** What is asked of the consents, as `wayleave decide` takes it. */
import { wayleaveError } from '../../errors.ts'
import { codingKey, keyOfCoding } from './codings.ts'
import { readInstant } from './dates.ts'
import { isObject, type JsonObject, textOf } from './read.ts'
import type { Recipient } from './recipient.ts'
import { isNamed, type Named, readIdentifiers, readReference } from './references.ts'

export type ConsentRequest = {
  /** Milliseconds since 1970. */
  readonly at: number
  /** Absent: consents of whomever. */
  readonly patient?: Named
  readonly recipient: Recipient
  /** Keys of codings, at least one. */
  readonly purposes: readonly string[]
  readonly actions: readonly string[]
  /** Keys; absent: any. */
  readonly categories?: readonly string[]
  /** Codes, a resource type or a profile each; absent: whatever there is. */
  readonly classes?: readonly string[]
}

const ACCESS = codingKey('http://terminology.hl7.org/CodeSystem/consentaction', 'access')

/**
 * Reads a request `{ at, patient?, recipient, purposeOfUse, action?, category?, class? }`.
 *
 * @throws WayleaveError `request-invalid`, naming the field
 */
export function readConsentRequest(value: unknown): ConsentRequest {
  if (!isObject(value)) throw invalid('the request is no object')
  const at = readInstant(value.at)
  if (at === undefined) throw invalid('at: no instant with date, time and zone')
  const purposes = codingsIn(value, 'purposeOfUse')
  if (!purposes) throw invalid('purposeOfUse: none')
  const patient = value.patient === undefined ? undefined : readPatient(value.patient)
  const categories = codingsIn(value, 'category')
  const classes = listIn(value, 'class')?.map((coding, index) => {
    const code = isObject(coding) ? textOf(coding.code) : undefined
    if (code === undefined) throw invalid(`class[${index}]: no code`)
    return code
  })
  return {
    at,
    ...(patient ? { patient } : {}),
    recipient: readRecipient(value.recipient),
    purposes,
    actions: codingsIn(value, 'action') ?? [ACCESS],
    ...(categories ? { categories } : {}),
    ...(classes ? { classes } : {}),
  }
}

const invalid = (detail: string) => wayleaveError('request-invalid', detail)

/** A list that is there and not empty. */
function listIn(object: JsonObject, name: string): readonly unknown[] | undefined {
  const value = object[name]
  if (value === undefined) return undefined
  if (!Array.isArray(value)) throw invalid(`${name}: not a list`)
  return value.length > 0 ? value : undefined
}

function codingsIn(object: JsonObject, name: string): string[] | undefined {
  return listIn(object, name)?.map((coding, index) => {
    const key = keyOfCoding(coding)
    if (key === undefined) throw invalid(`${name}[${index}]: a coding without system and code`)
    return key
  })
}

/** A Reference, by its reference or its identifier, or an Identifier. */
function readPatient(value: unknown): Named {
  const reference = readReference(value)
  const named = isNamed(reference) ? reference : { ids: readIdentifiers([value]), isGroup: false }
  if (!isNamed(named)) throw invalid('patient: neither a Reference nor an Identifier')
  return named
}

function readRecipient(value: unknown): Recipient {
  if (!isObject(value)) throw invalid('recipient: none')
  if (value.reference !== undefined && typeof value.reference !== 'string')
    throw invalid('recipient.reference: not a string')
  const { key, isGroup } = readReference({ reference: value.reference })
  if (value.reference !== undefined && key === undefined) throw invalid('recipient.reference: not Type/id')
  const identifiers = listIn(value, 'identifier') ?? []
  const ids = readIdentifiers(identifiers)
  if (ids.length < identifiers.length) throw invalid('recipient.identifier: one without a value')
  const roles = codingsIn(value, 'role')
  // An empty list says something: in no group at all.
  const groups = Array.isArray(value.groups) ? value.groups.map(readReference) : listIn(value, 'groups')
  return {
    named: { ...(key === undefined ? {} : { key }), ids, isGroup },
    ...(roles ? { roles: new Set(roles) } : {}),
    ...(groups ? { groups: groups as Named[] } : {}),
  }
}

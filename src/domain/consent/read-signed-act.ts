import { dayOfDate } from '../days.ts'
import { wayleaveError } from '../errors.ts'
import { type Hex, isHex, ZERO_32 } from '../hex.ts'
import { bodyHash, type ConsentBody, MAX_BODY_LENGTH } from './body-hash.ts'
import { GRANTEE_TYPES, type SaltedScope } from './scope.ts'
import { scopesRoot } from './scope-tree.ts'
import {
  type ActMessages,
  type ActName,
  AT_THE_DESK,
  actDomain,
  type HashedMessage,
  isForHandle,
  NARROWING,
  NESTED_TYPES,
  SIGNED_TYPES,
  scopeHash,
  type TypedData,
  type TypedDataDomain,
  typesOf,
} from './typed-data.ts'

/** A patient's signed act with its bodies in clear: for the custodian's eyes. */
export type SignedAct<A extends ActName = ActName> = {
  typedData: TypedData<A>
  signer: Hex
  signature: Hex
  /** The FHIR Consent body whose hash the terms name; absent where they name none. */
  body?: ConsentBody
  /** For whom and what a delegation is, beside its bounds; the signature covers it by the root alone. */
  helper?: HelperNote
  /** When the device says that it signed, ISO 8601 in UTC. Nothing is decided by it: the signature does not cover it. */
  signedAt?: string
}

/** What comes along with a delegation: what the patient calls the helper, and the scopes under the root that the bounds name. */
export type HelperNote = { name?: string; scopes: SaltedScope[] }

/** The same with nested structs replaced by their hashes, and the clear form sealed (JWE) to the custodian. */
export type HashedAct = {
  domain: TypedDataDomain
  act: ActName
  message: HashedMessage
  signer: Hex
  signature: Hex
  sealed: string
}

/** The contracts and chain that a broker accepts signatures for. */
export type ActPlace = {
  chainId: number
  consentRegistry: string
  patientRegistry: string
  /** What each of the two took over from: what narrows counts if signed for one of these. */
  predecessors?: { consentRegistry?: readonly string[]; patientRegistry?: readonly string[] }
}

const MAX_LIST = 64
const MAX_NAME = 80
/** As many slots as one signature revokes; the contract takes so many. */
export const MAX_REVOCATIONS = 256
/** A JWE that holds an act with the longest body, base64url twice over. */
const MAX_SEALED = 65_536

const isObject = (x: unknown): x is Record<string, unknown> =>
  typeof x === 'object' && x !== null && !Array.isArray(x)
const isText = (x: unknown, max: number): x is string =>
  typeof x === 'string' && x.length <= max && x.isWellFormed()
const isList = (x: unknown): x is string[] =>
  Array.isArray(x) && x.length <= MAX_LIST && x.every((i) => isText(i, 64))

/** One check for each EIP-712 type that our structs use. */
const CHECKS: Record<string, (x: unknown, allowHash: boolean) => boolean> = {
  bytes32: (x) => isHex(x, 32),
  uint16: (x) => isUint(x, 16),
  uint24: (x) => isUint(x, 24),
  uint32: (x) => isUint(x, 32),
  uint64: (x) => isUint(x, 53),
  bool: (x) => typeof x === 'boolean',
  // The only texts outside the nested structs are dates.
  string: (x) => isText(x, 10) && dayOfDate(x) !== undefined,
  Scope: (x, hash) => (hash ? isHex(x, 32) : isScope(x)),
  Terms: (x, hash) => (hash ? isHex(x, 32) : isTerms(x)),
  Bounds: (x, hash) => isFieldByField('Bounds', x, hash),
  'RevocationItem[]': (x, hash) =>
    Array.isArray(x) &&
    x.length > 0 &&
    x.length <= MAX_REVOCATIONS &&
    x.every((item) => isFieldByField('RevocationItem', item, hash)),
}

function isFieldByField(type: string, x: unknown, hashed: boolean): boolean {
  const fields = NESTED_TYPES[type] ?? []
  if (!isObject(x) || Object.keys(x).length !== fields.length) return false
  return fields.every(({ name, type: of }) => CHECKS[of]?.(x[name], hashed) && !isLast(name, of, x[name]))
}

function isUint(x: unknown, bits: number): boolean {
  return Number.isSafeInteger(x) && (x as number) >= 0 && (x as number) < 2 ** bits
}

function isScope(x: unknown): boolean {
  if (!isObject(x)) return false
  const { granteeType, grantee, purpose, salt, ...rest } = x
  const parts = isText(granteeType, 16) && isText(grantee, 512) && isText(purpose, 64) && isHex(salt, 32)
  return parts && GRANTEE_TYPES.some((type) => type === granteeType) && Object.keys(rest).length === 0
}

function isTerms(x: unknown): boolean {
  if (!isObject(x)) return false
  const { dataClasses, sensitivities, body, salt, ...rest } = x
  return (
    isList(dataClasses) &&
    isList(sensitivities) &&
    isHex(body, 32) &&
    isHex(salt, 32) &&
    Object.keys(rest).length === 0
  )
}

function isAct(x: unknown): x is ActName {
  return typeof x === 'string' && Object.hasOwn(SIGNED_TYPES, x)
}

/** Nothing follows these, so the contracts never take them: acknowledged, they would narrow here for ever and nowhere else. */
const isLast = (name: string, type: string, value: unknown): boolean =>
  name.startsWith('upTo') && value === 2 ** Number(type.slice('uint'.length)) - 1

/** Where the patient takes over there is no last day, and the person signing reads none. */
const isEndless = (act: ActName, name: string, value: unknown): boolean =>
  act === 'Recovery' && name === 'until' && value === ''

function checkMessage(act: ActName, message: unknown, hashed: boolean): void {
  if (!isObject(message)) throw wayleaveError('typed-data-invalid', 'no message')
  const fields = SIGNED_TYPES[act]
  for (const { name, type } of fields) {
    const value = message[name]
    if (isEndless(act, name, value)) continue
    if (!CHECKS[type]?.(value, hashed) || isLast(name, type, value))
      throw wayleaveError('typed-data-invalid', `field ${name}`)
  }
  if (Object.keys(message).length !== fields.length)
    throw wayleaveError('typed-data-invalid', 'unknown fields')
}

/** Which contracts an act may be signed for. A successor takes what narrows from its predecessors as well (I5, I9). */
function contractsFor(act: ActName, place: ActPlace): readonly string[] {
  const name = isForHandle(act) ? 'patientRegistry' : 'consentRegistry'
  return [place[name], ...(NARROWING.has(act) ? (place.predecessors?.[name] ?? []) : [])]
}

function checkDomain(act: ActName, domain: unknown, place: ActPlace): TypedDataDomain {
  if (!isObject(domain)) throw wayleaveError('typed-data-invalid', 'no domain')
  if (Number(domain.chainId) !== place.chainId) throw wayleaveError('wrong-chain')
  const given = String(domain.verifyingContract).toLowerCase()
  const contract = contractsFor(act, place).find((address) => address.toLowerCase() === given)
  if (contract === undefined) throw wayleaveError('wrong-contract')
  const expected = actDomain(act, place.chainId, given as Hex)
  if (domain.name !== expected.name || domain.version !== expected.version) {
    throw wayleaveError('typed-data-invalid', 'another name or version of the domain')
  }
  return expected
}

function checkSignature(x: Record<string, unknown>): { signer: Hex; signature: Hex } {
  const { signer, signature } = x
  if (!isHex(signer, 20) || !isHex(signature, 65))
    throw wayleaveError('signature-invalid', 'signer or signature malformed')
  return { signer: signer.toLowerCase() as Hex, signature }
}

/**
 * Reads `{ typedData, signer, signature }` as a wallet or `wayleave patient --sign-only` writes it. The types are not
 * taken from the caller: they are ours, whatever was sent.
 * @throws WayleaveError `typed-data-invalid`, `wrong-chain`, `wrong-contract`, `signature-invalid`, `consent-body-missing`,
 * `consent-body-mismatch`.
 */
export function readSignedAct(input: unknown, place: ActPlace): SignedAct {
  if (!isObject(input) || !isObject(input.typedData))
    throw wayleaveError('typed-data-invalid', 'no typedData')
  const { primaryType, domain, message } = input.typedData
  if (!isAct(primaryType)) throw wayleaveError('typed-data-invalid', 'an unknown primaryType')
  const accepted = checkDomain(primaryType, domain, place)
  checkMessage(primaryType, message, false)
  const typedData = {
    domain: accepted,
    types: typesOf(primaryType),
    primaryType,
    message: message as ActMessages[ActName],
  }
  const { signedAt } = input
  return {
    ...{ typedData, ...checkSignature(input), ...checkBody(primaryType, input.body, typedData.message) },
    ...checkHelper(typedData, input.helper),
    // A clock that says nonsense keeps no act from counting.
    ...(typeof signedAt === 'string' && INSTANT.test(signedAt) ? { signedAt } : {}),
  }
}

const INSTANT = /^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{3}Z$/

/** The terms say whether there is a body, and which. */
function checkBody(act: ActName, body: unknown, message: ActMessages[ActName]): { body?: ConsentBody } {
  const named = 'terms' in message ? message.terms.body : ZERO_32
  if (named === ZERO_32 && body === undefined) return {}
  // What forbids counts without its body, in whole: the body could only say less, and doubt refuses (I3, I5).
  if (act === 'Objection' && body === undefined) return {}
  if (!isObject(body)) throw wayleaveError('consent-body-missing')
  if (named.toLowerCase() !== hashOf(body)) throw wayleaveError('consent-body-mismatch')
  return { body }
}

/** Bounds whose scopes are not known cannot be held to, so they are refused (I3). */
function checkHelper({ primaryType, message }: TypedData, helper: unknown): { helper?: HelperNote } {
  if (primaryType !== 'Delegation') return {}
  const { scopes: root } = (message as ActMessages['Delegation']).bounds
  const { name, scopes = [] } = (isObject(helper) ? helper : {}) as Record<string, unknown>
  const isNamed = name === undefined || (isText(name, MAX_NAME) && name.trim() !== '')
  if (!isNamed || !Array.isArray(scopes) || scopes.length > MAX_LIST || !scopes.every(isScope))
    throw wayleaveError('typed-data-invalid', 'helper')
  const named = scopes as SaltedScope[]
  const expected = named.length === 0 ? ZERO_32 : scopesRoot(named.map(scopeHash))
  if (root.toLowerCase() !== expected) throw wayleaveError('typed-data-invalid', 'bounds.scopes')
  return { helper: { ...(name === undefined ? {} : { name: name as string }), scopes: named } }
}

function hashOf(body: ConsentBody): Hex {
  try {
    if (JSON.stringify(body).length > 2 * MAX_BODY_LENGTH) throw new RangeError('too long')
    return bodyHash(body)
  } catch (cause) {
    // What has no canonical form, such as a lone surrogate, has no hash.
    throw wayleaveError('consent-body-mismatch', String(cause), cause)
  }
}

/** Reads the form for strangers: hashes instead of bodies, and the sealed clear form. Throws as {@link readSignedAct}. */
export function readHashedAct(input: unknown, place: ActPlace): HashedAct {
  if (!isObject(input) || !isObject(input.typedData))
    throw wayleaveError('typed-data-invalid', 'no typedData')
  const { primaryType, domain, message } = input.typedData
  if (!isAct(primaryType) || AT_THE_DESK.has(primaryType))
    throw wayleaveError('typed-data-invalid', 'an unknown primaryType')
  const accepted = checkDomain(primaryType, domain, place)
  checkMessage(primaryType, message, true)
  const sealed = input.sealed
  if (!isText(sealed, MAX_SEALED) || sealed.split('.').length !== 5)
    throw wayleaveError('typed-data-invalid', 'no sealed body')
  return {
    domain: accepted,
    act: primaryType,
    message: message as HashedMessage,
    sealed,
    ...checkSignature(input),
  }
}

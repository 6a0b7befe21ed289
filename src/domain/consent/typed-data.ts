import { AbiCoder, concat, id, keccak256, TypedDataEncoder } from 'ethers'
import type { Hex } from '../hex.ts'
import type { SaltedScope } from './scope.ts'
import type { SaltedTerms } from './terms.ts'

/** EIP-712 domains: which contract on which chain a signature is for. */
export type TypedDataDomain = { name: string; version: string; chainId: number; verifyingContract: Hex }

type Field = { name: string; type: string }

const SCOPE: Field[] = [
  { name: 'granteeType', type: 'string' },
  { name: 'grantee', type: 'string' },
  { name: 'purpose', type: 'string' },
  { name: 'salt', type: 'bytes32' },
]
const TERMS: Field[] = [
  { name: 'dataClasses', type: 'string[]' },
  { name: 'sensitivities', type: 'string[]' },
  { name: 'body', type: 'bytes32' },
  { name: 'salt', type: 'bytes32' },
]

/** Every struct that a patient signs, field by field as the contracts hash it. */
export const SIGNED_TYPES = {
  Grant: [
    { name: 'handle', type: 'bytes32' },
    { name: 'scope', type: 'Scope' },
    { name: 'terms', type: 'Terms' },
    { name: 'from', type: 'string' },
    { name: 'until', type: 'string' },
    { name: 'snapshotOnly', type: 'bool' },
    { name: 'mayBeReferredOn', type: 'bool' },
    { name: 'needsApproval', type: 'bool' },
    { name: 'laterMembersToo', type: 'bool' },
    { name: 'version', type: 'uint24' },
    { name: 'epoch', type: 'uint32' },
    { name: 'deadline', type: 'uint64' },
  ],
  Revocation: [
    { name: 'handle', type: 'bytes32' },
    { name: 'scope', type: 'Scope' },
    { name: 'upToVersion', type: 'uint24' },
  ],
  Objection: [
    { name: 'handle', type: 'bytes32' },
    { name: 'scope', type: 'Scope' },
    { name: 'terms', type: 'Terms' },
    { name: 'upToVersion', type: 'uint24' },
  ],
  Withdrawal: [
    { name: 'handle', type: 'bytes32' },
    { name: 'scope', type: 'Scope' },
    { name: 'version', type: 'uint24' },
    { name: 'epoch', type: 'uint32' },
    { name: 'deadline', type: 'uint64' },
  ],
  Bind: [
    { name: 'handle', type: 'bytes32' },
    { name: 'custodian', type: 'bytes32' },
    { name: 'deadline', type: 'uint64' },
  ],
  Lock: [
    { name: 'handle', type: 'bytes32' },
    { name: 'upToEpoch', type: 'uint32' },
  ],
  Unlock: [
    { name: 'handle', type: 'bytes32' },
    { name: 'epoch', type: 'uint32' },
    { name: 'deadline', type: 'uint64' },
  ],
} satisfies Record<string, Field[]>

export type ActName = keyof typeof SIGNED_TYPES

/** What each act says, in clear: nested structs as bodies. */
export type ActMessages = {
  Grant: {
    handle: Hex
    scope: SaltedScope
    terms: SaltedTerms
    /** First and last day, YYYY-MM-DD (UTC). */
    from: string
    until: string
    snapshotOnly: boolean
    mayBeReferredOn: boolean
    needsApproval: boolean
    laterMembersToo: boolean
    version: number
    epoch: number
    deadline: number
  }
  Revocation: { handle: Hex; scope: SaltedScope; upToVersion: number }
  Objection: { handle: Hex; scope: SaltedScope; terms: SaltedTerms; upToVersion: number }
  Withdrawal: { handle: Hex; scope: SaltedScope; version: number; epoch: number; deadline: number }
  Bind: { handle: Hex; custodian: Hex; deadline: number }
  Lock: { handle: Hex; upToEpoch: number }
  Unlock: { handle: Hex; epoch: number; deadline: number }
}

/** The same act with its nested structs replaced by their EIP-712 hashes: all that calldata, or a stranger's relay, sees. */
export type HashedMessage = Record<string, string | number | boolean>

/** A complete EIP-712 payload, as `eth_signTypedData_v4` takes it. */
export type TypedData<A extends ActName = ActName> = {
  domain: TypedDataDomain
  types: Record<string, Field[]>
  primaryType: A
  message: ActMessages[A]
}

/** The contract whose domain an act is signed for. */
export const DOMAIN_NAME: Record<ActName, string> = {
  Grant: 'Wayleave Consent',
  Revocation: 'Wayleave Consent',
  Objection: 'Wayleave Consent',
  Withdrawal: 'Wayleave Consent',
  Bind: 'Wayleave Patients',
  Lock: 'Wayleave Patients',
  Unlock: 'Wayleave Patients',
}

export function actDomain(act: ActName, chainId: number, verifyingContract: Hex): TypedDataDomain {
  return { name: DOMAIN_NAME[act], version: '1', chainId, verifyingContract }
}

/** The types of one act with those that it nests, and no others (ethers refuses unused ones). */
export function typesOf(act: ActName): Record<string, Field[]> {
  const fields: Field[] = SIGNED_TYPES[act]
  const nested = new Set(fields.map((f) => f.type))
  return {
    [act]: fields,
    ...(nested.has('Scope') ? { Scope: SCOPE } : {}),
    ...(nested.has('Terms') ? { Terms: TERMS } : {}),
  }
}

export function typedData<A extends ActName>(
  act: A,
  domain: TypedDataDomain,
  message: ActMessages[A],
): TypedData<A> {
  return { domain, types: typesOf(act), primaryType: act, message }
}

/** EIP-712 `hashStruct(Scope)`: the scope's slot name on the chain. */
export function scopeHash(scope: SaltedScope): Hex {
  return TypedDataEncoder.hashStruct('Scope', { Scope: SCOPE }, scope) as Hex
}

/** EIP-712 `hashStruct(Terms)`. */
export function termsHash(terms: SaltedTerms): Hex {
  return TypedDataEncoder.hashStruct('Terms', { Terms: TERMS }, terms) as Hex
}

/** Replaces the nested bodies of an act by their hashes. */
export function hashedMessage(act: ActName, message: ActMessages[ActName]): HashedMessage {
  const out: HashedMessage = {}
  for (const { name, type } of SIGNED_TYPES[act] as Field[]) {
    const value = (message as Record<string, unknown>)[name]
    if (type === 'Scope') out[name] = scopeHash(value as SaltedScope)
    else if (type === 'Terms') out[name] = termsHash(value as SaltedTerms)
    else out[name] = value as string | number | boolean
  }
  return out
}

/** EIP-712 `hashStruct` of an act, computed from the hashed form alone (a nested struct is encoded by its hash). */
export function structHashOf(act: ActName, message: HashedMessage): Hex {
  const fields: Field[] = SIGNED_TYPES[act]
  const flat = fields.map(({ type }) => (['Scope', 'Terms', 'string'].includes(type) ? 'bytes32' : type))
  const values = fields.map(({ name, type }) =>
    type === 'string' ? id(String(message[name])) : message[name],
  )
  const typeHash = id(TypedDataEncoder.from(typesOf(act)).encodeType(act))
  return keccak256(AbiCoder.defaultAbiCoder().encode(['bytes32', ...flat], [typeHash, ...values])) as Hex
}

/** The digest that was signed, computed from the hashed form alone. */
export function digestOfHashed(act: ActName, domain: TypedDataDomain, message: HashedMessage): Hex {
  return keccak256(concat(['0x1901', TypedDataEncoder.hashDomain(domain), structHashOf(act, message)])) as Hex
}

export function digestOf<A extends ActName>(data: TypedData<A>): Hex {
  return digestOfHashed(data.primaryType, data.domain, hashedMessage(data.primaryType, data.message))
}

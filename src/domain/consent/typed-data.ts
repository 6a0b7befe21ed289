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

const REVOCATION_ITEM: Field[] = [
  { name: 'scope', type: 'Scope' },
  { name: 'upToVersion', type: 'uint24' },
]
const BOUNDS: Field[] = [
  { name: 'mayGrant', type: 'bool' },
  { name: 'mayRevoke', type: 'bool' },
  { name: 'mayObject', type: 'bool' },
  { name: 'mayWithdrawObjections', type: 'bool' },
  { name: 'mayLock', type: 'bool' },
  { name: 'mayUnlock', type: 'bool' },
  { name: 'snapshotOnly', type: 'bool' },
  { name: 'mayBeReferredOn', type: 'bool' },
  { name: 'needsApproval', type: 'bool' },
  { name: 'laterMembersToo', type: 'bool' },
  { name: 'longestDays', type: 'uint16' },
  { name: 'until', type: 'string' },
  { name: 'scopes', type: 'bytes32' },
]

/** What an act may nest, by the name of its type. */
export const NESTED_TYPES: Readonly<Record<string, readonly Field[]>> = {
  Scope: SCOPE,
  Terms: TERMS,
  RevocationItem: REVOCATION_ITEM,
  Bounds: BOUNDS,
}

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
  Renewal: [
    { name: 'handle', type: 'bytes32' },
    { name: 'scope', type: 'Scope' },
    { name: 'terms', type: 'Terms' },
    { name: 'until', type: 'string' },
    { name: 'version', type: 'uint24' },
    { name: 'epoch', type: 'uint32' },
    { name: 'deadline', type: 'uint64' },
  ],
  Revocation: [
    { name: 'handle', type: 'bytes32' },
    { name: 'scope', type: 'Scope' },
    { name: 'upToVersion', type: 'uint24' },
  ],
  RevocationList: [
    { name: 'handle', type: 'bytes32' },
    { name: 'items', type: 'RevocationItem[]' },
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
  BindGuardian: [
    { name: 'handle', type: 'bytes32' },
    { name: 'custodian', type: 'bytes32' },
    { name: 'until', type: 'string' },
    { name: 'deadline', type: 'uint64' },
  ],
  Delegation: [
    { name: 'handle', type: 'bytes32' },
    { name: 'delegate', type: 'bytes32' },
    { name: 'bounds', type: 'Bounds' },
    { name: 'version', type: 'uint24' },
    { name: 'epoch', type: 'uint32' },
    { name: 'deadline', type: 'uint64' },
  ],
  DelegationEnd: [
    { name: 'handle', type: 'bytes32' },
    { name: 'delegate', type: 'bytes32' },
    { name: 'upToVersion', type: 'uint24' },
  ],
  BreakGlassOff: [
    { name: 'handle', type: 'bytes32' },
    { name: 'upToVersion', type: 'uint16' },
  ],
  BreakGlassOn: [
    { name: 'handle', type: 'bytes32' },
    { name: 'version', type: 'uint16' },
    { name: 'epoch', type: 'uint32' },
    { name: 'deadline', type: 'uint64' },
  ],
  Recovery: [
    { name: 'handle', type: 'bytes32' },
    { name: 'custodian', type: 'bytes32' },
    { name: 'attempt', type: 'uint32' },
    { name: 'until', type: 'string' },
    { name: 'deadline', type: 'uint64' },
  ],
  RecoveryVeto: [
    { name: 'handle', type: 'bytes32' },
    { name: 'attempt', type: 'uint32' },
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
  Renewal: {
    handle: Hex
    scope: SaltedScope
    terms: SaltedTerms
    /** The new last day, YYYY-MM-DD (UTC). */
    until: string
    version: number
    epoch: number
    deadline: number
  }
  Revocation: { handle: Hex; scope: SaltedScope; upToVersion: number }
  RevocationList: { handle: Hex; items: RevocationItem[] }
  Objection: { handle: Hex; scope: SaltedScope; terms: SaltedTerms; upToVersion: number }
  Withdrawal: { handle: Hex; scope: SaltedScope; version: number; epoch: number; deadline: number }
  Bind: { handle: Hex; custodian: Hex; deadline: number }
  Lock: { handle: Hex; upToEpoch: number }
  Unlock: { handle: Hex; epoch: number; deadline: number }
  /** `until` is the last day of a quarter, YYYY-MM-DD. */
  BindGuardian: { handle: Hex; custodian: Hex; until: string; deadline: number }
  /** `delegate` is keccak256 of the delegate's signer. */
  Delegation: {
    handle: Hex
    delegate: Hex
    bounds: DelegateBounds
    version: number
    epoch: number
    deadline: number
  }
  DelegationEnd: { handle: Hex; delegate: Hex; upToVersion: number }
  BreakGlassOff: { handle: Hex; upToVersion: number }
  BreakGlassOn: { handle: Hex; version: number; epoch: number; deadline: number }
  /** Signed by the key that takes over; `until` is empty where that is the patient's own. */
  Recovery: { handle: Hex; custodian: Hex; attempt: number; until: string; deadline: number }
  RecoveryVeto: { handle: Hex; attempt: number }
}

/** One slot of a list that is revoked under one signature. */
export type RevocationItem = { scope: SaltedScope; upToVersion: number }

/** What a delegate may do, as it is signed: one yes or no for each act and for each flag that its grants may carry. */
export type DelegateBounds = {
  mayGrant: boolean
  mayRevoke: boolean
  mayObject: boolean
  mayWithdrawObjections: boolean
  mayLock: boolean
  mayUnlock: boolean
  snapshotOnly: boolean
  mayBeReferredOn: boolean
  needsApproval: boolean
  laterMembersToo: boolean
  /** The longest period that it may grant, in days. */
  longestDays: number
  /** Its last day, YYYY-MM-DD (UTC). */
  until: string
  /** Root of the Merkle tree over the scopes that it may widen; zero for all. */
  scopes: Hex
}

/** The same act with its nested structs replaced by their EIP-712 hashes: all that calldata, or a stranger's relay, sees. */
export type HashedMessage = Record<
  string,
  string | number | boolean | DelegateBounds | { scope: Hex; upToVersion: number }[]
>

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
  Renewal: 'Wayleave Consent',
  Revocation: 'Wayleave Consent',
  RevocationList: 'Wayleave Consent',
  Objection: 'Wayleave Consent',
  Withdrawal: 'Wayleave Consent',
  Bind: 'Wayleave Patients',
  Lock: 'Wayleave Patients',
  Unlock: 'Wayleave Patients',
  BindGuardian: 'Wayleave Patients',
  Delegation: 'Wayleave Patients',
  DelegationEnd: 'Wayleave Patients',
  BreakGlassOff: 'Wayleave Patients',
  BreakGlassOn: 'Wayleave Patients',
  Recovery: 'Wayleave Patients',
  RecoveryVeto: 'Wayleave Patients',
}

/** The acts that only take access away: they say "up to", have neither deadline nor epoch, and always land (I5). */
export const NARROWING: ReadonlySet<ActName> = new Set([
  ...(['Revocation', 'RevocationList', 'Objection', 'Lock'] as const),
  ...(['DelegationEnd', 'BreakGlassOff'] as const),
])

/** Signed for the custodian's registrar, who alone brings them to the chain: no relayer takes them. */
export const AT_THE_DESK: ReadonlySet<ActName> = new Set(['Bind', 'BindGuardian', 'Recovery'])

/** Whether an act is about the handle and who signs for it, and not about one of its consents. */
export const isForHandle = (act: ActName): boolean => DOMAIN_NAME[act] === 'Wayleave Patients'

export function actDomain(act: ActName, chainId: number, verifyingContract: Hex): TypedDataDomain {
  return { name: DOMAIN_NAME[act], version: '1', chainId, verifyingContract }
}

const baseOf = (type: string) => type.replace(/\[\]$/, '')

/** The types of one act with those that it nests, and no others (ethers refuses unused ones). */
export function typesOf(act: ActName): Record<string, Field[]> {
  const types: Record<string, Field[]> = { [act]: SIGNED_TYPES[act] }
  const add = (fields: readonly Field[]) => {
    for (const name of fields.map(({ type }) => baseOf(type))) {
      const nested = NESTED_TYPES[name]
      if (!nested || types[name]) continue
      types[name] = [...nested]
      add(nested)
    }
  }
  add(SIGNED_TYPES[act])
  return types
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

/** Replaces the nested bodies of an act by their hashes. Bounds stay: the chain shows them in clear. */
export function hashedMessage(act: ActName, message: ActMessages[ActName]): HashedMessage {
  const out: HashedMessage = {}
  for (const { name, type } of SIGNED_TYPES[act] as Field[]) {
    const value = (message as Record<string, unknown>)[name]
    if (type === 'Scope') out[name] = scopeHash(value as SaltedScope)
    else if (type === 'Terms') out[name] = termsHash(value as SaltedTerms)
    else if (type === 'RevocationItem[]')
      out[name] = (value as RevocationItem[]).map(({ scope, upToVersion }) => ({
        scope: scopeHash(scope),
        upToVersion,
      }))
    else out[name] = value as string | number | boolean
  }
  return out
}

/** EIP-712 `hashStruct`, the structs that it nests given by their own hashes, lists of them as lists of such. */
function structHash(type: string, types: Record<string, Field[]>, values: Record<string, unknown>): Hex {
  const fields = types[type] ?? []
  const words = fields.map(({ name, type: of }): [string, unknown] => {
    const value = values[name]
    if (of === 'string') return ['bytes32', id(String(value))]
    if (of === 'Bounds') return ['bytes32', structHash(of, types, value as Record<string, unknown>)]
    if (of.endsWith('[]')) {
      const items = (value as Record<string, unknown>[]).map((item) => structHash(baseOf(of), types, item))
      return ['bytes32', keccak256(concat(items))]
    }
    return [NESTED_TYPES[of] ? 'bytes32' : of, value]
  })
  const typeHash = id(TypedDataEncoder.from(typesUnder(type, types)).encodeType(type))
  const coder = AbiCoder.defaultAbiCoder()
  return keccak256(
    coder.encode(['bytes32', ...words.map(([of]) => of)], [typeHash, ...words.map(([, value]) => value)]),
  ) as Hex
}

/** Of some types, one and what it nests: ethers takes the one that nothing else names for the primary one. */
function typesUnder(type: string, types: Record<string, Field[]>): Record<string, Field[]> {
  const fields = types[type] ?? []
  const nested = fields.map(({ type: of }) => baseOf(of)).filter((name) => types[name])
  return Object.assign({ [type]: fields }, ...nested.map((name) => typesUnder(name, types)))
}

/** EIP-712 `hashStruct` of an act, computed from the hashed form alone (a nested struct is encoded by its hash). */
export function structHashOf(act: ActName, message: HashedMessage): Hex {
  return structHash(act, typesOf(act), message)
}

/** The digest that was signed, computed from the hashed form alone. */
export function digestOfHashed(act: ActName, domain: TypedDataDomain, message: HashedMessage): Hex {
  return keccak256(concat(['0x1901', TypedDataEncoder.hashDomain(domain), structHashOf(act, message)])) as Hex
}

export function digestOf<A extends ActName>(data: TypedData<A>): Hex {
  return digestOfHashed(data.primaryType, data.domain, hashedMessage(data.primaryType, data.message))
}

import { id, keccak256 } from 'ethers'
import { dateOfDay } from '../../../src/domain/days.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import type { ModelledContracts } from './world.ts'

const SCOPE = 'Scope(string granteeType,string grantee,string purpose,bytes32 salt)'
const TERMS = 'Terms(string[] dataClasses,string[] sensitivities,bytes32 body,bytes32 salt)'
const ITEM = 'RevocationItem(Scope scope,uint24 upToVersion)'
const FLAGS = 'bool snapshotOnly,bool mayBeReferredOn,bool needsApproval,bool laterMembersToo'
const ACTS =
  'bool mayGrant,bool mayRevoke,bool mayObject,bool mayWithdrawObjections,bool mayLock,bool mayUnlock'
const BOUNDS = `Bounds(${ACTS},${FLAGS},uint16 longestDays,string until,bytes32 scopes)`

/** Every act that is signed, as EIP-712 types: written out here, so that nothing of the product's own is trusted. */
const TYPES = {
  Grant: `Grant(bytes32 handle,Scope scope,Terms terms,string from,string until,${FLAGS},uint24 version,uint32 epoch,uint64 deadline)${SCOPE}${TERMS}`,
  Renewal: `Renewal(bytes32 handle,Scope scope,Terms terms,string until,uint24 version,uint32 epoch,uint64 deadline)${SCOPE}${TERMS}`,
  Revocation: `Revocation(bytes32 handle,Scope scope,uint24 upToVersion)${SCOPE}`,
  RevocationItem: `${ITEM}${SCOPE}`,
  RevocationList: `RevocationList(bytes32 handle,RevocationItem[] items)${ITEM}${SCOPE}`,
  Objection: `Objection(bytes32 handle,Scope scope,Terms terms,uint24 upToVersion)${SCOPE}${TERMS}`,
  Withdrawal: `Withdrawal(bytes32 handle,Scope scope,uint24 version,uint32 epoch,uint64 deadline)${SCOPE}`,
  Approval: 'Approval(bytes32 grant,uint64 deadline)',
  Bind: 'Bind(bytes32 handle,bytes32 custodian,uint64 deadline)',
  BindGuardian: 'BindGuardian(bytes32 handle,bytes32 custodian,string until,uint64 deadline)',
  Lock: 'Lock(bytes32 handle,uint32 upToEpoch)',
  Unlock: 'Unlock(bytes32 handle,uint32 epoch,uint64 deadline)',
  Bounds: BOUNDS,
  Delegation: `Delegation(bytes32 handle,bytes32 delegate,Bounds bounds,uint24 version,uint32 epoch,uint64 deadline)${BOUNDS}`,
  DelegationEnd: 'DelegationEnd(bytes32 handle,bytes32 delegate,uint24 upToVersion)',
  BreakGlassOff: 'BreakGlassOff(bytes32 handle,uint16 upToVersion)',
  BreakGlassOn: 'BreakGlassOn(bytes32 handle,uint16 version,uint32 epoch,uint64 deadline)',
  Recovery: 'Recovery(bytes32 handle,bytes32 custodian,uint32 attempt,string until,uint64 deadline)',
  RecoveryVeto: 'RecoveryVeto(bytes32 handle,uint32 attempt)',
}

const TYPE_HASHES = Object.fromEntries(Object.entries(TYPES).map(([name, type]) => [name, id(type) as Hex]))

export type Grant = Record<'handle' | 'scope' | 'terms', Hex> &
  Record<'fromDay' | 'untilDay' | 'flags' | 'version' | 'epoch' | 'deadline', number>
export type Renewal = Omit<Grant, 'fromDay' | 'flags'>
export type Revocation = { handle: Hex; scope: Hex; upToVersion: number }
export type RevocationList = { handle: Hex; items: { scope: Hex; upToVersion: number }[] }
export type Objection = Revocation & { terms: Hex }
export type Withdrawal = Omit<Renewal, 'terms' | 'untilDay'>
export type Bounds = Record<'acts' | 'flags' | 'longestDays' | 'untilDay', number> & { scopes: Hex }
export type Delegation = Record<'handle' | 'delegate', Hex> & { bounds: Bounds } & Record<
    'version' | 'epoch' | 'deadline',
    number
  >

const word = (value: Hex | number) =>
  typeof value === 'number' ? value.toString(16).padStart(64, '0') : value.slice(2)

/** keccak256 of 32-byte words, as `abi.encode` lays them out. */
function hashOf(...words: (Hex | number)[]): Hex {
  return keccak256(Buffer.from(words.map(word).join(''), 'hex')) as Hex
}

const struct = (type: keyof typeof TYPES, ...words: (Hex | number)[]): Hex =>
  hashOf(TYPE_HASHES[type] ?? '0x', ...words)
const bits = (set: number, count: number) => Array.from({ length: count }, (_, i) => (set >> i) & 1)
const dates = new Map<number, Hex>()
const date = (day: number): Hex => {
  const known = dates.get(day) ?? (id(dateOfDay(day)) as Hex)
  dates.set(day, known)
  return known
}

/** Struct hashes, field by field as the contracts should make them. */
export const hashes = {
  grant: (g: Grant) =>
    struct(
      'Grant',
      ...[g.handle, g.scope, g.terms, date(g.fromDay), date(g.untilDay), ...bits(g.flags, 4)],
      ...[g.version, g.epoch, g.deadline],
    ),
  renewal: (r: Renewal) =>
    struct('Renewal', r.handle, r.scope, r.terms, date(r.untilDay), r.version, r.epoch, r.deadline),
  revocation: (r: Revocation) => struct('Revocation', r.handle, r.scope, r.upToVersion),
  revocationList: ({ handle, items }: RevocationList) =>
    struct(
      'RevocationList',
      handle,
      hashOf(...items.map(({ scope, upToVersion }) => struct('RevocationItem', scope, upToVersion))),
    ),
  objection: (o: Objection) => struct('Objection', o.handle, o.scope, o.terms, o.upToVersion),
  withdrawal: (w: Withdrawal) => struct('Withdrawal', w.handle, w.scope, w.version, w.epoch, w.deadline),
  approval: (grant: Hex, deadline: number) => struct('Approval', grant, deadline),
  bind: (handle: Hex, custodian: Hex, deadline: number) => struct('Bind', handle, custodian, deadline),
  bindGuardian: (handle: Hex, custodian: Hex, untilDay: number, deadline: number) =>
    struct('BindGuardian', handle, custodian, date(untilDay), deadline),
  lock: (handle: Hex, upToEpoch: number) => struct('Lock', handle, upToEpoch),
  unlock: (handle: Hex, epoch: number, deadline: number) => struct('Unlock', handle, epoch, deadline),
  delegation: (d: Delegation) => {
    const { acts, flags, longestDays, untilDay, scopes } = d.bounds
    const inner = struct('Bounds', ...bits(acts, 6), ...bits(flags, 4), longestDays, date(untilDay), scopes)
    return struct('Delegation', d.handle, d.delegate, inner, d.version, d.epoch, d.deadline)
  },
  delegationEnd: (handle: Hex, delegate: Hex, upToVersion: number) =>
    struct('DelegationEnd', handle, delegate, upToVersion),
  breakGlassOff: (handle: Hex, upToVersion: number) => struct('BreakGlassOff', handle, upToVersion),
  breakGlassOn: (handle: Hex, version: number, epoch: number, deadline: number) =>
    struct('BreakGlassOn', handle, version, epoch, deadline),
  recovery: (handle: Hex, custodian: Hex, attempt: number, untilDay: number, deadline: number) =>
    struct(
      'Recovery',
      handle,
      custodian,
      attempt,
      untilDay === 0 ? (id('') as Hex) : date(untilDay),
      deadline,
    ),
  recoveryVeto: (handle: Hex, attempt: number) => struct('RecoveryVeto', handle, attempt),
  /** Of words only: what the model needs beside EIP-712. */
  of: hashOf,
}

/** EIP-712 digests at the contracts that patients sign for. */
export function createDigests(chainId: number, contracts: ModelledContracts) {
  const type = id('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)') as Hex
  const at = (name: string, address: string) => {
    const verifier = `0x${address.slice(2).toLowerCase().padStart(64, '0')}` as Hex
    const domain = hashOf(type, id(name) as Hex, id('1') as Hex, chainId, verifier)
    return (structHash: Hex): Hex =>
      keccak256(Buffer.from(`1901${domain.slice(2)}${structHash.slice(2)}`, 'hex')) as Hex
  }
  return {
    patients: at('Wayleave Patients', contracts.patientRegistry),
    consents: at('Wayleave Consent', contracts.consentRegistry),
    successor: at('Wayleave Consent', contracts.consentSuccessor),
  }
}

export type Digests = ReturnType<typeof createDigests>

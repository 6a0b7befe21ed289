import { Interface } from 'ethers'
import {
  AccessLog__factory,
  AccessRequests__factory,
  BreakGlass__factory,
  ConsentRegistry__factory,
  ConsentSuccessor__factory,
  MemberRegistry__factory,
  PasskeyVerifier__factory,
  PatientRegistry__factory,
  RecordDirectory__factory,
} from '../../../src/chain/contracts.ts'

/** A custom error: what a call of the model ends in instead of an outcome. */
export class Refused extends Error {
  readonly args: readonly unknown[]
  constructor(name: string, args: readonly unknown[]) {
    super(name)
    this.args = args
  }
}

export function refuse(name: string, ...args: unknown[]): never {
  throw new Refused(name, args)
}

/** An event by its name and arguments, in the order of its declaration. */
export type Event = readonly [name: string, ...args: unknown[]]

/** The value of a key in a map of maps, made where there is none. */
export function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

/** What every contract can be called with, and answer with. */
export const INTERFACES = {
  memberRegistry: MemberRegistry__factory.createInterface() as Interface,
  patientRegistry: PatientRegistry__factory.createInterface() as Interface,
  consentRegistry: ConsentRegistry__factory.createInterface() as Interface,
  consentSuccessor: ConsentSuccessor__factory.createInterface() as Interface,
  recordDirectory: RecordDirectory__factory.createInterface() as Interface,
  accessLog: AccessLog__factory.createInterface() as Interface,
  accessRequests: AccessRequests__factory.createInterface() as Interface,
  breakGlass: BreakGlass__factory.createInterface() as Interface,
}
const passkeys = PasskeyVerifier__factory.createInterface() as Interface
const all = [...Object.values(INTERFACES), passkeys]
const unauthorized = new Interface(['error AccessManagedUnauthorized(address)'])

/** The bytes that a contract reverts with; none for an error without a name. */
export function encodeRefusal({ message, args }: Refused): string {
  if (message === '') return '0x'
  const named = all.find((contract) => contract.getError(message) !== null)
  return (named ?? unauthorized).encodeErrorResult(message, [...args])
}

/** The log that a contract writes. */
export function encodeEvent([name, ...args]: Event): { topics: string[]; data: string } {
  const contract = all.find((each) => each.hasEvent(name))
  if (!contract) throw new Error(`no contract of ours emits ${name}`)
  const { topics, data } = contract.encodeEventLog(name, [...args])
  return { topics: topics.flat().map(String), data }
}

/** Much faster than ethers, which reads hexadecimal digits one by one. */
export const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.slice(2), 'hex'))

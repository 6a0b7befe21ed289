import type { Interface, Log } from 'ethers'
import {
  AccessLog__factory,
  AccessRequests__factory,
  BreakGlass__factory,
  ConsentSuccessor__factory,
  type Contracts,
  Council__factory,
  MemberRegistry__factory,
  PatientRegistry__factory,
  RecordDirectory__factory,
  Succession__factory,
} from '../chain/contracts.ts'

/** One row of the index, without its place. */
export type DecodedEvent = { contract: string; name: string; key1: string; key2: string; args: string }

const PLAIN = (value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)

/** Decodes logs of our contracts at their pinned addresses; logs of others, and unknown events, give undefined. */
export function createDecoder(
  contracts: Contracts,
  predecessors: readonly string[] = [],
): {
  addresses: string[]
  decode(log: Log): DecodedEvent | undefined
} {
  const known: { contract: string; address: string; api: Interface }[] = [
    {
      contract: 'MemberRegistry',
      address: contracts.memberRegistry,
      api: MemberRegistry__factory.createInterface(),
    },
    {
      contract: 'PatientRegistry',
      address: contracts.patientRegistry,
      api: PatientRegistry__factory.createInterface(),
    },
    // A successor's events are those of the registry, and one more.
    ...[contracts.consentRegistry, ...predecessors].map((address) => ({
      contract: 'ConsentRegistry',
      address,
      api: ConsentSuccessor__factory.createInterface(),
    })),
    {
      contract: 'RecordDirectory',
      address: contracts.recordDirectory,
      api: RecordDirectory__factory.createInterface(),
    },
    { contract: 'AccessLog', address: contracts.accessLog, api: AccessLog__factory.createInterface() },
    {
      contract: 'AccessRequests',
      address: contracts.accessRequests,
      api: AccessRequests__factory.createInterface(),
    },
    { contract: 'BreakGlass', address: contracts.breakGlass, api: BreakGlass__factory.createInterface() },
    { contract: 'Council', address: contracts.council, api: Council__factory.createInterface() },
    { contract: 'Succession', address: contracts.succession, api: Succession__factory.createInterface() },
  ]
  const interfaces = new Map(known.map((entry) => [entry.address.toLowerCase(), entry]))
  return {
    addresses: [...interfaces.keys()],
    decode(log) {
      const known = interfaces.get(log.address.toLowerCase())
      const parsed = known?.api.parseLog(log)
      if (!known || !parsed) return undefined
      const args: Record<string, unknown> = {}
      const keys: string[] = []
      parsed.fragment.inputs.forEach((input, i) => {
        const value = PLAIN(parsed.args[i])
        args[input.name] = value
        if (input.indexed) keys.push(String(value))
      })
      return {
        contract: known.contract,
        name: parsed.name,
        key1: keys[0] ?? '',
        key2: keys[1] ?? '',
        // Declaration order is fixed by the contract, so the text is canonical.
        args: JSON.stringify(args),
      }
    },
  }
}

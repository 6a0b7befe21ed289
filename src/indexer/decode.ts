import type { Interface, Log } from 'ethers'
import {
  AccessLog__factory,
  AccessRequests__factory,
  BreakGlass__factory,
  ConsentSuccessor__factory,
  type Contracts,
  Council__factory,
  MemberRegistrySuccessor__factory,
  PatientRegistry__factory,
  RecordDirectorySuccessor__factory,
  Succession__factory,
} from '../chain/contracts.ts'

/** One row of the index, without its place. */
export type DecodedEvent = { contract: string; name: string; key1: string; key2: string; args: string }

const PLAIN = (value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)

/** What each contract took over from, by its name. */
export type Predecessors = Partial<Record<string, readonly string[]>>

/** A successor's events are those of its contract, and some more. */
const APIS = {
  memberRegistry: MemberRegistrySuccessor__factory.createInterface(),
  patientRegistry: PatientRegistry__factory.createInterface(),
  consentRegistry: ConsentSuccessor__factory.createInterface(),
  recordDirectory: RecordDirectorySuccessor__factory.createInterface(),
  accessLog: AccessLog__factory.createInterface(),
  accessRequests: AccessRequests__factory.createInterface(),
  breakGlass: BreakGlass__factory.createInterface(),
  council: Council__factory.createInterface(),
  succession: Succession__factory.createInterface(),
} satisfies Partial<Record<keyof Contracts, Interface>>

/** Decodes logs of our contracts at their pinned addresses; logs of others, and unknown events, give undefined. */
export function createDecoder(
  contracts: Contracts,
  predecessors: Predecessors = {},
): {
  addresses: string[]
  decode(log: Log): DecodedEvent | undefined
} {
  const known = Object.entries(APIS).flatMap(([name, api]: [string, Interface]) => {
    const contract = name.charAt(0).toUpperCase() + name.slice(1)
    const line = [contracts[name as keyof typeof APIS], ...(predecessors[name] ?? [])]
    return line.map((address) => ({ contract, address, api }))
  })
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

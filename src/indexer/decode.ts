import type { Interface, Log } from 'ethers'
import {
  AccessLog__factory,
  ConsentRegistry__factory,
  type Contracts,
  MemberRegistry__factory,
  PatientRegistry__factory,
  RecordDirectory__factory,
} from '../chain/contracts.ts'

/** One row of the index, without its place. */
export type DecodedEvent = { contract: string; name: string; key1: string; key2: string; args: string }

const PLAIN = (value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)

/** Decodes logs of our five contracts at their pinned addresses; logs of others, and unknown events, give undefined. */
export function createDecoder(contracts: Contracts): {
  addresses: string[]
  decode(log: Log): DecodedEvent | undefined
} {
  const interfaces = new Map<string, { contract: string; api: Interface }>(
    [
      ['MemberRegistry', contracts.memberRegistry, MemberRegistry__factory.createInterface()],
      ['PatientRegistry', contracts.patientRegistry, PatientRegistry__factory.createInterface()],
      ['ConsentRegistry', contracts.consentRegistry, ConsentRegistry__factory.createInterface()],
      ['RecordDirectory', contracts.recordDirectory, RecordDirectory__factory.createInterface()],
      ['AccessLog', contracts.accessLog, AccessLog__factory.createInterface()],
    ].map(([contract, address, api]) => [
      String(address).toLowerCase(),
      { contract: String(contract), api: api as Interface },
    ]),
  )
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

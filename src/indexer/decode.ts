import type { Interface } from 'ethers'
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
import type { RawLog } from '../chain/node-rpc.ts'
import { type EventLayout, eventLayout, MalformedLogError } from './event-layout.ts'

/** One row of the index, without its place. */
export type DecodedEvent = { contract: string; name: string; key1: string; key2: string; args: string }

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

export type Decoder = {
  /** Lower-case. */
  addresses: string[]
  /**
   * A log of our contracts at their pinned addresses; undefined for logs of others, and for unknown events.
   * @throws MalformedLogError where no contract of ours can have emitted it
   */
  decode(log: Pick<RawLog, 'address' | 'data'> & { topics: readonly string[] }): DecodedEvent | undefined
}

/** Hex in lower case, as nodes answer; what else they answer gets no further, be it quotes, tabs or backslashes. */
const TOPIC = /^0x[0-9a-f]{64}$/
const DATA = /^0x(?:[0-9a-f]{2})*$/

/** Decodes logs by layouts that are worked out once; in the tests ethers says the same of each. */
export function createDecoder(contracts: Contracts, predecessors: Predecessors = {}): Decoder {
  type Known = { contract: string; layouts: ReadonlyMap<string, EventLayout> }
  const known = new Map<string, Known>()
  for (const [name, api] of Object.entries(APIS)) {
    const contract = name.charAt(0).toUpperCase() + name.slice(1)
    const layouts = new Map<string, EventLayout>()
    ;(api as Interface).forEachEvent((event) => layouts.set(event.topicHash, eventLayout(event)))
    const line = [contracts[name as keyof typeof APIS], ...(predecessors[name] ?? [])]
    for (const address of line) known.set(address.toLowerCase(), { contract, layouts })
  }

  return {
    addresses: [...known.keys()],
    decode({ address, topics, data }) {
      const from = known.get(address) ?? known.get(address.toLowerCase())
      const layout = from?.layouts.get(topics[0] ?? '')
      if (!from || !layout) return undefined
      if (topics.length !== layout.topics || !topics.every((topic) => TOPIC.test(topic)) || !DATA.test(data))
        throw new MalformedLogError(`a log is not what ${layout.name} looks like`)
      // Spelled out: in this order, and with nothing else.
      const { key1, key2, args } = layout.read(topics, data)
      return { contract: from.contract, name: layout.name, key1, key2, args }
    },
  }
}

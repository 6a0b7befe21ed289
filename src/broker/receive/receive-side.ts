import type { JSONWebKeySet } from 'jose'
import type { Kysely } from 'kysely'
import type { Contracts } from '../../chain/contracts.ts'
import type { NodeRpc } from '../../chain/node-rpc.ts'
import type { Clock } from '../../domain/clock.ts'
import type { Hex } from '../../domain/hex.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import type { PeerClient } from '../../exchange/peer-client.ts'
import type { FhirSource } from '../../fhir/source.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { Observer } from '../../observe/observer.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Vault } from '../../store/vault.ts'
import type { AccessLog } from '../audit/access-log.ts'
import type { ExchangeBooks } from '../audit/exchange-books.ts'
import type { EventLog } from '../events/event-log.ts'
import type { OwnRecords } from '../register/own-records.ts'
import { createCustodianLists } from './ask-custodian.ts'
import { createSharedRecords, type Deadline, type SharedRecords, usualDeadline } from './find-shared.ts'
import { createGatherer, type Gatherer } from './gather-records.ts'
import { createDocuments, type Documents } from './list-documents.ts'
import { createRecordOpener, type RecordOpener } from './open-record.ts'
import { createPeople, type People } from './people.ts'
import { createReceivedShares, type ReceivedShares } from './receive-share.ts'
import { createLiveSearches, type LiveSearches } from './search-live.ts'

/** What a requester does with what others share: takes shares, finds what there is, opens records and verifies them. */
export function createReceiveSide(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  index: IndexQueries
  peers: PeerClient
  rpc: NodeRpc
  /** Directories: the one that is read, and those that it took over from. */
  chain: { id: number; contracts: Contracts; directories: readonly Hex[] }
  accessLog: AccessLog
  books: ExchangeBooks
  clock: Clock
  log: Logger
  observer: Observer
  member: Hex
  events: EventLog
  /** The key that shares are sealed to. */
  sealing: CryptoKey
  keysOf: (member: Hex) => Promise<JSONWebKeySet | undefined>
  base: () => string
  source: FhirSource
  own: OwnRecords
  organization: { name: string; identifier: Identifier }
  /** For each custodian; ten seconds unless given. */
  deadline?: Deadline
}): {
  received: ReceivedShares
  shared: SharedRecords
  documents: Documents
  opener: RecordOpener
  people: People
  gatherer: Gatherer
  liveSearches: LiveSearches
} {
  const deadline = deps.deadline ?? usualDeadline
  const received = createReceivedShares({ ...deps, own: { member: deps.member, key: deps.sealing } })
  const shared = createSharedRecords({
    ...deps,
    shares: received,
    lists: createCustodianLists(deps),
    deadline,
  })
  const opener = createRecordOpener(deps)
  const documents = createDocuments({ shared, base: deps.base })
  const gatherer = createGatherer({ ...deps, shared, opener, deadline, fhirBase: deps.source.base })
  const liveSearches = createLiveSearches({ ...deps, shares: received })
  return { received, shared, documents, opener, people: createPeople(deps), gatherer, liveSearches }
}

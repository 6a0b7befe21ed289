import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import type { Hex } from '../../domain/hex.ts'
import type { ContentSource } from '../../fhir/content-source.ts'
import type { Labeller } from '../../fhir/labeller.ts'
import type { SearchSource } from '../../fhir/search-source.ts'
import type { FhirSource } from '../../fhir/source.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { Observer } from '../../observe/observer.ts'
import type { PatientStore } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Vault } from '../../store/vault.ts'
import type { AccessLog } from '../audit/access-log.ts'
import type { ExchangeBooks } from '../audit/exchange-books.ts'
import type { Windows } from '../audit/windows.ts'
import type { ConsentStates } from '../consent/consent-state.ts'
import { observedJudge } from '../observed.ts'
import { createJudge } from './judge.ts'
import { createListings, type Listings } from './list-records.ts'
import { type ContentReleases, createContentReleases } from './release-content.ts'
import { createReleases, type Releases } from './release-record.ts'
import { createSearchReleases, type SearchReleases } from './release-search.ts'
import { createReleaseSteps } from './release-steps.ts'

/** What a custodian hands out to other members, record by record and as lists, all of it decided by one judge. */
export function createReleaseSide(deps: {
  db: Kysely<BrokerTables>
  patients: PatientStore
  states: ConsentStates
  windows: Windows
  accessLog: AccessLog
  books: ExchangeBooks
  source: FhirSource
  contents: ContentSource
  searches: SearchSource
  vault: Vault
  labeller: Labeller
  index: IndexQueries
  clock: Clock
  log: Logger
  observer: Observer
  custodian: Hex
  /** See createJudge. */
  contradicted: () => boolean
  signing: { key: CryptoKey; kid: string }
  /** See createReleases. */
  afterIntent?: () => Promise<void>
}): {
  releases: Releases
  contentReleases: ContentReleases
  searchReleases: SearchReleases
  listings: Listings
} {
  const judge = observedJudge(createJudge(deps), deps.observer)
  const listings = createListings({ ...deps, judge })
  const steps = createReleaseSteps({ ...deps, judge })
  return {
    releases: createReleases({ ...deps, steps }),
    contentReleases: createContentReleases({ ...deps, steps }),
    searchReleases: createSearchReleases({ ...deps, judge, listings, fhirBase: deps.source.base }),
    listings,
  }
}

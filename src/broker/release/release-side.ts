import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import type { Hex } from '../../domain/hex.ts'
import type { Labeller } from '../../fhir/labeller.ts'
import type { FhirSource } from '../../fhir/source.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { Observer } from '../../observe/observer.ts'
import type { PatientStore } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog } from '../audit/access-log.ts'
import type { Windows } from '../audit/windows.ts'
import type { ConsentStates } from '../consent/consent-state.ts'
import { observedJudge } from '../observed.ts'
import { createJudge } from './judge.ts'
import { createListings, type Listings } from './list-records.ts'
import { createReleases, type Releases } from './release-record.ts'

/** What a custodian hands out to other members, record by record and as lists, all of it decided by one judge. */
export function createReleaseSide(deps: {
  db: Kysely<BrokerTables>
  patients: PatientStore
  states: ConsentStates
  windows: Windows
  accessLog: AccessLog
  source: FhirSource
  labeller: Labeller
  index: IndexQueries
  clock: Clock
  log: Logger
  observer: Observer
  custodian: Hex
  signing: { key: CryptoKey; kid: string }
  /** See createReleases. */
  afterIntent?: () => Promise<void>
}): { releases: Releases; listings: Listings } {
  const judge = observedJudge(createJudge(deps), deps.observer)
  return { releases: createReleases({ ...deps, judge }), listings: createListings({ ...deps, judge }) }
}

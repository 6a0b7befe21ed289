export type { IndexProgress } from './index-progress.ts'
export { createIndexer, type Indexer } from './indexer.ts'
export { createIndexQueries, type IndexedEvent, type IndexQueries, type MemberProfile } from './queries.ts'
export { rememberProfiles } from './remembered-profiles.ts'

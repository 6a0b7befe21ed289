export { createRowHashes, type RowHashes } from './canonical/row-hashes.ts'
export { viewLineOf } from './canonical/view.ts'
export { followDeeper } from './follow-deeper.ts'
export type { IndexProgress } from './index-progress.ts'
export { createIndexer, type Indexer } from './indexer.ts'
export {
  createIndexQueries,
  type IndexedEvent,
  type IndexQueries,
  type MemberProfile,
  type MemberRecord,
} from './queries.ts'
export { rememberProfiles } from './remembered-profiles.ts'

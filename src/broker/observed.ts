/** Parts of a broker, measured: each does what it did, and is counted and traced meanwhile. */
import { trace } from '@opentelemetry/api'
import type { ConsentReader } from '../chain/consent-reader.ts'
import type { PeerClient } from '../exchange/peer-client.ts'
import type { ContentSource } from '../fhir/content-source.ts'
import type { SearchSource } from '../fhir/search-source.ts'
import type { FhirSource } from '../fhir/source.ts'
import type { FhirWriter } from '../fhir/writer.ts'
import type { Observer } from '../observe/observer.ts'
import type { AccessLog } from './audit/access-log.ts'
import type { Judge } from './release/judge.ts'

export const observedSource = (source: FhirSource, { timed }: Observer): FhirSource => ({
  ...source,
  readPatient: (id) => timed('fhir patient', () => source.readPatient(id)),
  findPatients: (identifier) => timed('fhir search', () => source.findPatients(identifier)),
  historyPage: (from) => timed('fhir history', () => source.historyPage(from)),
  recordHistory: (type, id) => timed('fhir history', () => source.recordHistory(type, id)),
  readVersion: (type, id, version) => timed('fhir version', () => source.readVersion(type, id, version)),
  subscribe: (endpoint) => timed('fhir subscribe', () => source.subscribe(endpoint)),
})

/** Of a content that is handed on, how long its answer took to begin; how fast it then goes is the taker's doing as well. */
export const observedContents = (contents: ContentSource, { timed }: Observer): ContentSource => ({
  ...contents,
  measure: (place) => timed('fhir content', () => contents.measure(place)),
  read: (place, until) => timed('fhir content', () => contents.read(place, until)),
})

export const observedSearches = (searches: SearchSource, { timed }: Observer): SearchSource => ({
  ...searches,
  page: (url) => timed('fhir search', () => searches.page(url)),
})

export const observedWriter = (writer: FhirWriter, { timed }: Observer): FhirWriter => ({
  ...writer,
  transaction: (writes) => timed('fhir write', () => writer.transaction(writes)),
  read: (type, id) => timed('fhir read', () => writer.read(type, id)),
  has: (type, identifier) => timed('fhir search', () => writer.has(type, identifier)),
})

export const observedPeers = (peers: PeerClient, { timed }: Observer): PeerClient => ({
  ...peers,
  fetchRecord: (...args) => timed('peer record', () => peers.fetchRecord(...args)),
  fetchContent: (...args) => timed('peer content', () => peers.fetchContent(...args)),
  fetchList: (...args) => timed('peer list', () => peers.fetchList(...args)),
  fetchSearch: (...args) => timed('peer search', () => peers.fetchSearch(...args)),
  post: (...args) => timed('peer message', () => peers.post(...args)),
  postReceipt: (...args) => timed('peer receipt', () => peers.postReceipt(...args)),
  postCheckpoints: (...args) => timed('peer checkpoints', () => peers.postCheckpoints(...args)),
  postEvidence: (...args) => timed('peer evidence', () => peers.postEvidence(...args)),
})

export const observedReader = (reader: ConsentReader, { timed }: Observer): ConsentReader => ({
  read: (query) => timed('chain consent', () => reader.read(query)),
})

export const observedLog = (log: AccessLog, { metrics }: Observer): AccessLog => ({
  async append(db, entry, ...more) {
    const id = await log.append(db, entry, ...more)
    metrics.entry(entry)
    return id
  },
})

export const observedJudge = (judge: Judge, { timed, metrics }: Observer): Judge => ({
  consentsNow: (query) => timed('decision consents', () => judge.consentsNow(query)),
  judge: (query) =>
    timed('decision record', async () => {
      const judgement = await judge.judge(query)
      const outcome = judgement.permit ? 'permit' : 'deny'
      metrics.decision(outcome, judgement.permit ? undefined : judgement.reason)
      // Not the reason: together with the request it would tell of the patient's wishes.
      trace.getActiveSpan()?.setAttribute('wayleave.outcome', outcome)
      return judgement
    }),
})

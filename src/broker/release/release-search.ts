import { createHash } from 'node:crypto'
import type { Bundle, Resource } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { dataClassOf } from '../../domain/consent/data-classes.ts'
import { isObject, type JsonObject } from '../../domain/consent/fhir/read.ts'
import { filterAnswer } from '../../domain/consent/filtering/filter-answer.ts'
import { errorCodeOf, wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { commitmentOf } from '../../domain/records/commitment.ts'
import { isRecordType } from '../../domain/records/compartment-members.ts'
import { compartmentOf } from '../../domain/records/compartments.ts'
import { writeContents } from '../../domain/records/contents.ts'
import { recordId } from '../../domain/records/record-id.ts'
import type { LivePage, Registered, SearchRequest } from '../../exchange/live-search.ts'
import { signSearch } from '../../exchange/record-signature.ts'
import type { Labeller } from '../../fhir/labeller.ts'
import { buildProvenance } from '../../fhir/provenance.ts'
import type { SearchSource } from '../../fhir/search-source.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, type Vault } from '../../store/vault.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'
import type { ExchangeBooks } from '../audit/exchange-books.ts'
import type { ConsentState } from '../consent/consent-state.ts'
import { recordLookup, type StoredRecord, versionLookup } from '../register/entries.ts'
import type { Judge } from './judge.ts'
import { verdictOf } from './judge-content.ts'
import type { ListAsk, Listings } from './list-records.ts'
import { partyOf } from './parties.ts'
import { boundTo, type Cursor, createCursors } from './search-cursor.ts'
import { readSearchParameters } from './search-parameters.ts'

export type SearchRelease = { bytes: Uint8Array; jws: string; at: number }

export type SearchReleases = {
  /**
   * Answers one page of a search among the records of the patient behind a share, live: what the FHIR server has now, resource
   * by resource as consent is now. Each page is judged, logged and signed by itself.
   * @param asked SHA-256 of the request's body
   * @throws WayleaveError `not-available`, the one answer to whoever has no right to know (I11); `request-invalid` or
   * `unsupported-parameter` for what cannot be searched for, whoever it is about; `not-ready`
   */
  release(ask: ListAsk & { fetch: string; search: SearchRequest; asked: Hex }): Promise<SearchRelease>
}

/** Resources in one page. */
const PAGE = 50
/** Resources that are looked at for one page; a search that finds so much and releases so little is refused. */
const MOST_LOOKED_AT = 5_000
type Released = JsonObject & { resourceType: string; id: string }

export function createSearchReleases(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  judge: Judge
  listings: Listings
  searches: SearchSource
  labeller: Labeller
  accessLog: AccessLog
  books: ExchangeBooks
  index: IndexQueries
  clock: Clock
  log: Logger
  custodian: Hex
  fhirBase: string
  signing: { key: CryptoKey; kid: string }
  afterIntent?: () => Promise<void>
}): SearchReleases {
  const { db, vault, clock, log } = deps
  const base = deps.fhirBase.replace(/\/$/, '')
  const cursors = createCursors({ vault, clock })

  function cursorOf(
    { search, ...by }: Parameters<SearchReleases['release']>[0],
    patient: StoredPatient,
  ): Cursor {
    const bound = boundTo(by)
    if ('page' in search) {
      const cursor = cursors.open(search.page, bound)
      // Another's page, an old one, and none at all are the same.
      if (!cursor) throw wayleaveError('not-available', 'no such page')
      return cursor
    }
    const { type } = search
    if (!isRecordType(type)) throw wayleaveError('unsupported-parameter', 'not a type of records')
    const { parameters, size } = readSearchParameters(search.parameters, PAGE)
    const url = deps.searches.begin(type, patient.secrets.fhirId, parameters)
    return { url, type, size, ...bound }
  }

  /** One page of the FHIR server's, filtered: what may go out of it, as consent is now. */
  async function filtered(bundle: unknown, type: string, patient: StoredPatient, state: ConsentState) {
    const entries = isObject(bundle) && Array.isArray(bundle.entry) ? bundle.entry : []
    const named = entries.flatMap((entry) => {
      const resource: unknown = isObject(entry) ? entry.resource : undefined
      return isObject(resource) && typeof resource.id === 'string'
        ? [`${String(resource.resourceType)}/${resource.id}`]
        : []
    })
    const hosts = new Set(named)
    const kinds = await registeredKinds(patient, named)
    const nameOf = ({ resourceType, id }: JsonObject) => `${String(resourceType)}/${String(id)}`
    const { answer } = filterAnswer(bundle, {
      base,
      patient: { reference: `Patient/${patient.secrets.fhirId}`, identifiers: patient.secrets.identifiers },
      label: (part) => deps.labeller.label(part as Resource),
      verdict: verdictOf({
        state,
        dataClass: dataClassOf({ resourceType: type }),
        isHost: (part) => hosts.has(nameOf(part)),
        kindsOf: (part) => kinds.get(nameOf(part)) ?? [],
      }),
      tellsRedactions: false,
    })
    const released = (answer?.entry ?? []) as { resource?: Released }[]
    return {
      looked: entries.length,
      released: released.flatMap(({ resource }) => (resource ? [resource] : [])),
    }
  }

  /** What was found to be sensitive was so before: the kinds that the newest registered version of each bears. */
  async function registeredKinds(patient: StoredPatient, names: readonly string[]) {
    const lookups = new Map(
      names.map((name) => {
        const [resourceType = '', id = ''] = name.split('/')
        return [recordLookup({ vault }, { resourceType, id }), name]
      }),
    )
    const kinds = new Map<string, readonly string[]>()
    if (lookups.size === 0) return kinds
    const rows = await db
      .selectFrom('records')
      .select(['record_lookup', 'compartment'])
      .where('patient_id', '=', patient.id)
      .where('record_lookup', 'in', [...lookups.keys()])
      .orderBy('seq')
      .execute()
    for (const row of rows) {
      const name = lookups.get(row.record_lookup ?? '')
      if (name) kinds.set(name, compartmentOf(row.compartment).kinds)
    }
    return kinds
  }

  /** What ties a resource to its entry on the chain; undefined where this version is not registered yet. */
  async function entryOf(resource: Released, patient: StoredPatient) {
    const { resourceType, id, meta } = resource
    const versionId = isObject(meta) ? String(meta.versionId) : ''
    const row = await db
      .selectFrom('records')
      .select(['tag', 'commitment', 'sealed'])
      .where('version_lookup', '=', versionLookup({ vault }, { resourceType, id, versionId }))
      .where('patient_id', '=', patient.id)
      .where('kind', '=', 'snapshot')
      .executeTakeFirst()
    if (!row) return undefined
    const record = openJson<StoredRecord>(patient.key, row.sealed)
    const isSame =
      commitmentOf(Buffer.from(record.salt, 'base64url'), resource, record.contents) === row.commitment
    return { isSame, tag: row.tag as Hex, commitment: row.commitment as Hex, record }
  }

  async function logged<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      throw wayleaveError('not-ready', `the audit store failed: ${String(cause)}`, cause)
    }
  }

  return {
    async release(ask) {
      const { patient } = await deps.listings.mayAsk(ask)
      const cursor = cursorOf(ask, patient)
      const { requester, asker } = ask
      const dataClass = dataClassOf({ resourceType: cursor.type })
      const entry: Omit<LogEntry, 'kind' | 'outcome'> = {
        exchange: ask.fetch,
        custodian: await partyOf(deps.index, deps.custodian),
        requester: await partyOf(deps.index, requester),
        user: { id: asker.userId, role: asker.role, ...(asker.userName ? { name: asker.userName } : {}) },
        purpose: asker.purpose,
        patient: { reference: `Patient/${patient.secrets.fhirId}` },
      }
      const about = { ...entry, note: `A search for ${cursor.type}.` }
      await logged(() => deps.accessLog.append(db, { ...about, kind: 'intent', outcome: '0' }, patient))
      await deps.afterIntent?.()

      const page = await gather(cursor, patient, ask).catch(async (error: unknown) => {
        if (errorCodeOf(error) !== 'source-unavailable') throw error
        log.warn({ code: errorCodeOf(error) }, 'the FHIR server did not answer')
        const refusal = { ...entry, kind: 'refusal', outcome: '8', reason: 'source-unavailable' } as const
        await logged(() => deps.accessLog.append(db, refusal, patient))
        throw wayleaveError('not-available', 'source-unavailable')
      })
      const bytes = new TextEncoder().encode(JSON.stringify(await pageOf(page, ask, cursor, entry)))
      const at = Math.floor(clock.now() / 1000)
      const hash: Hex = `0x${createHash('sha256').update(bytes).digest('hex')}`
      const { fetch, reference, asked } = ask
      const statement = { fetch, reference, asked, bytes: hash, at }
      const jws = await signSearch(deps.signing.key, deps.signing.kid, statement)
      await logged(async () => {
        await deps.books.disclosed({ id: fetch, peer: requester, bytes: hash })
        for (const { resource, tag } of page.released) {
          const { resourceType, id } = resource
          const name = tag ? recordId(deps.custodian, tag) : `${resourceType}/${id}`
          const record = { id: name, resourceType, dataClass }
          await deps.accessLog.append(db, { ...entry, record, kind: 'disclosure', outcome: '0' }, patient)
        }
      })
      return { bytes, jws, at }
    },
  }

  type Gathered = {
    released: { resource: Released; tag?: Hex; commitment?: Hex; registered?: Registered }[]
    /** Where the first one stands that no longer fitted. */
    next?: { url: string; after?: string }
  }

  /**
   * Goes through the server's pages until this one is full and one more is found that may go out: a link to a next page says
   * that there is something on it, and nothing of what is withheld.
   */
  async function gather(cursor: Cursor, patient: StoredPatient, ask: ListAsk): Promise<Gathered> {
    const released: Gathered['released'] = []
    let looked = 0
    let { after } = cursor
    for (let url: string | undefined = cursor.url; url; ) {
      const page = await deps.searches.page(url)
      // As consent is now, after the server has taken its time (I5).
      const { purpose, role } = ask.asker
      const now = await deps.judge.consentsNow({ patient, requester: ask.requester, purpose, role })
      if ('reason' in now) throw wayleaveError('not-available', now.reason)
      const found = await filtered(page.bundle, cursor.type, patient, now.state)
      looked += found.looked
      if (looked > MOST_LOOKED_AT) throw wayleaveError('source-unavailable', 'a search that does not end')
      const seen = found.released.findIndex(({ id }) => id === after)
      let last = after
      for (const resource of found.released.slice(seen + 1)) {
        const entry = await entryOf(resource, patient)
        if (entry && !entry.isSame) {
          log.error({ resourceType: cursor.type }, 'a record is no longer what was registered')
          const alarm = {
            kind: 'alarm',
            outcome: '8',
            reason: 'record-changed',
            recordedBy: 'custodian',
          } as const
          const custodian = await partyOf(deps.index, deps.custodian)
          await logged(() => deps.accessLog.append(db, { ...alarm, custodian }, patient))
          continue
        }
        if (released.length === cursor.size)
          return { released, next: { url, ...(last ? { after: last } : {}) } }
        last = resource.id
        released.push({ resource, ...(entry ? partsOf(resource, entry) : {}) })
      }
      after = undefined
      url = page.next
    }
    return { released }
  }

  async function pageOf(
    { released, next }: Gathered,
    ask: ListAsk & { fetch: string },
    cursor: Cursor,
    entry: Omit<LogEntry, 'kind' | 'outcome'>,
  ): Promise<LivePage> {
    const bundle: Bundle<Resource> = {
      resourceType: 'Bundle',
      type: 'searchset',
      ...(released.length > 0
        ? {
            entry: released.map(({ resource }) => ({
              fullUrl: `${base}/${resource.resourceType}/${resource.id}`,
              resource: resource as unknown as Resource,
              search: { mode: 'match' as const },
            })),
          }
        : {}),
    }
    const { after: _, ...kept } = cursor
    const following = next && cursors.seal({ ...kept, ...next })
    return {
      bundle,
      registered: released.flatMap(({ registered }) => registered ?? []),
      ...(released.length > 0
        ? {
            provenance: buildProvenance({
              id: ask.fetch,
              targets: released.map(({ resource }) => `${resource.resourceType}/${resource.id}`),
              recorded: new Date(clock.now()).toISOString(),
              at: Math.floor(clock.now() / 1000),
              custodian: entry.custodian ?? { name: '' },
              purpose: ask.asker.purpose,
              sources: released.flatMap(({ resource, commitment }) =>
                commitment ? [{ resourceType: resource.resourceType, commitment }] : [],
              ),
              signatures: [],
            }),
          }
        : {}),
      ...(following ? { next: following } : {}),
    }
  }
}

/** What verifies a registered resource, beside it. */
function partsOf(
  { resourceType, id }: Released,
  { tag, commitment, record }: { tag: Hex; commitment: Hex; record: StoredRecord },
) {
  const contents = writeContents(record.contents ?? [])
  return {
    tag,
    commitment,
    registered: { reference: `${resourceType}/${id}`, tag, salt: record.salt, contents },
  }
}

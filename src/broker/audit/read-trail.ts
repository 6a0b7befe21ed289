import type { AuditEvent, Bundle } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import type { AuditEntry } from '../../domain/audit/audit-entry.ts'
import { buildAuditEvent } from '../../domain/audit/audit-event.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'
import { lookupsOf, personLookup } from './access-log.ts'
import { type AuditParameters, readAuditQuery } from './audit-query.ts'
import type { Filing } from './file-trail.ts'
import { searchTrail, type TrailQuery } from './search-trail.ts'

/** What was found, and what is to be noted of the search. */
export type Found = {
  entries: AuditEntry[]
  /** Value of `_page` for what comes next. */
  next?: string
  /** Names of the parameters, without any value. */
  searchedBy: string[]
  /** The one patient of this hospital whose lines were asked for. */
  about?: StoredPatient
}

/** A page's place and its query, sealed, so that a link holds no national identifier and nothing in it can be changed. */
type PageToken = { reader: string; query: TrailQuery; searchedBy: string[]; about?: string }

/** Longer than any link that was handed out. */
const LONGEST_PAGE = 16_384

export type TrailReader = {
  /** For an auditor. @throws WayleaveError `unsupported-parameter`, `request-invalid`, `not-ready` */
  search(parameters: Readonly<Record<string, unknown>>): Promise<Found>
  /** For a patient: what concerns them, and no other's. @throws as `search` */
  searchOwn(patient: StoredPatient, parameters: Readonly<Record<string, unknown>>): Promise<Found>
  /** One line. @throws WayleaveError `audit-event-unknown` */
  byId(id: string): Promise<AuditEntry>
}

export function createTrailReader(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  patients: PatientStore
  filing: Pick<Filing, 'file'>
}): TrailReader {
  const { db, vault, patients } = deps

  async function read({ reader, query, searchedBy, about }: PageToken): Promise<Found> {
    const upTo = await deps.filing.file()
    const { entries, next } = await searchTrail({ db, vault }, query, upTo)
    const token =
      next && sealPage({ reader, query: { ...query, page: next }, searchedBy, ...given({ about }) })
    const patient = about === undefined ? undefined : await patients.byId(db, about)
    return { entries, searchedBy, ...given({ next: token, about: patient }) }
  }

  const sealPage = (token: PageToken) => Buffer.from(sealJson(vault.storeKey, token)).toString('base64url')

  /** A page goes on with its own query, whatever else is asked. */
  function pageIn(parameters: Readonly<Record<string, unknown>>, reader: string): PageToken | undefined {
    const { _page: page, _format, ...others } = parameters
    if (page === undefined) return undefined
    if (Object.keys(others).length > 0) throw wayleaveError('unsupported-parameter')
    try {
      if (typeof page !== 'string' || page.length > LONGEST_PAGE) throw new RangeError('no page')
      const token = openJson<PageToken>(vault.storeKey, Buffer.from(page, 'base64url'))
      if (token.reader === reader) return token
    } catch {
      // said below
    }
    throw wayleaveError('request-invalid', '_page')
  }

  /** Undefined where the hospital has no such patient: then the trail has nothing about one. */
  async function whose({ identifier, patientId }: AuditParameters) {
    const found: StoredPatient[] = identifier ? await patients.byIdentifier(db, identifier) : []
    const named = patientId === undefined ? undefined : await patients.byFhirId(db, patientId)
    if (patientId !== undefined && !named) return undefined
    // Both given: the one patient who is both.
    if (identifier && named && !found.some(({ id }) => id === named.id)) return undefined
    const own = named ? [named] : found
    const lookups = [
      ...own.flatMap((p) => lookupsOf(vault, p)),
      // An auditor reads on through handles that were closed; a patient does not.
      ...own.flatMap(({ secrets }) => (secrets.formerly ?? []).map((id) => vault.lookup('patient', id))),
      ...(identifier ? [personLookup(vault, identifier)] : []),
    ]
    return { lookups, about: own.length === 1 ? own[0] : undefined }
  }

  return {
    async search(parameters) {
      const page = pageIn(parameters, 'auditor')
      if (page) return read(page)
      const asked = readAuditQuery(parameters)
      const { identifier, patientId, searchedBy, ...query } = asked
      if (identifier === undefined && patientId === undefined)
        return read({ reader: 'auditor', query, searchedBy })
      const them = await whose(asked)
      if (!them) return { entries: [], searchedBy }
      const { lookups, about } = them
      const all = { reader: 'auditor', query: { ...query, patients: lookups }, searchedBy }
      return read({ ...all, ...given({ about: about?.id }) })
    },

    async searchOwn(patient, parameters) {
      const reader = `patient/${patient.id}`
      // Under a closed handle a key is shown what was its own: whose number that was is what was in doubt.
      const lookups = patient.closed ? [vault.lookup('patient', patient.id)] : lookupsOf(vault, patient)
      const page = pageIn(parameters, reader)
      // The session says whose trail it is; an identity may have come into doubt since the page before.
      if (page) return read({ ...page, query: { ...page.query, patients: lookups } })
      const { identifier, patientId, searchedBy, ...query } = readAuditQuery(parameters)
      if (identifier !== undefined || patientId !== undefined) throw wayleaveError('unsupported-parameter')
      return read({ reader, query: { ...query, patients: lookups }, searchedBy, about: patient.id })
    },

    async byId(id) {
      const row = await db.selectFrom('audit_events').select('sealed').where('id', '=', id).executeTakeFirst()
      if (!row) throw wayleaveError('audit-event-unknown')
      return openJson<AuditEntry>(vault.storeKey, row.sealed)
    },
  }
}

/** What of these is there at all. */
const given = <T extends object>(parts: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as never

/**
 * A page of a search, as FHIR R4 §3.1.1.1 has it.
 * @param url of the resource type; its `_page` is where the next one is
 */
export function trailBundle(url: string, { entries, next }: Found): Bundle<AuditEvent> {
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(next ? { link: [{ relation: 'next', url: `${url}?_page=${next}` }] } : {}),
    entry: entries.map((entry) => ({
      fullUrl: `${url}/${entry.id}`,
      resource: buildAuditEvent(entry),
      search: { mode: 'match' },
    })),
  }
}

import { randomUUID } from 'node:crypto'
import type { Bundle, BundleEntry, OperationOutcome } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import { isObject, type JsonObject } from '../../domain/consent/fhir/read.ts'
import {
  problemsOfContent,
  problemsOfContents,
  storedDocument,
  withReference,
} from '../../domain/documents/document-content.ts'
import { listOf, problemsOfDocument } from '../../domain/documents/required-elements.ts'
import { attachmentOf, readSubmission } from '../../domain/documents/submission.ts'
import { type Problem, problemsError, wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { patientOf } from '../../domain/records/compartment-members.ts'
import type { Asker } from '../../exchange/b2b.ts'
import { type FhirWriter, token, type Write, type Written } from '../../fhir/writer.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'
import type { People } from '../receive/people.ts'
import { type OwnPatient, type Pushed, whoseDocuments } from './whose-documents.ts'

/** Who pushes, through which program. */
export type PushedBy = { asker: Asker; clientId: string }

type Resource = JsonObject & { resourceType: string }

export type Publisher = {
  /**
   * Stores what a HIS pushes as one transaction (IHE MHD, ITI-65) in the hospital's own FHIR server, from where it is registered
   * like any other record; all of it or nothing. Resolves to the transaction-response.
   * @throws WayleaveError `document-invalid`, `document-mismatch`, `document-patient`, `document-duplicate`, `document-refused`,
   * `source-unavailable`
   */
  provide(bundle: unknown, by: PushedBy): Promise<Bundle>
  /** The same for one DocumentReference that holds its document (ITI-105). Throws as `provide` does. */
  publish(document: unknown, by: PushedBy): Promise<{ location: string; resource: Resource }>
}

export function createPublisher(deps: {
  db: Kysely<BrokerTables>
  writer: FhirWriter
  people: People
  accessLog: AccessLog
  member: Hex
  organization: { name: string; identifier: Identifier }
  /** The hospital's FHIR base, and this broker's own address. */
  fhirBase: string
  base: () => string
  /** Called once something was stored. */
  afterStore: () => void
}): Publisher {
  const { writer } = deps
  const whose = (pushed: readonly Pushed[], patient?: Parameters<typeof whoseDocuments>[1]) =>
    whoseDocuments(pushed, patient, {
      people: deps.people,
      bases: [deps.fhirBase, `${deps.base()}/fhir`],
    })

  /** @throws WayleaveError `document-duplicate` for a uniqueId that comes twice, or is stored already */
  async function refuseDoubles(documents: readonly Pushed[]): Promise<void> {
    const seen = new Set<string>()
    for (const { resource, path } of documents) {
      const identifier = resource.masterIdentifier as Identifier
      const text = token(identifier)
      if (seen.has(text) || (await writer.has('DocumentReference', identifier)))
        throw problemsError('document-duplicate', [
          { path: `${path}.masterIdentifier`, reason: 'Another document has it.' },
        ])
      seen.add(text)
    }
  }

  /** Documents that the pushed ones replace become superseded in the same transaction (MHD, ITI-65 expected actions). */
  async function superseded(documents: readonly Pushed[], { own }: OwnPatient): Promise<Write[]> {
    const writes = new Map<string, Write>()
    for (const { resource, path } of documents) {
      for (const related of listOf(resource.relatesTo)) {
        if (!isObject(related) || related.code !== 'replaces') continue
        const reference = isObject(related.target) ? String(related.target.reference) : ''
        const [, id] = /^DocumentReference\/([A-Za-z0-9\-.]{1,64})$/.exec(reference) ?? []
        const found = id === undefined ? undefined : await writer.read('DocumentReference', id)
        const version = isObject(found?.meta) ? found.meta.versionId : undefined
        const isTheirs = found !== undefined && patientOf(found, deps.fhirBase) === own.id
        if (!id || !found || !isTheirs || found.status !== 'current' || typeof version !== 'string')
          throw problemsError('document-invalid', [
            { path: `${path}.relatesTo`, reason: 'It replaces no current document of this patient here.' },
          ])
        const resourceNow = { ...found, status: 'superseded' }
        writes.set(id, { method: 'PUT', id, resource: resourceNow, ifMatch: `W/"${version}"` })
      }
    }
    return [...writes.values()]
  }

  /** Who pushes for whom is noted first; and once more where nothing came of it. */
  async function store(writes: readonly Write[], { own, identifiers }: OwnPatient, by: PushedBy) {
    const { asker, clientId } = by
    const [identifier] = identifiers
    const entry: LogEntry = {
      kind: 'document-published',
      outcome: '0',
      custodian: { id: deps.member, ...deps.organization },
      user: { id: asker.userId, role: asker.role, ...(asker.userName ? { name: asker.userName } : {}) },
      client: { id: clientId },
      purpose: asker.purpose,
      patient: { reference: `Patient/${own.id}`, ...(identifier ? { identifier } : {}) },
    }
    await deps.accessLog.append(deps.db, entry, identifier)
    let written: Written[]
    try {
      written = await writer.transaction(writes)
    } catch (error) {
      await deps.accessLog.append(deps.db, { ...entry, outcome: '8' }, identifier)
      throw error
    }
    deps.afterStore()
    return written
  }

  const post = (fullUrl: string, resource: Resource): Write => ({
    ...{ method: 'POST', fullUrl, resource },
    // Two that push the same document at one time must not both be stored.
    ...(resource.resourceType === 'DocumentReference'
      ? { ifNoneExist: `identifier=${encodeURIComponent(token(resource.masterIdentifier as Identifier))}` }
      : {}),
  })

  return {
    async provide(bundle, by) {
      const read = readSubmission(bundle)
      if ('problems' in read) throw problemsError('document-invalid', read.problems)
      const { lists, documents, binaries, patient: patientEntry, size } = read.submission
      fail('document-mismatch', problemsOfContents(documents, binaries))
      const path = (index: number) => `Bundle.entry[${index}].resource`
      const pushed = [...documents, ...lists].map((entry) => ({ ...entry, path: path(entry.index) }))
      const patient = await whose(pushed, patientEntry)
      const pushedDocuments = pushed.slice(0, documents.length)
      await refuseDoubles(pushedDocuments)
      const more = await superseded(pushedDocuments, patient)
      const reference = `Patient/${patient.own.id}`
      const names = new Map(patientEntry ? [[patientEntry.fullUrl, reference]] : [])
      const data = new Map(binaries.map(({ fullUrl, resource }) => [fullUrl, resource.data] as const))
      const writes = [
        ...documents.map(({ fullUrl, resource }) =>
          post(
            fullUrl,
            renamed(storedDocument(resource, data.get(String(attachmentOf(resource).url)), reference), names),
          ),
        ),
        ...lists.map(({ fullUrl, resource }) => {
          const { id: _theirs, ...list } = resource
          return post(
            fullUrl,
            renamed({ ...list, subject: withReference(resource.subject, reference) }, names),
          )
        }),
      ]
      const written = await store([...writes, ...more], patient, by)
      const answers: BundleEntry[] = Array.from({ length: size }, () => ({}))
      for (const [i, { index }] of [...documents, ...lists].entries())
        answers[index] = { response: absolute(written[i]) }
      for (const { index, fullUrl } of binaries) {
        const holder = documents.findIndex(({ resource }) => attachmentOf(resource).url === fullUrl)
        answers[index] = { response: { ...absolute(written[holder]), outcome: KEPT_WITHIN } }
      }
      if (patientEntry)
        answers[patientEntry.index] = {
          response: { status: '200 OK', location: `${deps.fhirBase}/${reference}` },
        }
      return { resourceType: 'Bundle', type: 'transaction-response', entry: answers }
    },

    async publish(document, by) {
      if (!isObject(document) || document.resourceType !== 'DocumentReference')
        throw wayleaveError('request-invalid', 'no DocumentReference')
      const resource: Resource = { ...document, resourceType: 'DocumentReference' }
      const path = 'DocumentReference'
      const problems: Problem[] = []
      problemsOfDocument(resource, { comprehensive: false, isSimplified: true }, path, (at, reason) =>
        problems.push({ path: at, reason }),
      )
      fail('document-invalid', problems)
      const { contentType, data } = attachmentOf(resource)
      fail('document-mismatch', problemsOfContent(resource, { contentType, data }, path))
      const pushed = [{ resource, path }]
      const patient = await whose(pushed)
      await refuseDoubles(pushed)
      const more = await superseded(pushed, patient)
      const stored = storedDocument(resource, data, `Patient/${patient.own.id}`)
      const [written] = await store([post(`urn:uuid:${randomUUID()}`, stored), ...more], patient, by)
      const location = absolute(written).location ?? ''
      const [, id = '', versionId = ''] = /\/([^/]+)(?:\/_history\/([^/]+))?$/.exec(location) ?? []
      return {
        location,
        resource: {
          ...stored,
          id,
          ...(versionId ? { meta: { ...(stored.meta as object), versionId } } : {}),
        },
      }
    },
  }

  function absolute(written: Written | undefined): { status: string; location?: string } {
    return written
      ? { status: written.status, location: `${deps.fhirBase}/${written.location}` }
      : { status: '200 OK' }
  }
}

const KEPT_WITHIN: OperationOutcome = {
  resourceType: 'OperationOutcome',
  issue: [
    {
      severity: 'information',
      code: 'informational',
      details: { text: 'The document is kept within its DocumentReference, with which it is released.' },
    },
  ],
}

function fail(code: 'document-invalid' | 'document-mismatch', problems: readonly Problem[]): void {
  if (problems.length > 0) throw problemsError(code, problems)
}

/** A copy in which references to what is not stored name what takes its place. */
function renamed(resource: Resource, names: ReadonlyMap<string, string>): Resource {
  const rename = (value: unknown, key: string): unknown => {
    if (key === 'reference' && typeof value === 'string') return names.get(value) ?? value
    if (Array.isArray(value)) return value.map((item) => rename(item, key))
    if (!isObject(value)) return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, rename(item, name)]))
  }
  return names.size === 0 ? resource : (rename(resource, '') as Resource)
}

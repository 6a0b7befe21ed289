import { allOk, created, OperationOutcomeError } from '@medplum/core'
import type { Api, ApiResponse } from './api-types.ts'
import { type Entry, type NoteAccess, responseEntry } from './bundle-entry.ts'
import type { Bundle, Resource, StoredResource } from './medplum-types.ts'
import { invalid, preconditionFails } from './outcomes.ts'
import { isId, referencesIn, replaceReferences } from './references.ts'
import type { SqlRepository } from './repository.ts'
import { readResourceBody } from './resource-body.ts'
import { parseCondition } from './search-query.ts'
import { type Change, lockForWriting, readCurrent, type Written } from './store.ts'
import type { FhirTrx } from './tables.ts'

// A transaction (FHIR R4 §3.1.0.11.2): deletes first, then creates and updates together, then reads; all or nothing.
// The creates and updates know each other's ids before any is written, so that references among them can be resolved.

type Planned = { index: number; change: Change; fullUrl?: string }
/** What is settled before the write: what will be written, or the resource that already was there. */
type Plan = { planned: Planned[]; found: Map<number, StoredResource>; names: Map<string, string> }

export async function runTransaction(
  entries: readonly Entry[],
  repository: SqlRepository,
  api: Api,
  note: NoteAccess,
): Promise<Bundle> {
  const answers = new Array<ApiResponse>(entries.length)
  await repository.withTransaction(async (inside) => {
    const writes = entries.some(({ method }) => method !== 'GET' && method !== 'HEAD')
    if (writes) await lockForWriting(inside.db as FhirTrx)
    const touched = new Set<string>()
    await runDeletes(entries, inside, answers, touched)
    await runWrites(entries, inside, answers, touched)
    for (const [index, entry] of entries.entries()) {
      if (entry.method !== 'GET' && entry.method !== 'HEAD') continue
      const response = await api.handle({ method: 'GET', url: entry.url }, inside)
      if (response.status >= 400) throw new OperationOutcomeError(response.outcome)
      answers[index] = response
    }
  })
  for (const [index, response] of answers.entries()) note(response, entries[index]?.method ?? '')
  return { resourceType: 'Bundle', type: 'transaction-response', entry: answers.map(responseEntry) }
}

async function runDeletes(
  entries: readonly Entry[],
  repository: SqlRepository,
  answers: ApiResponse[],
  touched: Set<string>,
): Promise<void> {
  const changes: Change[] = []
  for (const [index, entry] of entries.entries()) {
    if (entry.method !== 'DELETE') continue
    const target = entry.url.includes('?')
      ? await repository.findOne(parseCondition(entry.url))
      : identityIn(entry.url, index)
    answers[index] = { status: 200, outcome: allOk, interaction: 'delete' }
    if (target === undefined) continue
    const { resourceType: type, id } = target
    answers[index] = { ...answers[index], resourceType: type, id }
    touchOnce(touched, type, id)
    await checkVersion(entry, type, id, repository)
    changes.push({ method: 'DELETE', type, id })
  }
  if (changes.length > 0) await repository.write(changes)
}

async function runWrites(
  entries: readonly Entry[],
  repository: SqlRepository,
  answers: ApiResponse[],
  touched: Set<string>,
): Promise<void> {
  const { planned, found, names } = await plan(entries, repository, touched)
  for (const [index, resource] of found) answers[index] = writeAnswer('create', false, resource)
  if (planned.length === 0) return
  const changes = planned.map(({ change }) =>
    'resource' in change ? { ...change, resource: replaceReferences(change.resource, names) } : change,
  )
  for (const change of changes) if ('resource' in change) refuseDangling(change.resource)
  const written = await repository.write(changes)
  for (const [n, { index, change }] of planned.entries()) {
    const { resource, created: isNew } = written[n] as Written
    answers[index] = writeAnswer(
      change.method === 'POST' ? 'create' : 'update',
      isNew,
      resource as StoredResource,
    )
  }
}

async function plan(
  entries: readonly Entry[],
  repository: SqlRepository,
  touched: Set<string>,
): Promise<Plan> {
  const planned: Planned[] = []
  const found: Plan['found'] = new Map()
  const names: Plan['names'] = new Map()
  for (const [index, entry] of entries.entries()) {
    if (entry.method !== 'POST' && entry.method !== 'PUT') continue
    const { resource, existing, isNew } =
      entry.method === 'POST'
        ? await planCreate(entry, repository)
        : await planUpdate(entry, index, repository)
    const identity = existing ?? resource
    if (entry.fullUrl !== undefined) nameOnce(names, entry.fullUrl, `${identity.resourceType}/${identity.id}`)
    if (existing !== undefined && entry.method === 'POST') {
      found.set(index, existing)
      continue
    }
    touchOnce(touched, resource.resourceType, resource.id)
    planned.push({ index, change: { method: isNew ? 'POST' : 'PUT', resource } })
  }
  return { planned, found, names }
}

type PlannedWrite = { resource: Resource & { id: string }; existing?: StoredResource; isNew: boolean }

async function planCreate(entry: Entry, repository: SqlRepository): Promise<PlannedWrite> {
  const resource = readResourceBody(entry.resource, entry.url)
  const planned = { resource: { ...resource, id: repository.generateId() }, isNew: true }
  if (entry.ifNoneExist === undefined) return planned
  const existing = await repository.findOne(parseCondition(`${entry.url}?${entry.ifNoneExist}`))
  return existing === undefined ? planned : { ...planned, existing }
}

async function planUpdate(entry: Entry, index: number, repository: SqlRepository): Promise<PlannedWrite> {
  if (!entry.url.includes('?')) {
    const { resourceType, id } = identityIn(entry.url, index)
    await checkVersion(entry, resourceType, id, repository)
    return { resource: { ...readResourceBody(entry.resource, resourceType, id), id }, isNew: false }
  }
  const condition = parseCondition(entry.url)
  const resource = readResourceBody(entry.resource, condition.resourceType)
  const existing = await repository.findOne(condition)
  if (existing !== undefined && resource.id !== undefined && resource.id !== existing.id) {
    throw invalid(`Bundle.entry[${index}]: the resource that matches has another id`)
  }
  const id = existing?.id ?? resource.id
  return { resource: { ...resource, id: id ?? repository.generateId() }, isNew: id === undefined }
}

async function checkVersion(
  entry: Entry,
  type: string,
  id: string,
  repository: SqlRepository,
): Promise<void> {
  if (entry.ifMatch === undefined) return
  const wanted = /^(?:W\/)?"([^"]+)"$/.exec(entry.ifMatch)?.[1]
  const current = await readCurrent(repository.db, type, id)
  const version = current === undefined || current.deleted ? 'none' : String(current.version)
  if (wanted !== version) throw preconditionFails(`${type}/${id} is at version ${version}`)
}

function identityIn(url: string, index: number): { resourceType: string; id: string } {
  const [resourceType = '', id, ...more] = url.split('/')
  if (!isId(id) || more.length > 0) throw invalid(`Bundle.entry[${index}].request.url must be Type/id`)
  return { resourceType, id }
}

function touchOnce(touched: Set<string>, type: string, id: string): void {
  if (touched.has(`${type}/${id}`)) throw invalid(`${type}/${id} stands twice in the transaction`)
  touched.add(`${type}/${id}`)
}

function nameOnce(names: Map<string, string>, fullUrl: string, identity: string): void {
  if (names.has(fullUrl)) throw invalid(`The fullUrl ${fullUrl} stands twice in the transaction`)
  names.set(fullUrl, identity)
}

function refuseDangling(resource: Resource): void {
  for (const reference of referencesIn(resource)) {
    if (reference.startsWith('urn:uuid:')) throw invalid(`${reference} is not in the transaction`)
  }
}

function writeAnswer(interaction: string, isNew: boolean, resource: StoredResource): ApiResponse {
  const outcome = isNew ? created : allOk
  const { resourceType, id } = resource
  return { status: isNew ? 201 : 200, outcome, interaction, resource, resourceType, id }
}

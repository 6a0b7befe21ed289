import { randomUUID } from 'node:crypto'
import { gone, notFound, OperationOutcomeError, type SearchRequest } from '@medplum/core'
import { FhirRepository } from '@medplum/fhir-router'
import { isResourceType } from '../../domain/consent/resource-types.ts'
import { parseHistory, readHistoryBundle } from './history.ts'
import type { Bundle, BundleEntry, Reference, Resource, StoredResource, WithId } from './medplum-types.ts'
import { invalid, notSupported, preconditionFails } from './outcomes.ts'
import { isConditionalReference, isId, referencesIn, replaceReferences } from './references.ts'
import { findResources } from './search.ts'
import { parseCondition, searchUrl } from './search-query.ts'
import {
  type Change,
  lockForWriting,
  readCurrent,
  storedResource,
  type Written,
  writeChanges,
} from './store.ts'
import type { FhirDb, FhirTrx } from './tables.ts'

export type RepositoryDeps = {
  db: FhirDb
  /** The server's base URL, without a slash at the end. */
  base: string
  now: () => Date
  /** Told after a commit that made versions: of which types. */
  onCommit: (types: ReadonlySet<string>) => void
  /** Looks at each resource before it is written; throws to refuse it. */
  beforeWrite: (resource: Resource) => void
}

/** The repository behind `FhirRouter`, on SQL tables. One instance serves one request, or one transaction in it. */
export class SqlRepository extends FhirRepository {
  readonly #deps: RepositoryDeps
  readonly #trx: FhirTrx | undefined

  constructor(deps: RepositoryDeps, trx?: FhirTrx) {
    super()
    this.#deps = deps
    this.#trx = trx
  }

  get db(): FhirDb {
    return this.#trx ?? this.#deps.db
  }

  get base(): string {
    return this.#deps.base
  }

  /** Readers and writers use the same database. */
  override setMode(): void {}

  override generateId(): string {
    return randomUUID()
  }

  /** Runs `work` in one SQL transaction, or in the one that is open already: a second connection may not exist. */
  override async withTransaction<T>(work: (repository: this) => Promise<T>): Promise<T> {
    if (this.#trx !== undefined) return work(this)
    const wrote = new Set<string>()
    const noting = {
      ...this.#deps,
      onCommit(types: ReadonlySet<string>) {
        for (const type of types) wrote.add(type)
      },
    }
    const result = await this.#deps.db
      .transaction()
      .execute((trx) => work(new SqlRepository(noting, trx) as this))
    if (wrote.size > 0) this.#deps.onCommit(wrote)
    return result
  }

  /** Writes several resources at once, all or none. Conditional references in them are resolved first. */
  async write(changes: readonly Change[]): Promise<Written[]> {
    return this.withTransaction(async (repository) => {
      const resolved = await repository.#resolveConditionalReferences(changes)
      for (const change of resolved) if ('resource' in change) this.#deps.beforeWrite(change.resource)
      const { base, now, onCommit } = repository.#deps
      const written = await writeChanges(repository.db as FhirTrx, resolved, { now: now(), base })
      onCommit(new Set(written.filter(({ changed }) => changed).map(({ type }) => type)))
      return written
    })
  }

  async #writeOne(change: Change): Promise<Written> {
    const [written] = await this.write([change])
    if (written === undefined) throw new Error('a write answers for each of its changes')
    return written
  }

  override async createResource<T extends Resource>(resource: T): Promise<WithId<T>> {
    const id = this.generateId()
    const written = await this.#writeOne({ method: 'POST', resource: { ...resource, id } })
    return written.resource as unknown as WithId<T>
  }

  override async updateResource<T extends Resource>(resource: T, options?: IfMatch): Promise<WithId<T>> {
    return (await this.put(resource, options)).resource as unknown as WithId<T>
  }

  /** Update, or create under the id that the client chose (FHIR R4 §3.1.0.4.1); says which. */
  async put(resource: Resource, options?: IfMatch): Promise<Written> {
    const { id } = resource
    if (!isId(id)) throw invalid('An id has 1 to 64 letters, digits, hyphens and dots')
    return this.withTransaction(async (repository) => {
      await repository.#checkVersion(resource.resourceType, id, options)
      return repository.#writeOne({ method: 'PUT', resource: { ...resource, id } })
    })
  }

  override async deleteResource(type: string, id: string, options?: IfMatch): Promise<void> {
    await this.withTransaction(async (repository) => {
      await repository.#checkVersion(type, id, options)
      await repository.#writeOne({ method: 'DELETE', type, id })
    })
  }

  /** @throws OperationOutcomeError 412 when `If-Match` names another version than the current one. */
  async #checkVersion(type: string, id: string, options: IfMatch | undefined): Promise<void> {
    if (options?.ifMatch === undefined) return
    await lockForWriting(this.db as FhirTrx)
    const current = await readCurrent(this.db, type, id)
    const version = current === undefined || current.deleted ? 'none' : String(current.version)
    if (version !== options.ifMatch) throw preconditionFails(`The current version is ${version}`)
  }

  override async readResource<T extends Resource>(type: string, id: string): Promise<WithId<T>> {
    const current = await readCurrent(this.db, type, id)
    if (current === undefined) throw new OperationOutcomeError(notFound)
    if (current.body === null) throw new OperationOutcomeError(gone)
    return storedResource(current.body) as unknown as WithId<T>
  }

  override async readVersion<T extends Resource>(
    type: string,
    id: string,
    version: string,
  ): Promise<WithId<T>> {
    const row = /^[1-9]\d{0,8}$/.test(version)
      ? await this.db
          .selectFrom('versions')
          .where('type', '=', type)
          .where('id', '=', id)
          .where('version', '=', Number(version))
          .select('body')
          .executeTakeFirst()
      : undefined
    if (row === undefined) throw new OperationOutcomeError(notFound)
    if (row.body === null) throw new OperationOutcomeError(gone)
    return storedResource(row.body) as unknown as WithId<T>
  }

  override async readHistory<T extends Resource>(type: string, id: string): Promise<PageOf<T>> {
    const bundle = await readHistoryBundle(this.db, { type, id }, parseHistory([]), this.base)
    return bundle as unknown as PageOf<T>
  }

  override async search<T extends Resource>(search: SearchRequest<T>): Promise<PageOf<T>> {
    const request = search as SearchRequest
    const { resources, total, next } = await findResources(this.db, request, this.base)
    const bundle: Bundle = {
      resourceType: 'Bundle',
      type: 'searchset',
      total,
      link: [
        { relation: 'self', url: searchUrl(this.base, request, request.cursor) },
        ...(next === undefined ? [] : [{ relation: 'next', url: searchUrl(this.base, request, next) }]),
      ],
      ...(request.count !== 0 && {
        entry: resources.map((resource) => ({
          fullUrl: `${this.base}/${resource.resourceType}/${resource.id}`,
          resource,
          search: { mode: 'match' as const },
        })),
      }),
    }
    return bundle as PageOf<T>
  }

  /** The one resource that a condition names, if any. @throws OperationOutcomeError 412 when there are several. */
  async findOne(search: SearchRequest): Promise<StoredResource | undefined> {
    const { resources } = await findResources(this.db, { ...search, count: 2 }, this.base)
    if (resources.length > 1) throw preconditionFails('Several resources match the condition')
    return resources[0]
  }

  async #resolveConditionalReferences(changes: readonly Change[]): Promise<Change[]> {
    const conditions = new Set<string>()
    for (const change of changes) if ('resource' in change) referencesIn(change.resource, conditions)
    const names = new Map<string, string>()
    for (const reference of conditions) {
      if (!isConditionalReference(reference)) continue
      const found = await this.findOne(parseCondition(reference))
      if (found === undefined) throw preconditionFails('No resource matches a conditional reference')
      names.set(reference, `${found.resourceType}/${found.id}`)
    }
    return changes.map((change) =>
      'resource' in change ? { ...change, resource: replaceReferences(change.resource, names) } : change,
    )
  }

  override async readReference<T extends Resource>(reference: Reference): Promise<WithId<T>> {
    const [type, id] = reference.reference?.split('/') ?? []
    if (!isResourceType(type) || !isId(id))
      throw invalid('The reference is not one to a resource of this server')
    return this.readResource<T>(type, id)
  }

  override async readReferences<T extends Resource>(
    references: readonly Reference[],
  ): Promise<(T | Error)[]> {
    const read = references.map((reference) =>
      this.readReference<T>(reference).catch((error: Error) => error),
    )
    return Promise.all(read) as Promise<(T | Error)[]>
  }

  override async patchResource(): Promise<never> {
    throw notSupported('PATCH is not offered')
  }

  override async searchByReference(): Promise<never> {
    throw notSupported('GraphQL is not offered')
  }
}

type IfMatch = { ifMatch?: string }
type PageOf<T extends Resource> = Omit<Bundle, 'entry'> & {
  entry?: (BundleEntry & { resource?: WithId<T> })[]
}

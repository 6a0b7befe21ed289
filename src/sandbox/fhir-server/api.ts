import {
  allOk,
  badRequest,
  created,
  notFound,
  OperationOutcomeError,
  type SearchRequest,
} from '@medplum/core'
import { type FhirRequest, FhirRouter, type HttpMethod, type RestInteraction } from '@medplum/fhir-router'
import { isResourceType } from '../../domain/consent/resource-types.ts'
import type { Api, ApiResponse } from './api-types.ts'
import { type HistoryOf, parseHistory, readHistoryBundle } from './history.ts'
import type { CapabilityStatement, OperationOutcome, Resource } from './medplum-types.ts'
import { internalError, invalid, notAllowed, notSupported, statusOf } from './outcomes.ts'
import type { SqlRepository } from './repository.ts'
import { readResourceBody } from './resource-body.ts'
import { parseCondition, parseSearch, type QueryPairs, queryPairs } from './search-query.ts'
import { lockForWriting } from './store.ts'
import type { FhirTrx } from './tables.ts'

export type ApiDeps = {
  capabilities: () => CapabilityStatement
  /** Answers a batch or transaction. */
  bundle: (body: unknown, repository: SqlRepository, api: Api) => Promise<Resource>
  /** Told of what was no client's fault. */
  onError: (error: unknown) => void
}

type Answer = [OperationOutcome] | [OperationOutcome, Resource]
type Handler = (request: FhirRequest, repository: SqlRepository) => Promise<Answer>

/** The RESTful API (FHIR R4 §3.1) as a table of routes on medplum's `FhirRouter`, whose read and vread are used as they are. */
export function createApi(deps: ApiDeps): Api {
  const router = new FhirRouter()
  const kept = router.router.routes.filter(
    ({ data }) => data?.interaction === 'read' || data?.interaction === 'vread',
  )
  router.router.routes.splice(0, router.router.routes.length, ...kept)

  const add = (method: HttpMethod, path: string, interaction: RestInteraction, handler: Handler) =>
    router.add(
      method,
      path,
      (request, repository) => handler(request, repository as SqlRepository),
      interaction,
    )

  add('GET', 'metadata', 'operation', async () => [allOk, deps.capabilities()])
  add('POST', '', 'transaction', async ({ body }, repository) => [
    allOk,
    await deps.bundle(body, repository, api),
  ])
  add('GET', '_history', 'history-system', async (request, repository) => history({}, request, repository))
  add('GET', ':resourceType/_history', 'history-type', async (request, repository) =>
    history({ type: typeOf(request) }, request, repository),
  )
  add('GET', ':resourceType/:id/_history', 'history-instance', async (request, repository) => {
    const of = { type: typeOf(request), id: request.params.id ?? '' }
    const [outcome, bundle] = await history(of, request, repository)
    // An empty page of a resource that exists is an answer; a resource that never was is not found.
    if (bundle?.resourceType === 'Bundle' && bundle.total === 0)
      await repository.readResource(of.type, of.id).catch(unlessGone)
    return [outcome, bundle as Resource]
  })
  add('GET', ':resourceType', 'search-type', async (request, repository) => [
    allOk,
    await repository.search(parseSearch(typeOf(request), pairsOf(request))),
  ])
  add('POST', ':resourceType/_search', 'search-type', async (request, repository) => {
    const form = typeof request.body === 'string' ? queryPairs(request.body) : []
    return [allOk, await repository.search(parseSearch(typeOf(request), [...pairsOf(request), ...form]))]
  })
  add('POST', ':resourceType', 'create', async (request, repository) => {
    const resource = readResourceBody(request.body, typeOf(request))
    const condition = request.headers?.['if-none-exist']
    if (condition === undefined) return [created, await repository.createResource(resource)]
    return repository.withTransaction(async (locked) => {
      await lockForWriting(locked.db as FhirTrx)
      const found = await locked.findOne(parseCondition(`${resource.resourceType}?${String(condition)}`))
      return found ? [allOk, found] : [created, await locked.createResource(resource)]
    })
  })
  add('PUT', ':resourceType/:id', 'update', async (request, repository) => {
    const resource = readResourceBody(request.body, typeOf(request), request.params.id)
    return putAnswer(resource, request, repository)
  })
  add('PUT', ':resourceType', 'update', async (request, repository) => {
    const resource = readResourceBody(request.body, typeOf(request))
    return repository.withTransaction(async (locked) => {
      await lockForWriting(locked.db as FhirTrx)
      const found = await locked.findOne(conditionOf(request))
      if (found === undefined && resource.id === undefined)
        return [created, await locked.createResource(resource)]
      if (found !== undefined && resource.id !== undefined && resource.id !== found.id) {
        throw invalid('The resource that matches has another id')
      }
      return putAnswer({ ...resource, id: (found ?? resource).id as string }, request, locked)
    })
  })
  add('DELETE', ':resourceType/:id', 'delete', async (request, repository) => {
    await repository.deleteResource(typeOf(request), request.params.id ?? '', ifMatchOf(request))
    return [allOk]
  })
  add('DELETE', ':resourceType', 'delete', async (request, repository) => {
    return repository.withTransaction(async (locked) => {
      await lockForWriting(locked.db as FhirTrx)
      const found = await locked.findOne(conditionOf(request))
      if (found !== undefined) await locked.deleteResource(found.resourceType, found.id)
      return [allOk]
    })
  })

  for (const route of router.router.routes) route.handler = hidingFaults(route.handler)

  function hidingFaults<A extends unknown[], R>(handler: (...args: A) => Promise<R>) {
    return async (...args: A): Promise<R> => {
      try {
        return await handler(...args)
      } catch (error) {
        if (error instanceof OperationOutcomeError) throw error
        // The router would turn any error into a 400 with its message.
        deps.onError(error)
        throw new OperationOutcomeError(internalError)
      }
    }
  }

  const api: Api = {
    async handle(request, repository) {
      const method = request.method as HttpMethod
      const route = find(router, method, request.url)
      if (route === undefined) return answer(isPath(router, request.url) ? notAllowed : notFound, 'operation')
      const { resourceType, id } = route.params
      const about = { ...(isResourceType(resourceType) && { resourceType }), ...(id !== undefined && { id }) }
      const interaction = route.data?.interaction ?? 'operation'
      if (resourceType !== undefined && !isResourceType(resourceType)) return answer(notFound, interaction)
      if (request.ifNoneMatch !== undefined && method !== 'GET') return answer(noneMatchOnWrite, interaction)
      const [outcome, resource] = await router.handleRequest(
        {
          method,
          url: request.url,
          pathname: '',
          params: {},
          query: {},
          body: request.body,
          headers: {
            ...(request.ifMatch !== undefined && { 'if-match': request.ifMatch }),
            ...(request.ifNoneExist !== undefined && { 'if-none-exist': request.ifNoneExist }),
          },
        },
        repository,
      )
      return { ...answer(outcome, interaction), ...about, ...(resource && { resource }) }
    },
  }
  return api
}

async function history(of: HistoryOf, request: FhirRequest, repository: SqlRepository): Promise<Answer> {
  const query = parseHistory(pairsOf(request))
  return [allOk, await readHistoryBundle(repository.db, of, query, repository.base)]
}

async function putAnswer(
  resource: Resource,
  request: FhirRequest,
  repository: SqlRepository,
): Promise<Answer> {
  const written = await repository.put(resource, ifMatchOf(request))
  return [written.created ? created : allOk, written.resource as Resource]
}

function conditionOf(request: FhirRequest): SearchRequest {
  const pairs = pairsOf(request)
  if (pairs.length === 0) throw invalid('Without an id, a condition is needed')
  return parseSearch(typeOf(request), pairs)
}

/** @throws OperationOutcomeError (400) for a header that cannot be understood: to ignore it would lose an update. */
function ifMatchOf(request: FhirRequest): { ifMatch?: string } {
  const header = request.headers?.['if-match']
  if (header === undefined) return {}
  const version = /^(?:W\/)?"([^"]+)"$/.exec(header.trim())?.[1]
  if (version === undefined) throw new OperationOutcomeError(badRequest('If-Match must be W/"version"'))
  return { ifMatch: version }
}

const typeOf = (request: FhirRequest): string => request.params.resourceType ?? ''

function pairsOf(request: FhirRequest): QueryPairs {
  return Object.entries(request.query).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one ?? '']),
  )
}

function unlessGone(error: unknown): void {
  if (!(error instanceof OperationOutcomeError) || statusOf(error.outcome) !== 410) throw error
}

function answer(outcome: OperationOutcome, interaction: string): ApiResponse {
  return { status: statusOf(outcome), outcome, interaction }
}

function find(router: FhirRouter, method: HttpMethod, url: string) {
  try {
    return router.find(method, url)
  } catch {
    return undefined
  }
}

/** R4 gives it no meaning there, HTTP does: to ignore it could overwrite what the client meant to spare. */
const noneMatchOnWrite = notSupported('If-None-Match is for reads').outcome

const METHODS: readonly HttpMethod[] = ['GET', 'POST', 'PUT', 'DELETE']
const isPath = (router: FhirRouter, url: string) =>
  METHODS.some((method) => find(router, method, url) !== undefined)

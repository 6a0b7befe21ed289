import type { OperationOutcome, Resource } from './medplum-types.ts'
import type { SqlRepository } from './repository.ts'

/** One FHIR interaction, on its own or as an entry of a bundle. `url` is relative to the base. */
export type ApiRequest = {
  method: string
  url: string
  body?: unknown
  ifMatch?: string | undefined
  ifNoneExist?: string | undefined
  ifNoneMatch?: string | undefined
}

export type ApiResponse = {
  status: number
  outcome: OperationOutcome
  resource?: Resource
  interaction: string
  resourceType?: string
  id?: string
}

export type Api = {
  /** Runs one interaction; failures are answers, too. */
  handle(request: ApiRequest, repository: SqlRepository): Promise<ApiResponse>
}

import { isResourceType } from '../../../domain/consent/resource-types.ts'
import { isObject } from '../json.ts'
import { unprocessable } from '../outcomes.ts'
import { searchTerm } from '../search.ts'
import { searchParametersOf } from '../search-parameters.ts'
import { queryPairs, splitValues } from '../search-query.ts'
import { searchIndexOf } from '../search-terms.ts'

// A REST-hook Subscription (FHIR R4 §2.46) as this server can serve it, with HAPI's meaning where R4 leaves room.

const SEND_DELETES = 'http://hapifhir.io/fhir/StructureDefinition/subscription-send-delete-messages'

/** What is delivered, to where. */
export type Hook = {
  /** Undefined: every type but Subscription itself, whose every delivery state would otherwise be news. */
  types: ReadonlySet<string> | undefined
  ids: ReadonlySet<string> | undefined
  /** Search terms of which a resource must have one. */
  terms: ReadonlySet<string> | undefined
  endpoint: string
  payload: boolean
  headers: Record<string, string>
  sendDeletes: boolean
  /** When it ends, in milliseconds since 1970. */
  end: number | undefined
}

/** @throws OperationOutcomeError (422) for a Subscription that could not be served as it asks. */
export function parseHook(subscription: unknown, base: string): Hook {
  const { criteria, channel, end, status } = isObject(subscription) ? subscription : {}
  if (typeof criteria !== 'string') throw unprocessable('Subscription.criteria is required')
  if (!['requested', 'active', 'off', 'error'].includes(String(status))) {
    throw unprocessable('Subscription.status must be requested, active, off or error')
  }
  if (!isObject(channel) || channel.type !== 'rest-hook') {
    throw unprocessable('Only channels of type rest-hook are served')
  }
  return {
    ...parseCriteria(criteria, base),
    endpoint: readEndpoint(channel.endpoint),
    payload: readPayload(channel.payload),
    headers: readHeaders(channel.header),
    sendDeletes: asksForDeletes([subscription, channel]),
    end: typeof end === 'string' ? Date.parse(end) : undefined,
  }
}

/** Whether a version concerns the hook. `resource` is the content; for a deletion, what was deleted. */
export function concerns(
  hook: Hook,
  version: { type: string; id: string },
  resource: () => { resourceType: string },
  base: string,
): boolean {
  if (hook.types === undefined ? version.type === 'Subscription' : !hook.types.has(version.type)) return false
  if (hook.ids !== undefined && !hook.ids.has(version.id)) return false
  const { terms } = hook
  return terms === undefined || searchIndexOf(resource(), base).terms.some((term) => terms.has(term))
}

function parseCriteria(criteria: string, base: string): Pick<Hook, 'types' | 'ids' | 'terms'> {
  const listed = /^\[(.*)\]$/.exec(criteria)?.[1]
  if (listed === '*') return { types: undefined, ids: undefined, terms: undefined }
  const [typeList = '', query = ''] = listed === undefined ? criteria.split('?') : [listed]
  const types = typeList.split(',')
  for (const type of types)
    if (!isResourceType(type)) throw unprocessable(`"${type}" is not a resource type of R4`)
  const [type = ''] = types
  const pairs = queryPairs(query)
  const [pair] = pairs
  if (pair === undefined) return { types: new Set(types), ids: undefined, terms: undefined }
  const [code, value] = pair
  if (pairs.length > 1) throw unprocessable('Criteria may have one search parameter')
  if (code === '_id') return { types: new Set(types), ids: new Set(splitValues(value)), terms: undefined }
  const parameter = code === 'patient' ? searchParametersOf(type).get(code) : undefined
  if (parameter === undefined) throw unprocessable(`Criteria on "${code}" are not served for ${type}`)
  const terms = splitValues(value).map((one) => searchTerm(type, parameter, one, base))
  return { types: new Set(types), ids: undefined, terms: new Set(terms) }
}

function readEndpoint(endpoint: unknown): string {
  if (
    typeof endpoint !== 'string' ||
    !URL.canParse(endpoint) ||
    !/^https?:$/.test(new URL(endpoint).protocol)
  ) {
    throw unprocessable('Subscription.channel.endpoint must be an http or https URL')
  }
  return endpoint.replace(/\/$/, '')
}

function readPayload(payload: unknown): boolean {
  if (payload === undefined) return false
  if (typeof payload === 'string' && /^application\/(fhir\+)?json\b/.test(payload)) return true
  throw unprocessable('Only JSON payloads are served')
}

function readHeaders(header: unknown): Record<string, string> {
  const lines = header === undefined ? [] : header
  if (!Array.isArray(lines)) throw unprocessable('Subscription.channel.header must be an array')
  return Object.fromEntries(
    lines.map((line) => {
      const match =
        typeof line === 'string' ? /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):\s*([\x20-\x7e]*)$/.exec(line) : null
      if (match?.[1] === undefined || match[2] === undefined) {
        throw unprocessable('Subscription.channel.header must hold "Name: value"')
      }
      return [match[1].toLowerCase(), match[2].trim()]
    }),
  )
}

function asksForDeletes(places: readonly unknown[]): boolean {
  return places
    .flatMap((place) => (isObject(place) && Array.isArray(place.extension) ? place.extension : []))
    .some(
      (extension) => isObject(extension) && extension.url === SEND_DELETES && extension.valueBoolean === true,
    )
}

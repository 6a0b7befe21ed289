import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Bundle } from 'fhir/r4.js'
import { wayleaveError } from '../../domain/errors.ts'
import { parseIdentifierText } from '../../domain/identity/member-id.ts'
import { checkNationalId, type Identifier } from '../../domain/identity/national-ids.ts'
import { isRecordType } from '../../domain/records/compartment-members.ts'
import type { LiveSearches } from '../receive/search-live.ts'
import type { HisGrant } from './his-routes.ts'

/**
 * What another hospital has now, searched live: a FHIR base of its own, since it is about that hospital's records and not about
 * this broker's. `patient.identifier` and `custodian.identifier` say whose records where; the rest is the search.
 */
export function liveRoutes(
  app: FastifyInstance,
  deps: {
    base: () => string
    liveSearches: LiveSearches
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  },
): void {
  type Typed = { Params: { type: string } }

  async function search(request: FastifyRequest<Typed>, reply: FastifyReply, given: Record<string, unknown>) {
    const { asker, clientId } = await deps.authorise(request, 'system/Binary.r')
    if (!asker) throw wayleaveError('user-missing')
    const { type } = request.params
    if (!isRecordType(type)) throw wayleaveError('unsupported-parameter', 'not a type of records')
    const ask = readAsk(type, given)
    const { bundle, next, exchange } = await deps.liveSearches.search(ask, asker, clientId)
    const link = next ? [{ relation: 'next', url: `${deps.base()}/shared/fhir/${type}?_page=${next}` }] : []
    const answer: Bundle = { ...bundle, ...(link.length > 0 ? { link } : {}) }
    return reply
      .header(
        'link',
        `<${deps.base()}/fhir/Provenance/${exchange}>; rel="http://www.w3.org/ns/prov#has_provenance"`,
      )
      .type('application/fhir+json')
      .send(answer)
  }

  app.get<Typed>('/shared/fhir/:type', (request, reply) =>
    search(request, reply, request.query as Record<string, unknown>),
  )
  app.post<Typed>('/shared/fhir/:type/_search', (request, reply) =>
    search(request, reply, { ...(request.query as object), ...(request.body as object | undefined) }),
  )
}

/** @throws WayleaveError for what is missing or cannot be an identifier */
function readAsk(type: string, given: Record<string, unknown>): Parameters<LiveSearches['search']>[0] {
  const { _page: page, 'patient.identifier': patient, 'custodian.identifier': custodian, ...rest } = given
  if (page !== undefined) {
    if (typeof page !== 'string' || page.length > 8_192) throw wayleaveError('request-invalid', '_page')
    return { page, type }
  }
  const checked = checkNationalId(identifierIn(patient))
  if (!checked.ok) throw wayleaveError(checked.code)
  const parameters = Object.entries(rest).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => {
      if (typeof one !== 'string' || one === '' || one.length > 512 || name.length > 64)
        throw wayleaveError('request-invalid', 'a parameter')
      return [name, one]
    }),
  )
  if (parameters.length > 32) throw wayleaveError('request-invalid', 'too many parameters')
  return { patient: checked.identifier, custodian: identifierIn(custodian), type, parameters }
}

function identifierIn(text: unknown): Identifier {
  if (typeof text !== 'string' || !text.includes('|')) throw wayleaveError('request-invalid', 'system|value')
  try {
    return parseIdentifierText(text)
  } catch {
    throw wayleaveError('identifier-invalid')
  }
}

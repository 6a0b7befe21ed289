import type { FastifyInstance, FastifyRequest } from 'fastify'
import { wayleaveError } from '../../domain/errors.ts'
import { parseIdentifierText } from '../../domain/identity/member-id.ts'
import type { Hold, HoldPerson, Holds, HoldWish } from '../audit/holds.ts'
import { HOLD_SCOPE } from '../clients/scopes.ts'
import { personOf } from './consent-routes.ts'
import type { HisGrant } from './his-routes.ts'

const LONGEST_REASON = 500

/** Legal holds on the audit trail: one person places one, two persons lift it, and each says why. */
export function holdRoutes(
  app: FastifyInstance,
  deps: { holds: Holds; authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant> },
): void {
  async function person(request: FastifyRequest): Promise<HoldPerson> {
    const { asker, clientId } = await deps.authorise(request, HOLD_SCOPE)
    // Two persons, not two programs: whoever decides is named.
    if (!asker) throw wayleaveError('user-missing')
    return { user: personOf(asker), client: { id: clientId } }
  }

  app.post('/audit/holds', async (request, reply) => {
    const by = await person(request)
    return reply.status(201).send(await deps.holds.place(readWish(request.body), by))
  })

  app.get('/audit/holds', async (request): Promise<{ holds: Hold[] }> => {
    await person(request)
    return { holds: await deps.holds.list() }
  })

  app.post<{ Params: { id: string } }>('/audit/holds/:id/lifting', async (request) => {
    const by = await person(request)
    const { reason } = (request.body ?? {}) as Record<string, unknown>
    return deps.holds.lift(request.params.id, reasonIn(reason), by)
  })
}

const KNOWN = new Set(['reason', 'patient', 'identifier', 'from', 'until'])

/** @throws WayleaveError `request-invalid` that names the part: nothing is held that was meant otherwise */
export function readWish(body: unknown): HoldWish {
  const given = (body ?? {}) as Record<string, unknown>
  for (const name of Object.keys(given)) if (!KNOWN.has(name)) throw wayleaveError('request-invalid', name)
  const { reason, patient, identifier, from, until } = given
  const text = (name: string, value: unknown): string => {
    if (typeof value !== 'string' || value === '' || value.length > 256 || !value.isWellFormed())
      throw wayleaveError('request-invalid', name)
    return value
  }
  const instant = (name: string, value: unknown): string => {
    const at = Date.parse(text(name, value))
    if (Number.isNaN(at)) throw wayleaveError('request-invalid', name)
    return new Date(at).toISOString()
  }
  const wish: HoldWish = {
    reason: reasonIn(reason),
    ...(patient === undefined ? {} : { patient: text('patient', patient) }),
    ...(identifier === undefined ? {} : { identifier: identifierIn(text('identifier', identifier)) }),
    ...(from === undefined ? {} : { from: instant('from', from) }),
    ...(until === undefined ? {} : { until: instant('until', until) }),
  }
  if (wish.from && wish.until && wish.from >= wish.until) throw wayleaveError('request-invalid', 'until')
  return wish
}

export function reasonIn(value: unknown): string {
  if (
    typeof value !== 'string' ||
    value.trim() === '' ||
    value.length > LONGEST_REASON ||
    !value.isWellFormed()
  )
    throw wayleaveError('request-invalid', 'reason')
  return value
}

function identifierIn(text: string) {
  try {
    return parseIdentifierText(text)
  } catch (cause) {
    throw wayleaveError('request-invalid', 'identifier', cause)
  }
}

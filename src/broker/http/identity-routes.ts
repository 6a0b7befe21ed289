import type { FastifyInstance, FastifyRequest } from 'fastify'
import { wayleaveError } from '../../domain/errors.ts'
import { isIdentityReason } from '../../domain/identity/identity-events.ts'
import type { IdentityEvents, IdentityStatus } from '../identity/identity-events.ts'
import type { HisGrant } from './his-routes.ts'

const STATUSES: ReadonlySet<unknown> = new Set<IdentityStatus>(['open', 'confirmed', 'done', 'rejected'])
const LONGEST_NOTE = 500

/** The records office's queue: what happened to patients' identities, and the two persons who decide each time. */
export function identityRoutes(
  app: FastifyInstance,
  deps: { events: IdentityEvents; authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant> },
): void {
  /** Two persons, not two programs: whoever looks or decides is named. */
  async function person(request: FastifyRequest) {
    const { asker, clientId } = await deps.authorise(request, 'system/registrar')
    if (!asker) throw wayleaveError('user-missing')
    const user = { id: asker.userId, role: asker.role, ...(asker.userName ? { name: asker.userName } : {}) }
    return { user, client: { id: clientId } }
  }

  app.get<{ Querystring: Record<string, unknown> }>('/registrar/identity-events', async (request) => {
    await person(request)
    const { status, ...rest } = request.query
    if (Object.keys(rest).length > 0) throw wayleaveError('unsupported-parameter')
    if (status !== undefined && !STATUSES.has(status)) throw wayleaveError('request-invalid', 'status')
    return { events: await deps.events.list(status as IdentityStatus | undefined) }
  })

  app.get<{ Params: { id: string } }>('/registrar/identity-events/:id', async (request) => {
    await person(request)
    return deps.events.byId(request.params.id)
  })

  for (const [path, word] of [
    ['confirmation', 'confirm'],
    ['rejection', 'reject'],
  ] as const) {
    app.post<{ Params: { id: string } }>(`/registrar/identity-events/:id/${path}`, async (request) => {
      const by = await person(request)
      return deps.events.say(request.params.id, { word, ...by, ...readReason(request.body) })
    })
  }
}

/** @throws WayleaveError `request-invalid`: a decision has a reason of the list, and may have words of its own */
function readReason(body: unknown) {
  const { reason, note } = (body ?? {}) as { reason?: unknown; note?: unknown }
  if (!isIdentityReason(reason)) throw wayleaveError('request-invalid', 'reason')
  if (note === undefined) return { reason }
  if (typeof note !== 'string' || note.length > LONGEST_NOTE || !note.isWellFormed())
    throw wayleaveError('request-invalid', 'note')
  return { reason, note }
}

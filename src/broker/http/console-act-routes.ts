import type { FastifyInstance } from 'fastify'
import { readResolutionRequest } from '../../domain/audit/resolution.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hold, Holds } from '../audit/holds.ts'
import type { Resolutions } from '../audit/resolutions.ts'
import type { ConsoleSide } from '../console/console-side.ts'
import { unnamed } from '../console/lines.ts'
import { bodyOf, byStaff, type NoteView } from './console-calls.ts'
import type { ConsoleGuard } from './console-guard.ts'
import { alike } from './exchange-routes.ts'
import { readWish, reasonIn } from './hold-routes.ts'

/** What only a person with the compliance role may do at the console: each act says who, and most of them why. */
export function consoleActRoutes(
  app: FastifyInstance,
  deps: { console: ConsoleSide; guard: ConsoleGuard; note: NoteView; holds: Holds; resolutions: Resolutions },
): void {
  const { guard, note } = deps
  const { lookUp, references, searches } = deps.console

  app.post('/console/api/look-ups', async (request) => {
    const staff = await guard.staff(request, 'compliance')
    return alike(() => lookUp.find(request.body, byStaff(staff), staff.session))
  })

  app.post('/console/api/resolutions', async (request) => {
    const staff = await guard.staff(request, 'compliance')
    const asked = readResolutionRequest(request.body)
    const { patient, closed } = await alike(() => deps.resolutions.resolve(byStaff(staff), asked))
    const thing = { kind: 'patient' as const, patientId: patient.replace(/^Patient\//, '') }
    const [reference] = await references.name(staff.session, [thing])
    return { reference, patient, ...(closed ? { closed } : {}) }
  })

  app.get('/console/api/searches', async (request) => {
    const staff = await guard.staff(request, 'compliance')
    return { searches: await searches.list(staff.id, staff.session) }
  })

  app.post('/console/api/searches', async (request, reply) => {
    const staff = await guard.staff(request, 'compliance')
    return reply.status(201).send(await searches.save(staff.id, staff.session, request.body))
  })

  app.delete<{ Params: { id: string } }>('/console/api/searches/:id', async (request, reply) => {
    const staff = await guard.staff(request, 'compliance')
    await searches.remove(staff.id, request.params.id.slice(0, 64))
    return reply.status(204).send()
  })

  app.get('/console/api/holds', async (request) => {
    const staff = await guard.staff(request, 'compliance')
    await note(staff, 'the legal holds')
    return { holds: (await deps.holds.list()).map(told) }
  })

  app.post('/console/api/holds', async (request, reply) => {
    const staff = await guard.staff(request, 'compliance')
    const { of, ...given } = bodyOf(request.body)
    if ('patient' in given || 'identifier' in given) throw wayleaveError('request-invalid', 'of')
    const named = of === undefined ? undefined : await references.find(staff.session, of)
    if (named && named.kind !== 'patient' && named.kind !== 'person')
      throw wayleaveError('request-invalid', 'of')
    const wish = {
      ...readWish(given),
      ...(named?.kind === 'patient' ? { patient: `Patient/${named.patientId}` } : {}),
      ...(named?.kind === 'person' ? { identifier: named.identifier } : {}),
    }
    return reply.status(201).send(told(await deps.holds.place(wish, byStaff(staff))))
  })

  app.post<{ Params: { id: string } }>('/console/api/holds/:id/lifting', async (request) => {
    const staff = await guard.staff(request, 'compliance')
    const reason = reasonIn(bodyOf(request.body).reason)
    return told(await deps.holds.lift(request.params.id, reason, byStaff(staff)))
  })
}

/** Whom a hold covers is not said: that one person is covered is. */
const told = ({ patient: _patient, ...hold }: Hold): Omit<Hold, 'patient'> => ({
  ...hold,
  reason: unnamed(hold.reason),
})

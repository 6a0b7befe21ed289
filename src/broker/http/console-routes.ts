import type { FastifyInstance } from 'fastify'
import type { Kysely } from 'kysely'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog } from '../audit/access-log.ts'
import type { ConsoleSide } from '../console/console-side.ts'
import { consoleActRoutes } from './console-act-routes.ts'
import { bodyOf, byStaff, type NoteView } from './console-calls.ts'
import { createConsoleGuard } from './console-guard.ts'
import { consoleViewRoutes } from './console-view-routes.ts'

/** Signing in at the console, and what its pages ask. */
export function consoleRoutes(
  app: FastifyInstance,
  deps: { console: ConsoleSide; db: Kysely<BrokerTables>; accessLog: AccessLog } & Omit<
    Parameters<typeof consoleActRoutes>[1] & Parameters<typeof consoleViewRoutes>[1],
    'guard' | 'note'
  >,
): void {
  const { passkeys, own, sessions, origin } = deps.console
  const guard = createConsoleGuard({ sessions, origin, member: deps.member })

  const note: NoteView = async (staff, what, about) => {
    await deps.accessLog.append(
      deps.db,
      {
        ...byStaff(staff),
        ...{ kind: 'log-read', outcome: '0', requester: own, note: `At the console: ${what}.` },
        ...(about ? { patient: { reference: `Patient/${about.secrets.fhirId}` } } : {}),
      },
      about,
    )
  }

  app.post('/console/api/invitation', async (request) => {
    guard.ownPage(request)
    return passkeys.invited(bodyOf(request.body).code)
  })

  app.post('/console/api/invitation/passkey', async (request, reply) => {
    guard.ownPage(request)
    const { code, response } = bodyOf(request.body)
    return guard
      .begin(reply, await passkeys.make(code, response))
      .status(204)
      .send()
  })

  app.post('/console/api/sign-in/challenge', async (request) => {
    guard.ownPage(request)
    return passkeys.asked()
  })

  app.post('/console/api/sign-in', async (request, reply) => {
    guard.ownPage(request)
    return guard
      .begin(reply, await passkeys.signIn(bodyOf(request.body).response))
      .status(204)
      .send()
  })

  app.post('/console/api/sign-out', async (request, reply) => {
    guard.ownPage(request)
    await guard.end(request, reply)
    return reply.status(204).send()
  })

  app.get('/console/api/session', async (request) => {
    const { name, role, idleAt, endsAt } = await guard.staff(request)
    return { name, role, idleAt, endsAt, hospital: own.name }
  })

  consoleViewRoutes(app, { ...deps, guard, note })
  consoleActRoutes(app, { ...deps, guard, note })
}

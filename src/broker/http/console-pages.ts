import type { FastifyInstance } from 'fastify'
import { servePages } from '../../pages/pages.ts'

/** The console's built pages, under a policy that lets them ask nobody but this broker. */
export function consolePages(app: FastifyInstance, dir: string): void {
  app.get('/console', (_request, reply) => reply.redirect('/console/', 308))
  // A scope of its own: the pages of the API's description are files, too.
  app.register((scope) => servePages(scope, { dir, prefix: '/console/', connect: [] }))
}

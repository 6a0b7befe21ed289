import type { FastifyReply, FastifyRequest } from 'fastify'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { ConsoleRole } from '../console/people.ts'
import type { ConsoleSessions, Staff } from '../console/sessions.ts'

/** What only a script of the console's own pages sends: another site's form or link cannot (OWASP, CSRF prevention). */
const OWN_HEADER = 'x-wayleave-console'

/** A whole session; the broker ends it earlier where nobody calls. Seconds. */
const MAX_AGE = 8 * 3_600

export type ConsoleGuard = {
  /**
   * Who calls, by the cookie.
   * @param role that it takes; absent: any
   * @throws WayleaveError `session-expired`, `cross-site-refused`, `role-insufficient`
   */
  staff(request: FastifyRequest, role?: ConsoleRole): Promise<Staff>
  /** That the console's own page called. @throws WayleaveError `cross-site-refused` */
  ownPage(request: FastifyRequest): void
  begin(reply: FastifyReply, secret: string): FastifyReply
  end(request: FastifyRequest, reply: FastifyReply): Promise<void>
}

/**
 * Who is at the console, and that nobody else's page calls in their name: a cookie that no script reads and no other site sends,
 * the origin, and a header of our own.
 */
export function createConsoleGuard(deps: {
  sessions: ConsoleSessions
  origin: string
  member: Hex
}): ConsoleGuard {
  const isSecure = deps.origin.startsWith('https:')
  // Cookies know no ports: several brokers of one host, as in the sandbox, must not end each other's sessions.
  const name = `${isSecure ? '__Secure-' : ''}wayleave-console-${deps.member.slice(2, 10)}`
  const cookie = (value: string, age: number) =>
    `${name}=${value}; Path=/console; HttpOnly; SameSite=Strict; Max-Age=${age}${isSecure ? '; Secure' : ''}`

  function secretOf({ headers }: FastifyRequest): string | undefined {
    const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim())
    const found = pairs
      .filter((pair) => pair.startsWith(`${name}=`))
      .map((pair) => pair.slice(name.length + 1))
    // Two say two things; neither is taken.
    return found.length === 1 && /^[\w-]{43}$/.test(found[0] ?? '') ? found[0] : undefined
  }

  function ownPage({ headers, method }: FastifyRequest): void {
    const site = headers['sec-fetch-site']
    const isOwn = site === undefined || site === 'same-origin'
    const isRead = method === 'GET' || method === 'HEAD'
    if (isOwn && (isRead || (headers.origin === deps.origin && headers[OWN_HEADER] === '1'))) return
    throw wayleaveError('cross-site-refused')
  }

  return {
    ownPage,
    async staff(request, role) {
      const staff = await deps.sessions.staffOf(secretOf(request))
      ownPage(request)
      if (role && staff.role !== role) throw wayleaveError('role-insufficient', role)
      return staff
    },
    begin: (reply, secret) => reply.header('set-cookie', cookie(secret, MAX_AGE)),
    async end(request, reply) {
      await deps.sessions.end(secretOf(request))
      reply.header('set-cookie', cookie('', 0))
    },
  }
}

import { createOperatorClient } from '../../src/sandbox/operator-client.ts'
import { createAuthenticator, type Wrong } from './authenticator.ts'
import type { TestHospital } from './world.ts'

type Answer<T> = { status: number; code: string | undefined; body: T; headers: Headers; text: string }

/** A browser at a hospital's console, as far as the broker sees one: a cookie, an origin, and the pages' own header. */
export function createConsoleClient(hospital: TestHospital, id = '') {
  const origin = hospital.config.console?.origin ?? ''
  const authenticator = createAuthenticator(origin)
  let cookie: string | undefined

  async function ask<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`${hospital.broker.base}/console/api/${path}`, {
      method,
      headers: {
        ...(cookie ? { cookie } : {}),
        ...(method === 'GET' ? {} : { origin, 'x-wayleave-console': '1' }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const set = response.headers.get('set-cookie')
    if (set) cookie = set.split(';')[0]
    const text = await response.text()
    const parsed = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : undefined
    const code = (parsed as { issue?: { details: { coding: { code: string }[] } }[] } | undefined)?.issue?.[0]
      ?.details.coding[0]?.code
    return { status: response.status, code, body: parsed as T, headers: response.headers, text }
  }

  return {
    id,
    ask,
    authenticator,
    origin,
    get cookie() {
      return cookie
    },
    set cookie(to: string | undefined) {
      cookie = to
    },
    /** With an invitation, a passkey, and a session. */
    async begin(code: string, wrong: Wrong = {}) {
      const { body, ...refused } = await ask<{ options: { challenge: string; user: { id: string } } }>(
        'POST',
        'invitation',
        { code },
      )
      if (refused.status !== 200) return { body, ...refused }
      return ask('POST', 'invitation/passkey', { code, response: authenticator.make(body.options, wrong) })
    },
    async signIn(wrong: Wrong = {}) {
      const { body } = await ask<{ challenge: string }>('POST', 'sign-in/challenge')
      return ask('POST', 'sign-in', { response: authenticator.use(body, wrong) })
    },
  }
}

export type ConsoleClient = ReturnType<typeof createConsoleClient>

/** The operator of a hospital's broker, by its key file. */
export function operatorAt({ broker, files, clock }: TestHospital) {
  return createOperatorClient({
    ...{ here: broker.base, audience: `${broker.base}/auth/token`, signing: files.keyring.signing },
    now: () => clock.now(),
  })
}

/** A person who has just signed in for the first time. */
export async function staffAt(
  hospital: TestHospital,
  role: 'auditor' | 'compliance',
  name: string,
): Promise<ConsoleClient> {
  const { code, id } = await operatorAt(hospital)<{ code: string; id: string }>(
    'POST',
    '/operator/console/people',
    { name, role },
  )
  const client = createConsoleClient(hospital, id)
  const { status } = await client.begin(code)
  if (status !== 204) throw new Error(`no passkey for ${name}: ${status}`)
  return client
}

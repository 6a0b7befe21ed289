import { importJWK, type JWK } from 'jose'
import { OPERATOR } from '../broker/index.ts'
import { ASSERTION_TYPE, makeClientAssertion } from '../exchange/client-assertion.ts'

/**
 * Asks a broker as its operator does, with the broker's own signing key; a new token for each question, since work may take hours.
 * @throws Error for the terminal, where nobody answers, the key is not taken, or the answer is a refusal
 */
export function createOperatorClient(args: {
  /** Where the broker is reached from here. */
  here: string
  /** Its token endpoint, as it knows it. */
  audience: string
  signing: JWK
  now?: () => number
}): <T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown) => Promise<T> {
  const { here, audience, signing, now = Date.now } = args

  async function token(): Promise<string> {
    const assertion = await makeClientAssertion({
      ...{ audience, clientId: OPERATOR, kid: signing.kid ?? '', alg: 'ES256' },
      key: (await importJWK(signing, 'ES256')) as CryptoKey,
      nowMs: now(),
    })
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'system/operator',
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: assertion,
    })
    const answer = await reach(`${here}/auth/token`, { method: 'POST', body })
    const { access_token } = (await answer.json()) as { access_token?: string }
    if (!access_token)
      throw new Error(`The broker at ${here} does not take the key of its key file: ${answer.status}`)
    return access_token
  }

  return async <T>(method: string, path: string, body?: unknown) => {
    const answer = await reach(`${here}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await token()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`The broker at ${here} answered ${answer.status}`)
    return (answer.status === 204 ? undefined : await answer.json()) as T
  }
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (cause) {
    throw new Error(`No broker answers at ${new URL(url).origin}; it must run to be asked`, { cause })
  }
}

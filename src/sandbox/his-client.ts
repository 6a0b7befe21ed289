import type { AuditEvent, Bundle, DocumentReference, Task } from 'fhir/r4.js'
import { importJWK } from 'jose'
import { identifierText } from '../domain/identity/member-id.ts'
import type { Identifier } from '../domain/identity/national-ids.ts'
import type { Asker } from '../exchange/b2b.ts'
import { ASSERTION_TYPE, makeClientAssertion } from '../exchange/client-assertion.ts'
import { codeOfOAuthError } from '../exchange/oauth-error.ts'
import type { SandboxClient } from './sandbox-file.ts'

/** An answer of a broker: its status, and what it said. */
export type Answer<T = unknown> = { status: number; body: T; bytes: Uint8Array; code?: string }

type ConsultExtension = {
  decision: string
  basedOn?: string
  obligations: { parameters: { codes: { code: string }[] } }[]
}

export type HisClient = {
  list(patient: Identifier, purpose: string): Promise<Answer<Bundle<DocumentReference>>>
  open(recordId: string, purpose: string): Promise<Answer<{ resourceType: string; id: string }>>
  audit(query: Record<string, string>): Promise<Answer<Bundle<AuditEvent>>>
  post(path: string, body: unknown): Promise<Answer>
  /** Any other call of whoever administers, as JSON. */
  manage<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<Answer<T>>
  /** Asks a patient for access: the body of `POST /fhir/Task`, under the purpose. */
  ask(task: Task, purpose: string): Promise<Answer<Task>>
  task(id: string): Promise<Answer<Task>>
  /** What waits for this hospital's approval. */
  tasks(): Promise<Answer<Bundle<Task>>>
  decide(id: string, operation: '$approve' | '$reject'): Promise<Answer>
  /** Asks the CDS service for a decision. */
  consult(body: unknown): Promise<Answer<{ cards: { summary: string; extension: ConsultExtension }[] }>>
  /** Any other call of the FHIR API, for treatment. */
  fhir<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<Answer<T>>
  token(purpose: string): Promise<string>
}

/**
 * A hospital's own program at its broker, as a HIS vendor would write it: SMART Backend Services with the `hl7-b2b`
 * extension, then FHIR.
 */
export function createHisClient(args: {
  broker: string
  client: SandboxClient
  organization: Identifier
  user?: { id: string; name: string; role: string }
  now?: () => number
}): HisClient {
  const { broker, client, now = Date.now } = args
  const tokens = new Map<string, { token: string; until: number }>()

  async function token(purpose: string): Promise<string> {
    const known = tokens.get(purpose)
    if (known && known.until > now()) return known.token
    const url = `${broker}/auth/token`
    const asker: Asker = {
      userId: args.user?.id ?? client.clientId,
      ...(args.user ? { userName: args.user.name } : {}),
      role: args.user?.role ?? 'system',
      organization: identifierText(args.organization),
      purpose,
    }
    const assertion = await makeClientAssertion({
      key: (await importJWK(client.jwk, 'ES384')) as CryptoKey,
      kid: client.jwk.kid ?? '',
      alg: 'ES384',
      clientId: client.clientId,
      audience: url,
      asker,
      nowMs: now(),
    })
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      scope: client.scopes.join(' '),
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: assertion,
    })
    const answer = await answerOf<{ access_token?: string; expires_in?: number }>(
      await fetch(url, { method: 'POST', body }),
    )
    if (!answer.body.access_token)
      throw new Error(`No token from ${url}: ${answer.status} ${answer.code ?? ''}`)
    tokens.set(purpose, {
      token: answer.body.access_token,
      until: now() + ((answer.body.expires_in ?? 60) - 10) * 1000,
    })
    return answer.body.access_token
  }

  async function call<T>(purpose: string, path: string, init: RequestInit = {}): Promise<Answer<T>> {
    const headers = {
      ...(init.headers as Record<string, string>),
      authorization: `Bearer ${await token(purpose)}`,
    }
    return answerOf<T>(await fetch(`${broker}${path}`, { ...init, headers }))
  }

  const manage: HisClient['manage'] = (method, path, body) =>
    call('PATADMIN', path, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })

  return {
    token,
    // By POST, so that the identifier stands in no address.
    list: (patient, purpose) =>
      call(purpose, '/fhir/DocumentReference/_search', {
        method: 'POST',
        body: new URLSearchParams({ 'patient.identifier': identifierText(patient) }),
      }),
    open: (recordId, purpose) => call(purpose, `/fhir/Binary/${recordId}`),
    ask: (task, purpose) =>
      call(purpose, '/fhir/Task', {
        method: 'POST',
        body: JSON.stringify(task),
        headers: { 'content-type': 'application/fhir+json' },
      }),
    task: (id) => call('TREAT', `/fhir/Task/${id}`),
    tasks: () => call('TREAT', '/fhir/Task?status=requested'),
    decide: (id, operation) => call('TREAT', `/fhir/Task/${id}/${operation}`, { method: 'POST' }),
    consult: (body) =>
      call('TREAT', '/cds-services/patient-consent-consult', {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    fhir: (method, path, body) =>
      call('TREAT', `/fhir/${path}`, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/fhir+json' } }),
      }),
    audit: (query) => call('HCOMPL', `/fhir/AuditEvent?${new URLSearchParams(query)}`),
    post: (path, body) => manage('POST', path, body),
    manage,
  }
}

export async function answerOf<T>(response: Response): Promise<Answer<T>> {
  const bytes = new Uint8Array(await response.arrayBuffer())
  let body: unknown
  try {
    body = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    body = undefined
  }
  const issued = (body as { issue?: { details?: { coding?: { code?: string }[] } }[] } | undefined)
    ?.issue?.[0]?.details?.coding?.[0]?.code
  const code = issued ?? codeOfOAuthError(body)
  return { status: response.status, body: body as T, bytes, ...(code ? { code } : {}) }
}

import { expect } from 'vitest'

export type Answer = {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into FHIR bodies of every shape
  body: any
}

export type FhirClient = {
  base: string
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>
  put(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>
  delete(path: string, headers?: Record<string, string>): Promise<Answer>
}

/** A plain HTTP client: what is tested is the server, so nothing clever stands between. */
export function fhirClient(base: string): FhirClient {
  async function call(method: string, path: string, headers: Record<string, string> = {}, body?: unknown) {
    const response = await fetch(path.startsWith('http') ? path : `${base}/${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/fhir+json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json')
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text ? JSON.parse(text) : null,
    }
  }
  return {
    base,
    get: (path, headers) => call('GET', path, headers),
    post: (path, body, headers) => call('POST', path, headers, body),
    put: (path, body, headers) => call('PUT', path, headers, body),
    delete: (path, headers) => call('DELETE', path, headers),
  }
}

/** All entries of a bundle, its next links followed. */
export async function allEntries(client: FhirClient, path: string) {
  const entries = []
  let url: string | undefined = path
  for (let pages = 0; url !== undefined; pages++) {
    expect(pages).toBeLessThan(1_000)
    const { status, body } = await client.get(url)
    expect(status).toBe(200)
    entries.push(...(body.entry ?? []))
    url = body.link?.find((link: { relation: string }) => link.relation === 'next')?.url
  }
  return entries
}

/** What a history entry says was done. A create by PUT may be told as POST: HAPI does so. */
export function deedOf(entry: { request: { method: string } }): 'write' | 'delete' {
  expect(['POST', 'PUT', 'DELETE']).toContain(entry.request.method)
  return entry.request.method === 'DELETE' ? 'delete' : 'write'
}

export function expectOutcome(answer: Answer, ...statuses: number[]): void {
  expect(statuses).toContain(answer.status)
  expect(answer.body?.resourceType).toBe('OperationOutcome')
  expect(answer.body.issue.length).toBeGreaterThan(0)
}

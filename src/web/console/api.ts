/** What the pages ask of the broker that serves them: same origin, by the session's cookie, which no script sees. */

/** A refusal, by its code in the broker's table of errors; `unreachable` where nobody answered. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: string

  constructor(code: string, cause?: unknown) {
    super(code, { cause })
    this.code = code
  }
}

export const codeOf = (error: unknown): string => (error instanceof Refused ? error.code : 'internal')

type Outcome = { issue?: { details?: { coding?: { code?: string }[] } }[] }

/** No form and no link of another site sends it. */
const HEADERS = { 'x-wayleave-console': '1' }

/** @throws Refused */
async function reach(method: string, path: string, body?: unknown): Promise<Response> {
  let response: Response
  try {
    response = await fetch(`/console/api/${path}`, {
      method,
      credentials: 'same-origin',
      headers: { ...HEADERS, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  } catch (cause) {
    throw new Refused('unreachable', cause)
  }
  if (response.ok) return response
  const outcome = (await response.json().catch(() => ({}))) as Outcome
  throw new Refused(outcome.issue?.[0]?.details?.coding?.[0]?.code ?? 'internal')
}

/** @throws Refused */
export async function ask<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const response = await reach(method, path, body)
  return (response.status === 204 ? undefined : await response.json()) as T
}

/** Hands a file to the person at the browser, by the name that the broker gives it. @throws Refused */
export async function download(path: string): Promise<void> {
  const response = await reach('GET', path)
  const [, name = 'download'] =
    /filename="([\w.-]+)"/.exec(response.headers.get('content-disposition') ?? '') ?? []
  const url = URL.createObjectURL(await response.blob())
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** What of these is given, as an address has it. */
export const queryOf = (fields: Readonly<Record<string, string | undefined>>): string =>
  new URLSearchParams(
    Object.entries(fields).flatMap(([name, value]) => (value ? [[name, value] as [string, string]] : [])),
  ).toString()

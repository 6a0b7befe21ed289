import type { Clock } from '../domain/clock.ts'

/** A broker said no. `code` and `message` are those of its OperationOutcome (docs/errors.md). */
export class BrokerRefused extends Error {
  override readonly name = 'BrokerRefused'
  readonly code: string
  readonly status: number

  constructor(code: string, status: number, text: string) {
    super(text)
    this.code = code
    this.status = status
  }
}

/** A broker did not answer, or what answered was no broker. Whether it took what was sent is not known. */
export class BrokerUnreachable extends Error {
  override readonly name = 'BrokerUnreachable'
  readonly code = 'broker-unreachable'
}

export type Request = {
  method: 'GET' | 'POST'
  path: string
  body?: unknown
  session?: string
  /** `Idempotency-Key`: sent again under it, a call is done once. */
  key?: string
  /** The answer is a file's text, not JSON. */
  as?: 'text'
}

export type BrokerConnection = {
  /**
   * One request; resolves to the JSON of a successful answer, or to its text where that was asked for.
   * @throws BrokerRefused, BrokerUnreachable
   */
  send(base: string, request: Request): Promise<unknown>
  /**
   * Runs an attempt, again and again while the broker cannot be reached or says that it is not able right now, for at
   * most {@link RETRY_FOR}. What is retried must be harmless to repeat. Without `retry` it runs once.
   */
  persistently<T>(attempt: () => Promise<T>): Promise<T>
}

/** Long enough for a broker to be restarted. Milliseconds. */
const RETRY_FOR = 20_000
const PAUSE = 250
const TIMEOUT = 15_000

/** Answers that a broker, or a balancer before it, gives while it is being restarted. */
const NOT_ABLE_NOW = new Set([502, 503, 504])

export const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))

export function createBrokerConnection(deps: {
  fetch: typeof fetch
  clock: Clock
  retry: boolean
}): BrokerConnection {
  async function answerOf(base: string, { method, path, body, session, key }: Request) {
    try {
      const response = await deps.fetch(`${base}${path}`, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(session === undefined ? {} : { authorization: `Bearer ${session}` }),
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // What is signed, and the session, go to this address and to no other.
        redirect: 'error',
        credentials: 'omit',
        signal: AbortSignal.timeout(TIMEOUT),
      })
      return { status: response.status, ok: response.ok, text: await response.text() }
    } catch (cause) {
      throw new BrokerUnreachable(`The hospital's server at ${base} does not answer.`, { cause })
    }
  }

  return {
    async send(base, request) {
      const { status, ok, text } = await answerOf(base, request)
      if (!ok) throw refusalIn(status, text)
      if (request.as === 'text') return text
      if (text === '') return undefined
      try {
        return JSON.parse(text)
      } catch (cause) {
        throw new BrokerUnreachable(`What answers at ${base} is not a hospital's server.`, { cause })
      }
    },

    async persistently(attempt) {
      const end = deps.clock.monotonic() + RETRY_FOR
      for (;;) {
        try {
          return await attempt()
        } catch (error) {
          if (!deps.retry || !isPassing(error) || deps.clock.monotonic() + PAUSE > end) throw error
          await pause(PAUSE)
        }
      }
    },
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof BrokerUnreachable) return true
  return error instanceof BrokerRefused && NOT_ABLE_NOW.has(error.status)
}

function refusalIn(status: number, text: string): BrokerRefused {
  const issue = issueIn(text)
  const code = issue?.details?.coding?.[0]?.code
  return new BrokerRefused(
    typeof code === 'string' ? code : 'internal',
    status,
    issue?.details?.text ?? `The server answered ${status}.`,
  )
}

type Issue = { details?: { coding?: { code?: string }[]; text?: string } }

function issueIn(text: string): Issue | undefined {
  try {
    return (JSON.parse(text) as { issue?: Issue[] }).issue?.[0]
  } catch {
    return undefined
  }
}

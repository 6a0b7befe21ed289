/** Whether a failure is only that somebody is not there yet, or just died. */
export class NotYet extends Error {}

/**
 * Repeats a step until it succeeds or its time is over: a broker that dies is back within a few seconds, and what the
 * chain is to show comes with a block.
 * @throws the last failure.
 */
export async function patiently<T>(step: () => Promise<T>, withinMs = 45_000): Promise<T> {
  const until = performance.now() + withinMs
  for (;;) {
    try {
      return await step()
    } catch (error) {
      if (performance.now() > until || !isPassing(error)) throw error
      await new Promise((done) => setTimeout(done, 120))
    }
  }
}

const PASSING =
  /fetch failed|ECONNREFUSED|ECONNRESET|socket|terminated|other side closed|not-ready|head-stale|(?:source|peer|audit|chain)-unavailable|\b50[0-4]\b/i

function isPassing(error: unknown): boolean {
  if (error instanceof NotYet) return true
  const text =
    error instanceof Error
      ? `${error.name} ${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`
      : String(error)
  return PASSING.test(text) || (error instanceof Error && error.name === 'BrokerUnreachable')
}

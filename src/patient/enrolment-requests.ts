import { systemClock } from '../domain/clock.ts'
import type { Identifier } from '../domain/identity/national-ids.ts'
import { createBrokerConnection } from './broker-connection.ts'

/** A kind of national identifier that a hospital knows people by. */
export type IdentifierSystem = {
  /** FHIR identifier system. */
  system: string
  /** What people call the number. */
  name: string
  /** ISO 3166-1, two letters. */
  country: string
}

export type EnrolmentRequests = {
  systems(): Promise<IdentifierSystem[]>
  /**
   * Asks for a one-time code. The answer is alike for everybody: whether there is such a person, and whether the contact is the one on
   * file, the hospital tells nobody who only asks.
   */
  ask(who: { identifier: Identifier; contact: string }): Promise<{ enrolment: string }>
}

/**
 * What a person may ask a hospital for before it knows any key of theirs.
 * @param options.broker base URL of the hospital's broker
 * @throws BrokerRefused, BrokerUnreachable from every method
 */
export function createEnrolmentRequests(options: {
  broker: string
  fetch?: typeof fetch
}): EnrolmentRequests {
  const broker = options.broker.replace(/\/+$/, '')
  const connection = createBrokerConnection({
    fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
    clock: systemClock,
    retry: true,
  })
  return {
    async systems() {
      const asked = { method: 'GET', path: '/patient/enrolment/systems' } as const
      const answer = await connection.persistently(() => connection.send(broker, asked))
      return (answer as { systems: IdentifierSystem[] }).systems
    },
    // Not asked again by itself: each time may send a message.
    ask: async (who) =>
      (await connection.send(broker, {
        method: 'POST',
        path: '/patient/enrolment/requests',
        body: who,
      })) as { enrolment: string },
  }
}

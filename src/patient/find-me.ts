import type { Clock } from '../domain/clock.ts'
import type { Identifier, NationalIdSystem } from '../domain/identity/national-ids.ts'
import { createBrokerConnection } from './broker-connection.ts'

/** Asking a hospital, before there is any key: by which numbers it finds people, and to be enrolled. */
export type FindMe = {
  identifierSystems(): Promise<NationalIdSystem[]>
  /**
   * Asks to be enrolled. The answer tells nothing of whether anybody was found; what comes of it comes to the contact on file:
   * a code, for `PatientClient.enrol` with this enrolment.
   * @throws BrokerRefused `identifier-invalid`, `identifier-system-unknown`, `contact-invalid`, `rate-limited`;
   * BrokerUnreachable
   */
  ask(who: { identifier: Identifier; contact: string }): Promise<{ enrolment: string }>
}

export function createFindMe(options: {
  broker: string
  clock: Clock
  retry?: boolean
  fetch?: typeof fetch
}): FindMe {
  const broker = options.broker.replace(/\/+$/, '')
  const connection = createBrokerConnection({
    fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
    clock: options.clock,
    retry: options.retry ?? false,
  })
  return {
    async identifierSystems() {
      const asked = { method: 'GET', path: '/patient/enrolment/systems' } as const
      const answer = await connection.persistently(() => connection.send(broker, asked))
      return (answer as { systems: NationalIdSystem[] }).systems
    },
    // Not repeated by itself: a lost answer leaves an enrolment that nobody has the number of, and asking again replaces it.
    async ask(body) {
      const asked = { method: 'POST', path: '/patient/enrolment/requests', body } as const
      return (await connection.send(broker, asked)) as { enrolment: string }
    },
  }
}

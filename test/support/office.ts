import type { IdentityEvent } from '../../src/broker/identity/identity-events.ts'
import { type Answer, answerOf, createHisClient } from '../../src/sandbox/his-client.ts'
import type { TestHospital } from './world.ts'

export type { IdentityEvent }

/** A person of a hospital's records office, at one of its programs. */
export function officeOf(hospital: TestHospital, person: string, program: 0 | 1 = 0) {
  const client = hospital.files.registrars[program]
  if (!client) throw new Error('a program of the records office')
  const his = createHisClient({
    broker: hospital.broker.base,
    client,
    organization: hospital.config.identifier,
    user: { id: person, name: person, role: 'registrar' },
    now: () => hospital.clock.now(),
  })
  const get = async <T>(path: string): Promise<Answer<T>> =>
    answerOf<T>(
      await fetch(`${hospital.broker.base}${path}`, {
        headers: { authorization: `Bearer ${await his.token('PATADMIN')}` },
      }),
    )
  const say =
    (word: string) =>
    (id: string, reason: unknown = 'files-compared', more: object = {}) =>
      his.post(`/registrar/identity-events/${id}/${word}`, { reason, ...more }) as Promise<
        Answer<IdentityEvent>
      >
  return {
    his,
    list: (query = '') => get<{ events: IdentityEvent[] }>(`/registrar/identity-events${query}`),
    byId: (id: string) => get<IdentityEvent>(`/registrar/identity-events/${id}`),
    confirm: say('confirmation'),
    reject: say('rejection'),
  }
}

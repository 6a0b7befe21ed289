import { createTurns } from '../turns/turns.ts'
import { createHisClient } from './his-client.ts'
import type { SandboxFile } from './sandbox-file.ts'

/** Milliseconds between two looks at the queue. */
const EVERY = 1_000

/**
 * Only the sandbox: its registrars are two programs that confirm whatever waits. At a hospital two persons look at who asks
 * before they say that it is that patient.
 */
export function superviseRegistrars(hospitals: () => SandboxFile['hospitals']): { stop(): Promise<void> } {
  type Desk = ReturnType<typeof createHisClient>
  const desks = new Map<string, Desk[]>()
  const desksOf = (hospital: SandboxFile['hospitals'][number]) => {
    const known = desks.get(hospital.key)
    if (known) return known
    const made = hospital.registrars.map((client) =>
      createHisClient({ broker: hospital.broker, client, organization: hospital.identifier }),
    )
    desks.set(hospital.key, made)
    return made
  }

  async function confirmAll(hospital: SandboxFile['hospitals'][number]): Promise<void> {
    const [first, second] = desksOf(hospital)
    if (!first || !second) return
    const { body } = await first.manage<{ enrolments?: { id: string; startedBy: string }[] }>(
      'GET',
      '/registrar/enrolments',
    )
    // What a registrar began is somebody's test of the desk, and waits for whoever began it.
    for (const { id } of (body?.enrolments ?? []).filter(({ startedBy }) => startedBy === 'patient'))
      for (const desk of [first, second]) await desk.post(`/registrar/enrolments/${id}/confirmation`, {})
  }

  const turns = createTurns({
    everyMs: EVERY,
    // A broker that is being restarted is asked again the next time.
    run: () => Promise.allSettled(hospitals().map(confirmAll)),
    failed: () => {},
  })
  return { stop: turns.close }
}

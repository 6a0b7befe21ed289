import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { dayOf } from '../../domain/days.ts'
import type { Logger } from '../../observe/log.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { createTurns } from '../../turns/turns.ts'
import { reconcileShares, type ShareDeps } from './shares.ts'

export type ShareKeeper = {
  /** Something about this patient's consents changed; without an id: about members, groups, or anything. */
  refresh(patientId?: string): void
  /** New records of these patients were registered. */
  refreshFhir(fhirIds: readonly string[]): void
  close(): Promise<void>
}

/** Keeps what is shared in step with what is open: after each change, and at the turn of each day for what expires. */
export function createShareKeeper(args: {
  db: Kysely<BrokerTables>
  patients: PatientStore
  clock: Clock
  log: Logger
  deps: ShareDeps
  /** Told of each patient whose shares are held against what is open: something of theirs may have ended. */
  ended: (patient: StoredPatient) => Promise<void>
}): ShareKeeper {
  const { db, patients, clock, log } = args
  const waiting = new Set<string>()
  let everybody = true
  let closed = false
  let today = dayOf(clock.now())

  /** Taken down before anything is read: what comes meanwhile is for the next turn. */
  async function takeDue(): Promise<StoredPatient[]> {
    const [ids, wasEverybody] = [new Set(waiting), everybody]
    waiting.clear()
    everybody = false
    try {
      const all = await patients.withScopes(db)
      return wasEverybody ? all : all.filter((p) => ids.has(p.id) || ids.has(p.secrets.fhirId))
    } catch (error) {
      for (const id of ids) waiting.add(id)
      everybody ||= wasEverybody
      throw error
    }
  }

  async function run(): Promise<void> {
    if (dayOf(clock.now()) !== today) {
      today = dayOf(clock.now())
      everybody = true
    }
    if (!everybody && waiting.size === 0) return
    for (const patient of await takeDue()) {
      if (closed) return
      try {
        await reconcileShares(db, args.deps, patient)
        await args.ended(patient)
      } catch (error) {
        // Told at the next turn; nothing is lost by waiting, and nobody waits for another patient's sake.
        waiting.add(patient.id)
        log.debug({ error }, 'shares wait')
      }
    }
  }

  const turns = createTurns({
    everyMs: 150,
    run,
    failed: (error) => log.warn({ error }, 'shares wait'),
  })

  return {
    refresh: (patientId) => {
      if (patientId === undefined) everybody = true
      else waiting.add(patientId)
    },
    refreshFhir: (fhirIds) => {
      for (const id of fhirIds) waiting.add(id)
    },
    close: async () => {
      closed = true
      await turns.close()
    },
  }
}

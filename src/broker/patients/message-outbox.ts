import { randomUUID } from 'node:crypto'
import { type Kysely, type Selectable, sql } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import type { ContactPoint, Language } from '../../domain/identity/contact-points.ts'
import type { ContactMessage, ContactSender } from '../../messages/contact-sender.ts'
import type { Logger } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson } from '../../store/vault.ts'
import { createTurns } from '../../turns/turns.ts'
import { type MessageWish, messageText } from './message-texts.ts'

type Db = Kysely<BrokerTables>
type Row = Selectable<BrokerTables['messages']>

const SIDE_BY_SIDE = 8
/** A try that has not ended by then died with its process. Milliseconds. */
const LEASE = 60_000
const LONGEST_WAIT = 5 * 60_000
const HOUR = 3_600_000
/** A word that something changed is worth little later. Milliseconds. */
const LIFETIME = 24 * HOUR

export type Messages = {
  canReach: ContactSender['canReach']
  /** Stores a message in the caller's transaction; it goes out once that stands. */
  enqueue(
    db: Db,
    patient: Pick<StoredPatient, 'id' | 'key'>,
    to: ContactPoint,
    language: Language,
    wish: MessageWish & { enrolment?: string },
  ): Promise<void>
  /** Sends what is due, after whatever runs already. */
  flush(): Promise<void>
  close(): Promise<void>
}

/**
 * Messages to patients, sent at least once: stored before they are sent, deleted when a gateway has taken them. One that fails
 * is tried again with growing pauses until it would be worth nothing any more. Nothing but counts is ever logged of it.
 */
export function createMessages(deps: {
  db: Db
  clock: Clock
  log: Logger
  metrics: Pick<Metrics, 'message'>
  patients: PatientStore
  sender: ContactSender
  hospital: string
  everyMs?: number
}): Messages {
  const { db, clock, log, metrics, sender } = deps
  const instant = (ms = 0) => new Date(clock.now() + ms).toISOString()

  async function run(): Promise<void> {
    for (;;) {
      const due = await db
        .selectFrom('messages')
        .select('id')
        .where('next_at', '<=', instant())
        .orderBy('next_at')
        .limit(SIDE_BY_SIDE)
        .execute()
      await Promise.all(due.map(({ id }) => claim(id).then((row) => row && deliver(row))))
      if (due.length < SIDE_BY_SIDE) return
    }
  }

  /** Taken for a while, so that of two replicas one sends. */
  const claim = (id: string): Promise<Row | undefined> =>
    db
      .updateTable('messages')
      .set({ next_at: instant(LEASE), attempts: sql`attempts + 1` })
      .where('id', '=', id)
      .where('next_at', '<=', instant())
      .returningAll()
      .executeTakeFirst()

  const forget = (id: string) => db.deleteFrom('messages').where('id', '=', id).execute()

  async function deliver({ id, patient_id, kind, sealed, attempts, expires_at }: Row): Promise<void> {
    if (expires_at <= instant()) {
      metrics.message(kind, 'expired')
      log.warn({ count: attempts - 1 }, 'a message to a patient was not taken in time')
      await forget(id)
      return
    }
    const patient = await deps.patients.byId(db, patient_id)
    if (!patient) return void (await forget(id))
    try {
      await sender.send(openJson<ContactMessage>(patient.key, sealed))
    } catch {
      // What failed may repeat the address: not even its kind is told.
      metrics.message(kind, 'failed')
      log.warn({ count: attempts }, 'a message to a patient waits for its gateway')
      const wait = Math.min(LONGEST_WAIT, 500 * 2 ** Math.min(attempts, 20))
      await db
        .updateTable('messages')
        .set({ next_at: instant(wait) })
        .where('id', '=', id)
        .execute()
      return
    }
    await forget(id)
    metrics.message(kind, 'sent')
  }

  const turns = createTurns({
    everyMs: deps.everyMs ?? 500,
    run,
    failed: (error) => log.warn({ error }, 'messages to patients wait for the next turn'),
  })

  return {
    canReach: (system) => sender.canReach(system),
    async enqueue(trx, patient, to, language, wish) {
      const id = randomUUID()
      const message: ContactMessage = {
        ...{ id, to, language, ...messageText(wish, language, deps.hospital) },
        ...(wish.enrolment === undefined ? {} : { enrolment: wish.enrolment }),
        ...(wish.kind === 'enrolment-code' ? { code: wish.code } : {}),
      }
      await trx
        .insertInto('messages')
        .values({
          ...{ id, patient_id: patient.id, kind: wish.kind, attempts: 0 },
          sealed: sealJson(patient.key, message),
          next_at: instant(),
          expires_at: instant(wish.kind === 'enrolment-code' ? wish.hours * HOUR : LIFETIME),
          created_at: instant(),
        })
        .execute()
    },
    flush: turns.flush,
    async close() {
      await turns.close()
      await sender.close()
    },
  }
}

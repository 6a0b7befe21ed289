import { type Kysely, sql } from 'kysely'
import type { Database } from '../store/database.ts'

/**
 * Which of a member's brokers on one database does what only one may do at a time: follow FHIR server and chain, send
 * transactions and messages, anchor windows. All of them answer requests.
 */
export type Lead = {
  holds(): boolean
  /** Has this done by whoever leads: here, or at the replica that leads. */
  ask(what: Asked): void
  /** Called when this is asked for, and when the lead comes here. */
  on(what: Asked, listener: () => void): void
  /** Lets another one lead. */
  close(): Promise<void>
}

export type Asked = 'register' | 'move-entries'

/** The advisory lock of whoever leads. It is of one database, and goes with the connection of whoever held it. */
const LOCK = 0x7761796c
const CHANNEL = 'wayleave_lead'

/** How often one that does not lead tries to, and one that does looks whether the database still knows. Milliseconds. */
const EVERY = 500
/** A database that has not answered for so long may have given the lead to another. Milliseconds. */
const BELIEVED = 3_000

/**
 * Leads as soon as nobody else does. PostgreSQL gives the lock to one connection and frees it when that ends, at once where
 * its process was killed; whoever cannot reach the database leads no more. PGlite has one process: it leads.
 */
export async function openLead(database: Database): Promise<Lead> {
  const listeners = new Map<Asked, (() => void)[]>()
  const told = (what: Asked) => {
    for (const listener of listeners.get(what) ?? []) listener()
  }
  const on = (what: Asked, listener: () => void) =>
    void listeners.set(what, [...(listeners.get(what) ?? []), listener])
  if (database.kind === 'pglite') return { holds: () => true, ask: told, on, close: async () => {} }

  const db: Kysely<unknown> = database.db
  let held = false
  let closed = false
  let wake = () => {}
  const pause = () =>
    new Promise<void>((done) => {
      const timer = setTimeout(done, EVERY)
      wake = () => {
        clearTimeout(timer)
        done()
      }
    })

  /** Holds the lock on a connection of its own for as long as that answers. */
  async function holdOnce(tried: () => void): Promise<void> {
    await db.connection().execute(async (connection) => {
      const { rows } = await sql<{ got: boolean }>`select pg_try_advisory_lock(${LOCK}) as got`.execute(
        connection,
      )
      held = rows[0]?.got === true
      if (held) for (const what of listeners.keys()) told(what)
      tried()
      try {
        while (held && !closed) {
          await pause()
          await answered(sql`select 1`.execute(connection))
        }
      } finally {
        if (held) {
          held = false
          await sql`select pg_advisory_unlock(${LOCK})`.execute(connection)
        }
      }
    })
  }

  async function follow(tried: () => void): Promise<void> {
    while (!closed) {
      await holdOnce(tried).catch(() => tried())
      if (!closed) await pause()
    }
  }

  const stopListening = await database.listen(CHANNEL, (payload) => {
    if (held && listeners.has(payload as Asked)) told(payload as Asked)
  })
  const first = Promise.withResolvers<void>()
  const following = follow(first.resolve)
  await first.promise
  return {
    holds: () => held,
    ask(what) {
      if (held) return told(what)
      // Whoever leads looks by the clock as well: a notice that is lost costs some seconds.
      void sql`select pg_notify(${CHANNEL}, ${what})`.execute(db).catch(() => {})
    },
    on,
    async close() {
      closed = true
      wake()
      await following
      await stopListening()
    },
  }
}

/** Throws where it takes too long. */
async function answered(query: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error('the database does not answer')), BELIEVED)
  try {
    await Promise.race([query, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { COPY_STATEMENT } from '../copy-rows.ts'
import type { Database } from '../database.ts'
import { valueParsers } from './value-types.ts'

/** How long to wait before a lost LISTEN connection is opened again, in milliseconds. */
const RELISTEN_AFTER = 1_000

const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: string) =>
    (format !== 'binary' && valueParsers[oid]) || pg.types.getTypeParser(oid, format as 'text'),
}

/** Opens a pool on a PostgreSQL server. Connects once, so that a wrong address fails here and not later. */
export async function openPostgres(url: string): Promise<Database> {
  const pool = new pg.Pool({ connectionString: url, types })
  // An idle connection that breaks is replaced by the pool; unhandled, the event would end the process.
  pool.on('error', () => {})
  pool.on('connect', takeCopies)
  // One that breaks while it is lent is told to whoever asks it next.
  pool.on('connect', (client) => client.on('error', () => {}))
  try {
    ;(await pool.connect()).release()
  } catch (error) {
    await pool.end()
    throw error
  }
  const db: Database['db'] = new Kysely({ dialect: new PostgresDialect({ pool }) })
  const listeners = new Set<() => Promise<void>>()
  let closing: Promise<void> | undefined
  return {
    db,
    kind: 'postgres',
    async listen(channel, onNotification) {
      const stop = await listenOn(url, channel, onNotification)
      listeners.add(stop)
      return async () => {
        listeners.delete(stop)
        await stop()
      }
    },
    close() {
      closing ??= (async () => {
        await Promise.all([...listeners].map((stop) => stop()))
        await db.destroy()
        // Kysely leaves a pool that it never used open.
        if (!pool.ended && !pool.ending) await pool.end()
      })()
      return closing
    },
  }
}

/** Has a connection take COPY as one query with the rows as its parameter; node-postgres itself knows no COPY. */
function takeCopies(client: pg.PoolClient): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown
  async function copy(statement: string, rows: string) {
    const stream = client.query(copyFrom(statement))
    await pipeline(Readable.from([Buffer.from(rows)]), stream)
    return { command: 'COPY', rowCount: stream.rowCount, rows: [] }
  }
  client.query = ((...args: unknown[]) => {
    const [statement, values] = args
    return typeof statement === 'string' && COPY_STATEMENT.test(statement) && Array.isArray(values)
      ? copy(statement, String(values[0]))
      : query(...args)
  }) as typeof client.query
}

async function listenOn(url: string, channel: string, onNotification: (payload: string) => void) {
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  async function connect(): Promise<void> {
    const next = new pg.Client({ connectionString: url })
    next.on('notification', (message) => onNotification(message.payload ?? ''))
    next.on('error', () => {})
    next.on('end', () => retry(next))
    await next.connect()
    client = next
    await next.query(`listen ${next.escapeIdentifier(channel)}`)
  }
  function retry(lost: pg.Client): void {
    if (stopped || lost !== client) return
    timer = setTimeout(() => void reconnect(), RELISTEN_AFTER)
  }
  async function reconnect(): Promise<void> {
    try {
      await connect()
      // What was said meanwhile is lost: an empty payload tells the listener to look for itself.
      onNotification('')
    } catch {
      if (!stopped) timer = setTimeout(() => void reconnect(), RELISTEN_AFTER)
    }
    if (stopped) await client?.end()
  }

  await connect()
  return async () => {
    stopped = true
    clearTimeout(timer)
    await client?.end()
  }
}

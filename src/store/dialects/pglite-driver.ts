import { type PGlite, protocol, types } from '@electric-sql/pglite'
import {
  AbortedTransactionError,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PGliteAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely'

const { serialize } = protocol

/**
 * Kysely on PGlite, each query one message. PGlite's own `query` goes into the database five times (parse, describe, bind,
 * execute, sync) and does the same in three times the time. Parameters are sent as text, as node-postgres does.
 */
export function pgliteDialect(pglite: PGlite): Dialect {
  return {
    createAdapter: () => new PGliteAdapter(),
    createDriver: () => createDriver(pglite),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  }
}

/** Kysely hands the one connection out to one at a time. */
function createDriver(pglite: PGlite): Driver {
  /** Set while a transaction holds PGlite, so that nothing else, a LISTEN for example, comes in between. */
  let endTransaction: (() => void) | undefined

  const execute = (text: string, values: readonly unknown[]) => runMessage(pglite, text, values)
  const connection: DatabaseConnection = {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      const run = () => execute(sql, parameters)
      return (await (endTransaction ? run() : pglite.runExclusive(run))) as QueryResult<R>
    },
    streamQuery(): never {
      throw new Error('PGlite does not stream')
    },
  }

  async function end(command: 'commit' | 'rollback'): Promise<void> {
    const release = endTransaction
    try {
      const { tag } = await execute(command, [])
      // What PostgreSQL answers to the end of a transaction that an error had broken before.
      if (command === 'commit' && tag === 'ROLLBACK') throw new AbortedTransactionError()
    } finally {
      endTransaction = undefined
      release?.()
    }
  }

  return {
    async init() {
      await pglite.waitReady
    },
    acquireConnection: async () => connection,
    async beginTransaction(_connection, { isolationLevel }) {
      const held = Promise.withResolvers<void>()
      const begun = Promise.withResolvers<void>()
      void pglite
        .runExclusive(async () => {
          endTransaction = held.resolve
          begun.resolve()
          await held.promise
        })
        .catch(begun.reject)
      await begun.promise
      try {
        await execute(isolationLevel ? `begin isolation level ${isolationLevel}` : 'begin', [])
      } catch (error) {
        endTransaction = undefined
        held.resolve()
        throw error
      }
    },
    commitTransaction: () => end('commit'),
    rollbackTransaction: () => end('rollback'),
    releaseConnection: async () => {},
    async destroy() {
      if (!pglite.closed) await pglite.close()
    },
  }
}

/** @throws the database's error, with its SQLSTATE as `code` and without the parameters. */
async function runMessage(
  pglite: PGlite,
  text: string,
  values: readonly unknown[],
): Promise<QueryResult<unknown> & { tag: string }> {
  const message = Buffer.concat([
    serialize.parse({ text }),
    serialize.bind({ values: values.map(asText) }),
    serialize.describe({ type: 'P' }),
    serialize.execute({}),
    serialize.sync(),
  ])
  const answers = await pglite.execProtocolStream(message, { throwOnError: true })
  let fields: { name: string; dataTypeID: number }[] = []
  let tag = ''
  const rows: Record<string, unknown>[] = []
  for (const answer of answers) {
    if ('fieldCount' in answer && 'fields' in answer) {
      const described = answer.fields as unknown[]
      if (answer.name === 'rowDescription') fields = described as typeof fields
      else if (answer.name === 'dataRow') rows.push(rowOf(pglite, fields, described as (string | null)[]))
    } else if (answer.name === 'commandComplete' && 'text' in answer) {
      tag = String(answer.text)
    }
  }
  const affected = affectedBy(tag)
  return { rows, tag, ...(affected === undefined ? {} : { numAffectedRows: affected }) }
}

function rowOf(
  { parsers }: PGlite,
  fields: readonly { name: string; dataTypeID: number }[],
  values: readonly (string | null)[],
): Record<string, unknown> {
  const row: Record<string, unknown> = {}
  for (const [i, { name, dataTypeID }] of fields.entries())
    row[name] = types.parseType(values[i] ?? null, dataTypeID, parsers)
  return row
}

/** `UPDATE 3`, `INSERT 0 1`; what changes no row says nothing. */
function affectedBy(tag: string): bigint | undefined {
  const [, command, count] = /^(INSERT 0|UPDATE|DELETE|MERGE) (\d+)$/.exec(tag) ?? []
  return command && count ? BigInt(count) : undefined
}

/** As node-postgres writes parameters: bytes in hex, arrays as PostgreSQL's own literals, other objects as JSON. */
function asText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array)
    return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return `{${value.map(arrayElement).join(',')}}`
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value)
  return JSON.stringify(value)
}

function arrayElement(value: unknown): string {
  const text = asText(value)
  if (text === null) return 'NULL'
  return Array.isArray(value) ? text : `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

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
import { LRUCache } from 'lru-cache'
import { COPY_STATEMENT } from '../copy-rows.ts'

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

  const plans = createPlans()
  const execute = (text: string, values: readonly unknown[]) => runMessage(pglite, plans, text, values)
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

/** After how many uses a query is worth a plan of its own, and how many such plans are kept. */
const PREPARE_AFTER = 3
const PREPARED = 200

type Field = { name: string; dataTypeID: number }

/** A query: how often it was asked, under which name PGlite keeps its plan, and what its rows are, once that plan has said it. */
type Plan = { uses: number; name?: string; fields?: readonly Field[] }

/** Queries by their text. */
function createPlans() {
  let names = 0
  const dropped: string[] = []
  const plans = new LRUCache<string, Plan>({
    max: PREPARED,
    dispose: ({ name }) => {
      if (name !== undefined) dropped.push(name)
    },
  })
  return {
    /** The messages by which this query is bound: parsed and planned anew, or by the plan that there is. */
    messagesFor(text: string, values: (string | null)[]): { plan: Plan; messages: Uint8Array[] } {
      const messages = dropped.splice(0).map((name) => serialize.close({ type: 'S', name }))
      const plan: Plan = plans.get(text) ?? { uses: 0 }
      plans.set(text, plan)
      plan.uses++
      if (plan.name !== undefined) messages.push(serialize.bind({ statement: plan.name, values }))
      else if (plan.uses < PREPARE_AFTER) messages.push(serialize.parse({ text }), serialize.bind({ values }))
      else {
        plan.name = `q${++names}`
        const { name } = plan
        messages.push(serialize.parse({ name, text }), serialize.bind({ statement: name, values }))
      }
      // A plan whose rows became others is refused (0A000), and forgotten: what it has said once holds.
      if (!plan.fields) messages.push(serialize.describe({ type: 'P' }))
      return { plan, messages }
    },
    /** Whatever went wrong, a changed table for example, the next time begins anew. */
    forget(text: string): void {
      plans.delete(text)
    },
  }
}

/** @throws the database's error, with its SQLSTATE as `code` and without the parameters. */
async function runMessage(
  pglite: PGlite,
  plans: ReturnType<typeof createPlans>,
  text: string,
  values: readonly unknown[],
): Promise<QueryResult<unknown> & { tag: string }> {
  const asked = COPY_STATEMENT.test(text) ? undefined : plans.messagesFor(text, values.map(asText))
  const message = asked
    ? Buffer.concat([...asked.messages, serialize.execute({}), serialize.sync()])
    : copyMessage(text, String(values[0]))
  let answers: Awaited<ReturnType<PGlite['execProtocolStream']>>
  try {
    answers = await pglite.execProtocolStream(message, { throwOnError: true })
  } catch (error) {
    plans.forget(text)
    throw error
  }
  let fields: readonly Field[] = asked?.plan.fields ?? []
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
  if (asked?.plan.name !== undefined) asked.plan.fields = fields
  const affected = affectedBy(tag)
  return { rows, tag, ...(affected === undefined ? {} : { numAffectedRows: affected }) }
}

/** The statement and the rows after it, before the database has said that it wants them: it reads on where it is. */
function copyMessage(statement: string, rows: string): Buffer {
  // A buffer of its own: what `Buffer.from` gives may be a piece of a larger one.
  const bytes = new TextEncoder().encode(rows)
  return Buffer.concat([serialize.query(statement), serialize.copyData(bytes.buffer), serialize.copyDone()])
}

function rowOf(
  { parsers }: PGlite,
  fields: readonly Field[],
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

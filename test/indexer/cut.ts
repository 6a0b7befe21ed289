import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely'
import type { NodeRpc } from '../../src/chain/node-rpc.ts'
import type { Database } from '../../src/store/database.ts'
import type { IndexTables } from '../../src/store/schema.ts'

/**
 * The end of a process, seen from the node and the database: at one step, a question to the node or a statement, begin and
 * commit included, everything ends. The step is not taken, or it is and nobody hears the answer; nothing comes after it, and a
 * transaction that is open goes as it goes when a connection is lost.
 */
export type Cut = {
  /** What was being done when it came; undefined as long as it has not. */
  at(): string | undefined
  step<T>(what: string, work: () => Promise<T>): Promise<T>
}

class CutError extends Error {}

/**
 * @param kind how what is being done begins, such as `commit`
 * @param nth which of that kind it is
 * @param after whether the step is taken and only its answer lost
 */
export function createCut({ kind, nth, after }: { kind: string; nth: number; after: boolean }): Cut {
  let steps = 0
  let at: string | undefined
  return {
    at: () => at,
    async step(what, work) {
      if (at !== undefined) throw new CutError('the process is gone')
      if (!what.startsWith(kind) || ++steps < nth) return work()
      at = `${after ? 'after' : 'before'} ${kind}`
      if (after) await work()
      throw new CutError('the process is gone')
    },
  }
}

export const cutNode = (rpc: NodeRpc, cut: Cut): NodeRpc => ({
  ...rpc,
  call: (method, params) => cut.step(method, () => rpc.call(method, params)),
})

/** The same database, each of its statements a step. */
export function cutDatabase(database: Database, cut: Cut): Kysely<IndexTables> {
  const ends = new WeakMap<DatabaseConnection, () => void>()
  const driver: Driver = {
    async init() {},
    async acquireConnection() {
      const acquired = Promise.withResolvers<DatabaseConnection>()
      void database.db
        .connection()
        .execute(async (held) => {
          const released = Promise.withResolvers<void>()
          const connection: DatabaseConnection = {
            executeQuery: <R>(query: CompiledQuery): Promise<QueryResult<R>> =>
              cut.step(query.sql.slice(0, 40), () => held.executeQuery(query) as Promise<QueryResult<R>>),
            streamQuery: () => {
              throw new Error('nothing streams here')
            },
          }
          ends.set(connection, released.resolve)
          acquired.resolve(connection)
          await released.promise
          // What was not committed when a connection is lost is gone; where nothing is open this does nothing.
          if (cut.at() !== undefined) await held.executeQuery(CompiledQuery.raw('rollback'))
        })
        .catch(acquired.reject)
      return acquired.promise
    },
    beginTransaction: (connection) => tell(connection, 'begin'),
    commitTransaction: (connection) => tell(connection, 'commit'),
    rollbackTransaction: (connection) => tell(connection, 'rollback'),
    async releaseConnection(connection) {
      ends.get(connection)?.()
    },
    async destroy() {},
  }
  const tell = async (connection: DatabaseConnection, word: string) => {
    await connection.executeQuery(CompiledQuery.raw(word))
  }
  return new Kysely<IndexTables>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => driver,
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  }).withSchema('chain_index')
}

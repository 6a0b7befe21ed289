import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FhirAccess } from '../../src/sandbox/fhir-server/fhir-server.ts'
import { type Hapi, type HapiDatabase, startHapi } from '../../src/sandbox/hapi/hapi.ts'
import { freePort } from '../../src/sandbox/ports.ts'
import { freshPostgres } from '../support/databases.ts'

export type TestHapi = {
  /** By name: the base address, and the requests that have reached the server so far. */
  servers: Readonly<Record<string, { base: string; accesses: () => FhirAccess[] }>>
  /** Stops all and starts them again, on the same data and the same addresses. */
  restart: () => Promise<void>
  /** The same, but it gets no chance to end in order. */
  kill: () => Promise<void>
  stop: () => Promise<void>
}

/** HAPI FHIR for tests: one server a name, all in one process, each on a PostgreSQL database of its own. */
export async function startTestHapi(...names: string[]): Promise<TestHapi> {
  const server = process.env.DATABASE_URL
  if (server === undefined) throw new Error('DATABASE_URL names the PostgreSQL server to keep the data in')
  const run = `hapi_${randomUUID().slice(0, 8)}_`
  const { hostname, port, username, password } = new URL(server)
  const database: HapiDatabase = {
    kind: 'postgres',
    jdbcUrl: `jdbc:postgresql://${hostname}:${port || 5432}/${run}{name}`,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  }
  const logs = mkdtempSync(join(tmpdir(), 'wayleave-hapi-log-'))
  const accessLog = join(logs, '{name}.jsonl')
  const databases = await Promise.all(names.map((name) => freshPostgres(server, `${run}${name}`)))
  const clear = async () => {
    for (const { remove } of databases) await remove()
    rmSync(logs, { recursive: true, force: true })
  }
  const servers = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await freePort()])))
  const start = () => startHapi({ servers, database, accessLog, tell: (line) => console.info(line) })
  let hapi: Hapi
  try {
    hapi = await start()
  } catch (error) {
    await clear()
    throw error
  }
  const accesses = (name: string) => {
    const file = accessLog.replace('{name}', name)
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
    return lines.filter(Boolean).map((line) => JSON.parse(line) as FhirAccess)
  }
  return {
    servers: Object.fromEntries(
      Object.entries(hapi.bases).map(([name, base]) => [name, { base, accesses: () => accesses(name) }]),
    ),
    async restart() {
      await hapi.stop()
      hapi = await start()
    },
    async kill() {
      process.kill(hapi.pid, 'SIGKILL')
      await hapi.stop()
      hapi = await start()
    },
    async stop() {
      await hapi.stop()
      await clear()
    },
  }
}

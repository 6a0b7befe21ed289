import { onTestFinished } from 'vitest'
import { createFhirServer, type FhirAccess } from '../../../src/sandbox/fhir-server/fhir-server.ts'
import { type Database, openDatabase } from '../../../src/store/database.ts'
import { type FhirClient, fhirClient } from '../../fhir/conformance/client.ts'

export type Started = {
  client: FhirClient
  database: Database
  accesses: FhirAccess[]
  faults: unknown[]
  /** Stops it before the test ends. */
  stop(): Promise<void>
}

/** A server on a database in memory, stopped when the test ends. */
export async function startServer({
  now = () => new Date(),
  database,
}: {
  now?: () => Date
  database?: Database
} = {}) {
  const opened = database ?? (await openDatabase({ kind: 'pglite' }))
  const accesses: FhirAccess[] = []
  const faults: unknown[] = []
  const server = await createFhirServer({
    db: opened.db,
    now,
    accessLog: (entry) => accesses.push(entry),
    onError: (error) => faults.push(error),
  })
  const address = await server.app.listen({ host: '127.0.0.1', port: 0 })
  const stop = () => server.close()
  onTestFinished(async () => {
    await stop()
    if (database === undefined) await opened.close()
  })
  return { client: fhirClient(`${address}/fhir`), database: opened, accesses, faults, stop } satisfies Started
}

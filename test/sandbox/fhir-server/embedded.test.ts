import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFhirServer } from '../../../src/sandbox/fhir-server/fhir-server.ts'
import { type DatabaseConfig, openDatabase } from '../../../src/store/database.ts'
import { describeFhirServer } from '../../fhir/conformance/body.ts'
import type { RunningServer } from '../../fhir/conformance/traits.ts'

/** Starts the embedded server on a database, so that a restart closes and opens both. */
async function start(config: DatabaseConfig, cleanUp: () => Promise<void>): Promise<RunningServer> {
  let running = await open(0)
  const { port } = running

  async function open(listenOn: number) {
    const database = await openDatabase(config)
    const server = await createFhirServer({
      db: database.db,
      schema: 'fhir_conformance',
      now: () => new Date(),
      onError: (error) => console.error(error),
    })
    const address = await server.app.listen({ host: '127.0.0.1', port: listenOn })
    return {
      port: Number(new URL(address).port),
      async close() {
        await server.close()
        await database.close()
      },
    }
  }
  return {
    base: `http://127.0.0.1:${port}/fhir`,
    async restart() {
      await running.close()
      running = await open(port)
    },
    async stop() {
      await running.close()
      await cleanUp()
    },
  }
}

describeFhirServer('the embedded FHIR server on PGlite', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'wayleave-fhir-'))
  return start({ kind: 'pglite', dir: join(scratch, 'data') }, () =>
    rm(scratch, { recursive: true, force: true }),
  )
})

const url = process.env.DATABASE_URL
if (url === undefined) console.info('the embedded FHIR server runs on PGlite only: DATABASE_URL is not set')
else
  describeFhirServer('the embedded FHIR server on PostgreSQL', () =>
    start({ kind: 'postgres', url }, async () => {}),
  )

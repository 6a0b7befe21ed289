import { buildHapi } from '../../src/sandbox/hapi/build.ts'
import { findToolchain } from '../../src/sandbox/hapi/toolchain.ts'
import { startPostgres } from '../support/postgres.ts'

/** Before any file: HAPI FHIR is built, and there is a PostgreSQL server, that of `DATABASE_URL` or one for this run. */
export default async function prepare(): Promise<(() => Promise<void>) | undefined> {
  const tell = (line: string) => console.log(line)
  await buildHapi(await findToolchain(), tell)
  if (process.env.DATABASE_URL !== undefined) return undefined
  const postgres = await startPostgres(tell)
  tell(`${postgres.version} runs for this run`)
  // The processes that run the tests are started after this, and inherit it.
  process.env.DATABASE_URL = postgres.url
  return postgres.stop
}

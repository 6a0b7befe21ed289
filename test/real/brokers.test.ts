import { afterAll } from 'vitest'
import { describePath } from '../broker/path.ts'
import { describeRegistration } from '../broker/register/registers.ts'
import { startTestHapi, type TestHapi } from './hapi-server.ts'

let hapi: TestHapi | undefined
afterAll(() => hapi?.stop())

/** HAPI servers of their own for the hospitals a and b of one world; all run in one process. */
const hospitals = (world: string) => async () => {
  hapi ??= await startTestHapi('path_a', 'path_b', 'registers_a', 'registers_b')
  const { servers } = hapi
  const server = (key: string) => servers[`${world}_${key}`] ?? { base: '', accesses: () => [] }
  return { fhirServers: { a: server('a'), b: server('b') } }
}

describePath('HAPI FHIR and PostgreSQL', hospitals('path'))
describeRegistration('HAPI FHIR and PostgreSQL', hospitals('registers'))

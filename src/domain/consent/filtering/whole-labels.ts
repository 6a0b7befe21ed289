/** What counts for a resource as a whole: labels at its source, of what it contains, and of the Bundle that it is part of. */
import type { Coding } from 'fhir/r4.js'
import type { Label } from '../../records/labels/label-resource.ts'
import { isObject, type JsonObject, textOf } from '../fhir/read.ts'
import { kindsOfSecurityLabels } from '../security-labels.ts'
import { CONFIDENTIALITY_SYSTEM, sortKinds } from '../sensitivities.ts'

/** From the least to the most confidential (v3 Confidentiality). */
const LEVELS = ['U', 'L', 'M', 'N', 'R', 'V']

/** Adds what stands on the Bundle that a resource is part of. */
export function withInherited(label: Label, inherited: readonly Coding[]): Label {
  if (inherited.length === 0) return label
  const kinds = sortKinds([...label.kinds, ...kindsOfSecurityLabels(inherited)])
  return { kinds, confidentiality: kinds.includes('V') ? 'V' : kinds.length > 0 ? 'R' : 'N' }
}

/**
 * The resource with `meta.security` replaced by every label at its source, contained resources and parts included, and by
 * one confidentiality, the highest of those stated: a permit for the lower must not open the higher.
 */
export function withLabelsOfAll(resource: JsonObject, security: readonly unknown[]): JsonObject {
  let level = -1
  const labels: Coding[] = []
  for (const label of security) {
    if (!isObject(label)) continue
    const rank = label.system === CONFIDENTIALITY_SYSTEM ? LEVELS.indexOf(textOf(label.code) ?? '') : -1
    if (rank < 0) labels.push(label)
    else level = Math.max(level, rank)
  }
  if (level >= 0) labels.push({ system: CONFIDENTIALITY_SYSTEM, code: LEVELS[level] ?? 'V' })
  const meta = isObject(resource.meta) ? resource.meta : {}
  return { ...resource, meta: { ...meta, security: labels } }
}

/** A resource as a judge of consents is to see it: with every label that counts for it, those that rules found too. */
import type { Coding } from 'fhir/r4.js'
import type { Label } from '../../records/labels/label-resource.ts'
import { isObject, type JsonObject, textOf } from '../fhir/read.ts'
import { kindsOfSecurityLabels } from '../security-labels.ts'
import {
  CONFIDENTIALITY_SYSTEM,
  kindCoding,
  parentKind,
  type SensitiveKind,
  sortKinds,
} from '../sensitivities.ts'

/** From the least to the most confidential (v3 Confidentiality). */
const LEVELS = ['U', 'L', 'M', 'N', 'R', 'V']

/** Adds what stands on the Bundle that a resource is part of. */
export function withInherited(label: Label, inherited: readonly Coding[]): Label {
  if (inherited.length === 0) return label
  const kinds = sortKinds([...label.kinds, ...kindsOfSecurityLabels(inherited)])
  return { kinds, confidentiality: kinds.includes('V') ? 'V' : kinds.length > 0 ? 'R' : 'N' }
}

/**
 * The resource with `meta.security` replaced by: every label at its source, contained resources and parts included; every
 * sensitive kind, and the kind above it, so that an objection to the wider one is met; and one confidentiality, the
 * highest, since a permit for N must not open what is N at the source and R by the rules.
 */
export function withEffectiveLabels(
  resource: JsonObject,
  security: readonly unknown[],
  { kinds, confidentiality }: Label,
): JsonObject {
  let level = confidentiality === 'N' ? -1 : LEVELS.indexOf(confidentiality)
  const labels: Coding[] = []
  for (const label of security) {
    if (!isObject(label)) continue
    const rank = label.system === CONFIDENTIALITY_SYSTEM ? LEVELS.indexOf(textOf(label.code) ?? '') : -1
    if (rank < 0) labels.push(label)
    else level = Math.max(level, rank)
  }
  for (const kind of kinds) {
    for (let at: SensitiveKind | undefined = kind; at !== undefined; at = parentKind(at))
      if (at !== 'R' && at !== 'V') labels.push(kindCoding(at))
  }
  if (level >= 0) labels.push({ system: CONFIDENTIALITY_SYSTEM, code: LEVELS[level] ?? 'V' })
  const meta = isObject(resource.meta) ? resource.meta : {}
  return { ...resource, meta: { ...meta, security: labels } }
}

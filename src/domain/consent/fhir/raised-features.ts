/** The labels of a record as its custodian's rules raise them, for provisions that name labels. */
import { CONFIDENTIALITY_SYSTEM, parentKind, SENSITIVE_KINDS, type SensitiveKind } from '../sensitivities.ts'
import { BELOW_NORMAL, codingKey, NORMAL } from './codings.ts'
import type { Features } from './features.ts'

const RESTRICTED = codingKey(CONFIDENTIALITY_SYSTEM, 'R')
const ORDINARY: ReadonlySet<string> = new Set([
  NORMAL,
  ...BELOW_NORMAL.map(({ system = '', code = '' }) => codingKey(system, code)),
])

const keyOf = (kind: SensitiveKind) => codingKey(SENSITIVE_KINDS[kind].system, kind)

/**
 * A record with any sensitive kind is not normal, whatever its source says: a permit for what is normal is not about it.
 * A denial is about it by each label that it has from anywhere, as restricted, and by every kind that includes one of its
 * kinds: doubt withholds.
 */
export function raisedFeatures(features: Features, kinds: readonly SensitiveKind[]): Features {
  if (kinds.length === 0) return features
  const stated = features.labels
  const labels = new Set([...stated].filter((key) => !ORDINARY.has(key)))
  for (const kind of kinds) labels.add(keyOf(kind))
  const deniedLabels = new Set([...labels, ...stated, RESTRICTED])
  for (const kind of kinds) {
    for (let above = parentKind(kind); above; above = parentKind(above)) deniedLabels.add(keyOf(above))
  }
  return { ...features, labels, deniedLabels }
}

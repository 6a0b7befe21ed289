/**
 * What a label at the source (`meta.security`) means here. Only what is known to be harmless is ignored: a code of
 * an unknown system, an obligation or a refrain policy that could not be honoured, all count as V (fail closed).
 */
import type { Coding } from 'fhir/r4.js'
import { PURPOSE_SYSTEM } from './purposes.ts'
import {
  CONFIDENTIALITY_SYSTEM,
  isSensitiveKind,
  SENSITIVITY_SYSTEM,
  type SensitiveKind,
} from './sensitivities.ts'

const OBSERVATION_VALUE_SYSTEM = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue'

/** Codes that stand for kinds of the table under another name. BH says not which of the two, so it needs both. */
const ALIASES: Readonly<Record<string, readonly SensitiveKind[]>> = {
  BH: ['PSY', 'ETH'],
  COGN: ['PSY'],
  DVD: ['PSY'],
  EMOTDIS: ['PSY'],
  SICKLE: ['SCA'],
}

/** Codes that v3 Confidentiality once had for kinds of information; deprecated, still found. */
const CONFIDENTIALITY_BY_TYPE: ReadonlySet<string> = new Set(['ETH', 'HIV', 'PSY', 'SDV'])
const UNRESTRICTED: ReadonlySet<string> = new Set(['U', 'L', 'M', 'N'])

/** Integrity and alteration notes: how the data came to be, nothing about who may see it. */
const NOTES: ReadonlySet<string> = new Set(
  (
    'ABSTRED AGGRED ANONYED MAPPED MASKED PSEUDED REDACTED SUBSETTED SYNTAC TRSLT VERSIONED CRYTOHASH DIGSIGN ' +
    'HRELIABLE RELIABLE UNCERTREL UNRELIABLE'
  ).split(' '),
)

/**
 * The sensitive kinds that the labels at the source demand. R alone is kind R; R beside a stated kind is explained
 * by that kind and adds none.
 */
export function kindsOfSecurityLabels(labels: readonly Coding[]): SensitiveKind[] {
  const kinds = labels.flatMap(kindsOfLabel)
  const explained = kinds.some((kind) => kind !== 'R')
  return explained ? kinds.filter((kind) => kind !== 'R') : kinds
}

/** Whether a label says how confidential the resource is, rather than how it came to be. */
export const statesConfidentiality = ({ system }: Coding): boolean =>
  system === CONFIDENTIALITY_SYSTEM || system === SENSITIVITY_SYSTEM

function kindsOfLabel({ system, code }: Coding): readonly SensitiveKind[] {
  // Also where it is there and no string: a source may hold anything.
  if (typeof code !== 'string') return ['V']
  switch (system) {
    case SENSITIVITY_SYSTEM:
      if (isSensitiveKind(code) && code !== 'R' && code !== 'V') return [code]
      return Object.hasOwn(ALIASES, code) ? (ALIASES[code] ?? ['V']) : ['V']
    case CONFIDENTIALITY_SYSTEM:
      if (UNRESTRICTED.has(code)) return []
      if (code === 'R') return ['R']
      return CONFIDENTIALITY_BY_TYPE.has(code) && isSensitiveKind(code) ? [code] : ['V']
    case PURPOSE_SYSTEM:
      // HTEST marks synthetic data; any other purpose here is a limit that a label cannot enforce
      return code === 'HTEST' ? [] : ['V']
    case OBSERVATION_VALUE_SYSTEM:
      return NOTES.has(code) ? [] : ['V']
    default:
      return ['V']
  }
}

/**
 * The sensitive kinds of information: HL7 v3 ActCode InformationSensitivityPolicy codes, and two pseudo-kinds that
 * stand for a confidentiality alone. A record carries every kind that applies; a consent opens a record only if it
 * allows all of them.
 *
 * The bits stand inside sealed pointers and in the names of compartments (design §5): append only, never renumber,
 * never reuse, at most 24. A kind never moves under another parent, since that would widen consents already given.
 */
import type { Coding } from 'fhir/r4.js'

export const SENSITIVITY_SYSTEM = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'
export const CONFIDENTIALITY_SYSTEM = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality'

type Row = {
  readonly bit: number
  readonly label: string
  readonly system: string
  /** The kind that includes this one: a consent for the parent opens it. */
  readonly parent?: string
}

// biome-ignore format: one kind a line reads as a table
export const SENSITIVE_KINDS = {
  ETH: { bit: 0, label: 'Alcohol and drug use', system: SENSITIVITY_SYSTEM },
  PSY: { bit: 1, label: 'Mental health', system: SENSITIVITY_SYSTEM },
  HIV: { bit: 2, label: 'HIV and AIDS', system: SENSITIVITY_SYSTEM },
  SDV: { bit: 3, label: 'Sexual and domestic violence', system: SENSITIVITY_SYSTEM },
  PREGNANT: { bit: 4, label: 'Pregnancy', system: SENSITIVITY_SYSTEM },
  GDIS: { bit: 5, label: 'Genetics', system: SENSITIVITY_SYSTEM },
  // restricted for no stated reason: free text that nobody has labelled, or R at the source; a patient may allow it
  R: { bit: 6, label: 'Letters, notes and other free text that nobody has checked', system: CONFIDENTIALITY_SYSTEM },
  // very restricted, or a label that this version does not know: no ordinary grant opens it
  V: { bit: 7, label: 'Very restricted', system: CONFIDENTIALITY_SYSTEM },
  ETHUD: { bit: 8, label: 'Alcohol use disorder', system: SENSITIVITY_SYSTEM, parent: 'ETH' },
  OPIOIDUD: { bit: 9, label: 'Opioid use disorder', system: SENSITIVITY_SYSTEM, parent: 'ETH' },
  SUD: { bit: 10, label: 'Substance use disorder', system: SENSITIVITY_SYSTEM, parent: 'ETH' },
  MH: { bit: 11, label: 'Psychological disorders', system: SENSITIVITY_SYSTEM, parent: 'PSY' },
  PSYTHPN: { bit: 12, label: 'Psychotherapy notes', system: SENSITIVITY_SYSTEM },
  STD: { bit: 13, label: 'Sexually transmitted diseases', system: SENSITIVITY_SYSTEM },
  SEX: { bit: 14, label: 'Sexuality and reproductive health', system: SENSITIVITY_SYSTEM },
  MST: { bit: 15, label: 'Military sexual trauma', system: SENSITIVITY_SYSTEM, parent: 'SDV' },
  SCA: { bit: 16, label: 'Sickle cell disease', system: SENSITIVITY_SYSTEM },
  VIO: { bit: 17, label: 'Harm by violence', system: SENSITIVITY_SYSTEM },
} as const satisfies Record<string, Row>

export type SensitiveKind = keyof typeof SENSITIVE_KINDS

/** What a record counts as: normal, restricted or very restricted (v3 Confidentiality). */
export type Confidentiality = 'N' | 'R' | 'V'

const KINDS = Object.keys(SENSITIVE_KINDS) as SensitiveKind[]
const KNOWN_BITS = KINDS.reduce((bits, kind) => bits | (1 << SENSITIVE_KINDS[kind].bit), 0)

export const isSensitiveKind = (value: unknown): value is SensitiveKind =>
  typeof value === 'string' && Object.hasOwn(SENSITIVE_KINDS, value)

/** True for a kind that a patient may allow in an ordinary consent: every one except V. */
export const isGrantableKind = (value: unknown): value is Exclude<SensitiveKind, 'V'> =>
  isSensitiveKind(value) && value !== 'V'

/** The kind that includes this one, if any. */
export function parentKind(kind: SensitiveKind): SensitiveKind | undefined {
  const row: Row = SENSITIVE_KINDS[kind]
  return isSensitiveKind(row.parent) ? row.parent : undefined
}

/**
 * Whether a consent that allows `allowed` opens something of `kind`: by naming the kind or one that includes it.
 * V is opened by nothing, not even by naming it.
 */
export function isKindAllowed(kind: SensitiveKind, allowed: readonly string[]): boolean {
  if (kind === 'V') return false
  for (let at: SensitiveKind | undefined = kind; at !== undefined; at = parentKind(at)) {
    if (allowed.includes(at)) return true
  }
  return false
}

/** Each kind once, in the order of the bits: the canonical form. */
export const sortKinds = (kinds: Iterable<SensitiveKind>): SensitiveKind[] =>
  [...new Set(kinds)].sort((a, b) => SENSITIVE_KINDS[a].bit - SENSITIVE_KINDS[b].bit)

/** The kinds as a bit set, 0 to 2^24 - 1. */
export const kindsToBits = (kinds: Iterable<SensitiveKind>): number => {
  let bits = 0
  for (const kind of kinds) bits |= 1 << SENSITIVE_KINDS[kind].bit
  return bits
}

/** The kinds of a bit set, sorted. A bit that this version does not know comes out as V: fail closed. */
export function bitsToKinds(bits: number): SensitiveKind[] {
  const inRange = Number.isInteger(bits) && bits >= 0 && bits < 2 ** 24
  const kinds = KINDS.filter((kind) => (bits & (1 << SENSITIVE_KINDS[kind].bit)) !== 0)
  return sortKinds(inRange && (bits & ~KNOWN_BITS) === 0 ? kinds : [...kinds, 'V'])
}

/** The FHIR coding for `meta.security` and for Consent provisions. */
export const kindCoding = (kind: SensitiveKind): Coding => ({
  system: SENSITIVE_KINDS[kind].system,
  code: kind,
  display: SENSITIVE_KINDS[kind].label,
})

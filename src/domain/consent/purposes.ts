/**
 * Why somebody asks: the PurposeOfUse branch of HL7 v3 ActReason with its hierarchy, complete as published in HL7
 * Terminology (https://terminology.hl7.org/CodeSystem-v3-ActReason.html). A consent for a purpose covers every
 * purpose below it, so TREAT covers ETREAT, which covers BTG; the root means any purpose. A code that is not in the
 * table is refused, never guessed at.
 */
export const PURPOSE_SYSTEM = 'http://terminology.hl7.org/CodeSystem/v3-ActReason'

/** The root of the hierarchy: a consent for it covers every purpose. */
export const ANY_PURPOSE = 'PurposeOfUse'

type Row = readonly [display: string, ...parents: string[]]

/** code -> display, then parents (a code may have several; each must be in the table). */
// biome-ignore format: one code a line reads as a table
export const PURPOSES = {
  PurposeOfUse: ['purpose of use'],
  HMARKT: ['healthcare marketing', 'PurposeOfUse'],
  HOPERAT: ['healthcare operations', 'PurposeOfUse'],
  CAREMGT: ['care management', 'HOPERAT'],
  DONAT: ['donation', 'HOPERAT'],
  FRAUD: ['fraud', 'HOPERAT'],
  GOV: ['government', 'HOPERAT'],
  HACCRED: ['health accreditation', 'HOPERAT'],
  HCOMPL: ['health compliance', 'HOPERAT'],
  HDECD: ['decedent', 'HOPERAT'],
  HDIRECT: ['directory', 'HOPERAT'],
  HDM: ['healthcare delivery management', 'HOPERAT'],
  HLEGAL: ['legal', 'HOPERAT'],
  HOUTCOMS: ['health outcome measure', 'HOPERAT'],
  HPRGRP: ['health program reporting', 'HOPERAT'],
  HQUALIMP: ['health quality improvement', 'HOPERAT'],
  HSYSADMIN: ['health system administration', 'HOPERAT'],
  LABELING: ['labeling', 'HSYSADMIN'],
  METAMGT: ['metadata management', 'HSYSADMIN'],
  MEMADMIN: ['member administration', 'HOPERAT'],
  MILCDM: ['military command', 'HOPERAT'],
  MLTRAINING: ['machine learning training', 'HOPERAT'],
  PATADMIN: ['patient administration', 'HOPERAT'],
  PATSFTY: ['patient safety', 'HOPERAT'],
  PERFMSR: ['performance measure', 'HOPERAT'],
  RECORDMGT: ['records management', 'HOPERAT'],
  SYSDEV: ['system development', 'HOPERAT'],
  HTEST: ['test health data', 'SYSDEV'],
  TRAIN: ['training', 'HOPERAT'],
  HPAYMT: ['healthcare payment', 'PurposeOfUse'],
  CLMATTCH: ['claim attachment', 'HPAYMT'],
  COVAUTH: ['coverage authorization', 'HPAYMT'],
  COVERAGE: ['coverage under policy or program', 'HPAYMT'],
  ELIGDTRM: ['eligibility determination', 'COVERAGE'],
  ELIGVER: ['eligibility verification', 'COVERAGE'],
  ENROLLM: ['enrollment', 'COVERAGE'],
  MILDCRG: ['military discharge', 'COVERAGE'],
  PMTDS: ['decision support assisted payment decision', 'HPAYMT'],
  REMITADV: ['remittance advice', 'HPAYMT'],
  HRESCH: ['healthcare research', 'PurposeOfUse'],
  BIORCH: ['biomedical research', 'HRESCH'],
  CLINTRCH: ['clinical trial research', 'HRESCH'],
  CLINTRCHNPC: ['clinical trial research without patient care', 'CLINTRCH'],
  CLINTRCHPC: ['clinical trial research with patient care', 'CLINTRCH'],
  PRECLINTRCH: ['preclinical trial research', 'CLINTRCH'],
  DSRCH: ['disease specific healthcare research', 'HRESCH'],
  POARCH: ['population origins or ancestry healthcare research', 'HRESCH'],
  TRANSRCH: ['translational healthcare research', 'HRESCH'],
  PATRQT: ['patient requested', 'PurposeOfUse'],
  FAMRQT: ['family requested', 'PATRQT'],
  PWATRNY: ['power of attorney', 'PATRQT'],
  SUPNWK: ['support network', 'PATRQT'],
  PUBHLTH: ['public health', 'PurposeOfUse'],
  DISASTER: ['disaster', 'PUBHLTH'],
  THREAT: ['threat', 'PUBHLTH'],
  TREAT: ['treatment', 'PurposeOfUse'],
  CLINTRL: ['clinical trial', 'TREAT'],
  COC: ['coordination of care', 'TREAT'],
  ETREAT: ['emergency treatment', 'TREAT'],
  BTG: ['break the glass', 'ETREAT'],
  ERTREAT: ['emergency room treatment', 'ETREAT'],
  POPHLTH: ['population health', 'TREAT'],
  TREATDS: ['decision support assisted treatment decision', 'TREAT'],
} as const satisfies Record<string, Row>

export type Purpose = keyof typeof PURPOSES

export type Ancestor = {
  readonly code: Purpose
  /** Steps up the shortest way: 0 for the code itself. */
  readonly distance: number
}

export const isPurpose = (code: unknown): code is Purpose =>
  typeof code === 'string' && Object.hasOwn(PURPOSES, code)

/** The direct parents; none for the root and for a code that is not a purpose. */
export function parentsOf(code: string): Purpose[] {
  if (!isPurpose(code)) return []
  const [, ...parents]: Row = PURPOSES[code]
  return parents.filter(isPurpose)
}

function climb(code: Purpose): readonly Ancestor[] {
  const distances = new Map<Purpose, number>([[code, 0]])
  // a Map visits what is added while it is walked, so this goes up level by level, nearest first
  for (const [current, distance] of distances) {
    for (const parent of parentsOf(current)) if (!distances.has(parent)) distances.set(parent, distance + 1)
  }
  return [...distances].map(([ancestor, distance]) => ({ code: ancestor, distance }))
}

const ANCESTORS: ReadonlyMap<string, readonly Ancestor[]> = new Map(
  Object.keys(PURPOSES)
    .filter(isPurpose)
    .map((code) => [code, climb(code)]),
)

/** The code itself at distance 0, then all that cover it, nearest first; empty when it is not a purpose. */
export const ancestorsOf = (code: string): readonly Ancestor[] => ANCESTORS.get(code) ?? []

/**
 * How far above the asked purpose the granted one stands: 0 when equal, undefined when it does not cover it. The
 * smaller the number, the more specific the consent (design §4, conflict rule).
 */
export const covers = (granted: string, asked: string): number | undefined =>
  ancestorsOf(asked).find(({ code }) => code === granted)?.distance

/** The published display name, for people; the code itself when it is not a purpose. */
export const purposeDisplay = (code: string): string => (isPurpose(code) ? PURPOSES[code][0] : code)

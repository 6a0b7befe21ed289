/**
 * The first rule set: six sensitive kinds by SNOMED CT, LOINC, ICD-10, RxNorm and ATC codes and by English words. It
 * is meant to keep back too much rather than too little. A hospital that writes in another language adds words of
 * its own; codes hold in any language.
 */
import type { LabelRule } from './rules.ts'
import { GENETICS } from './value-sets/genetics.ts'
import { HIV } from './value-sets/hiv.ts'
import { MENTAL_HEALTH } from './value-sets/mental-health.ts'
import { PREGNANCY } from './value-sets/pregnancy.ts'
import { SUBSTANCE_USE } from './value-sets/substance-use.ts'
import { VIOLENCE } from './value-sets/violence.ts'

export const DEFAULT_RULES: readonly LabelRule[] = [
  SUBSTANCE_USE,
  MENTAL_HEALTH,
  HIV,
  VIOLENCE,
  PREGNANCY,
  GENETICS,
]

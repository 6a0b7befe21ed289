/**
 * The first rule set: six sensitive kinds by SNOMED CT, LOINC, ICD-10, RxNorm and ATC codes and by English words. It
 * is meant to keep back too much rather than too little. A hospital that writes in another language adds words of
 * its own; codes hold in any language. A change of the lists is a new version.
 */
import type { LabelRules } from './rules.ts'
import { GENETICS } from './value-sets/genetics.ts'
import { HIV } from './value-sets/hiv.ts'
import { MENTAL_HEALTH } from './value-sets/mental-health.ts'
import { PREGNANCY } from './value-sets/pregnancy.ts'
import { SUBSTANCE_USE } from './value-sets/substance-use.ts'
import { VIOLENCE } from './value-sets/violence.ts'

export const DEFAULT_RULES: LabelRules = {
  version: '1',
  rules: [SUBSTANCE_USE, MENTAL_HEALTH, HIV, VIOLENCE, PREGNANCY, GENETICS],
  harmless: [
    ...['isopropyl alcohol', 'benzyl alcohol', 'cetyl alcohol', 'cetostearyl alcohol', 'stearyl alcohol'],
    ...[
      'polyvinyl alcohol',
      'wool alcohol',
      'lanolin alcohol',
      'alcohol swab',
      'alcohol wipe',
      'alcohol hand rub',
    ],
    ...['hearing aids', 'walking aids', 'mobility aids', 'visual aids', 'daily living aids', 'first aids'],
    ...[
      'st depression',
      'st segment depression',
      'respiratory depression',
      'bone marrow depression',
      'tongue depressor',
    ],
    ...['lithium battery', 'lithium batteries', 'lithium ion', 'lithium heparin'],
    ...['fetal hemoglobin', 'fetal haemoglobin', 'fetal bovine serum', 'hepatitis c genotype'],
  ],
}

import type { LabelRule } from '../rules.ts'
import { ICD10, LOINC, SNOMED, under } from './systems.ts'

/**
 * Sexual and domestic violence, abuse and neglect, violence in the surroundings, and every screening for them: that
 * somebody was asked is enough to put that person in danger. The PRAPARE survey holds two such questions.
 */
export const VIOLENCE: LabelRule = {
  kind: 'SDV',
  codes: {
    ...under(SNOMED, '706893006 424393004 866148006 397940009'),
    ...under(LOINC, '76499-3 76501-6 76504-0 93025-5 93026-3'),
  },
  prefixes: under(
    ICD10,
    'T74 T76 X85 X9 Y04 Y05 Y06 Y07 Y08 Y09 Z04.4 Z04.7 Z61.4 Z61.5 Z61.6 Z62.81 Z69 Z91.41',
  ),
  words: [
    ...[
      'violence',
      'violent',
      'domestic abuse',
      'partner abuse',
      'spouse abuse',
      'child abuse',
      'elder abuse',
    ],
    ...[
      'intimate partner',
      'physical abuse',
      'sexual abuse',
      'emotional abuse',
      'abuse victim',
      'victim of abuse',
    ],
    ...[
      'sexual assault',
      'sexually assaulted',
      'rape',
      'raped',
      'incest',
      'molest*',
      'maltreatment',
      'battered',
    ],
    ...[
      'afraid of your partner',
      'humiliation afraid rape',
      'hark',
      'genital mutilation',
      'human trafficking',
      'stalking',
    ],
  ],
}

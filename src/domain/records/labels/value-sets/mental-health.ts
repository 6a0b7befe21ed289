import type { LabelRule } from '../rules.ts'
import { ATC, ICD10, LOINC, RXNORM, SNOMED, under } from './systems.ts'

/**
 * Mental and behavioural disorders, dementia among them (ICD-10 chapter V), their screening and their medicines.
 * Antidepressants and antipsychotics tell of them; benzodiazepines do not, being used for sleep, seizures, cramps
 * and anaesthesia as often.
 */
export const MENTAL_HEALTH: LabelRule = {
  kind: 'PSY',
  codes: {
    ...under(
      SNOMED,
      `80583007 370143000 192127007 47505003 36923009 287182007 287185009 35489007 197480006 48694002 371631005
       21897009 13746004 58214004 69322001 74732009 406506008 17226007 191736004 72366004 56882008 78004001 6471006
       82313006 20010003 33449004 408856003 248062006 26929004 230265002 386806002 52448006 429998004 171207006
       454711000124102 715252007 710841007`,
    ),
    ...under(
      LOINC,
      '44249-1 44261-6 55757-9 55758-7 69737-5 70274-6 89206-7 89204-2 73831-0 73832-8 71354-5',
    ),
    // lithium, clozapine, olanzapine, risperidone, quetiapine, aripiprazole, haloperidol; fluoxetine, sertraline,
    // citalopram, escitalopram, paroxetine, venlafaxine, bupropion, mirtazapine; methylphenidate
    ...under(
      RXNORM,
      '6448 2626 61381 35636 51272 89013 5093 4493 36437 2556 321988 32937 39786 42347 15996 6901',
    ),
  },
  prefixes: {
    ...under(
      ICD10,
      `F0 F2 F3 F4 F5 F6 F7 F8 F9 G30 R45.85 T14.91 X60 X61 X63 X64 X66 X67 X68 X69 X70 X71 X72 X73 X74 X75 X76 X77
       X78 X79 X80 X81 X82 X83 X84 Z13.3 Z50.4 Z91.5`,
    ),
    ...under(ATC, 'N05A N06A N06BA N06D'),
  },
  words: [
    ...[
      'depression',
      'depressive',
      'depressed',
      'anxiety',
      'panic',
      'phobia',
      'psychiatr*',
      'psycholog*',
      'psychosis',
    ],
    ...[
      'psychotic',
      'psychoses',
      'psychotherap*',
      'antidepressant*',
      'antipsychotic*',
      'schizo*',
      'bipolar',
      'mania',
    ],
    ...[
      'manic',
      'mental health',
      'mental disorder',
      'mental illness',
      'personality disorder',
      'suicid*',
      'self harm',
    ],
    ...[
      'self injury',
      'self injurious',
      'post traumatic stress',
      'posttraumatic stress',
      'ptsd',
      'obsessive compulsive',
    ],
    ...[
      'attention deficit',
      'adhd',
      'autism',
      'autistic',
      'asperger*',
      'eating disorder',
      'anorexia nervosa',
      'bulimi*',
    ],
    ...[
      'dementia',
      'alzheimer*',
      'adjustment disorder',
      'burnout',
      'phq',
      'phq 2',
      'phq 9',
      'gad 7',
      'phq2',
      'phq9',
      'gad7',
    ],
    ...[
      'lithium',
      'clozapine',
      'olanzapine',
      'risperidone',
      'quetiapine',
      'aripiprazole',
      'haloperidol',
      'fluoxetine',
    ],
    ...[
      'sertraline',
      'citalopram',
      'escitalopram',
      'paroxetine',
      'fluvoxamine',
      'venlafaxine',
      'duloxetine',
      'bupropion',
    ],
    ...[
      'mirtazapine',
      'trazodone',
      'methylphenidate',
      'atomoxetine',
      'donepezil',
      'rivastigmine',
      'memantine',
      'galantamine',
    ],
  ],
  harmless: [
    ...['st depression', 'st segment depression', 'respiratory depression', 'bone marrow depression'],
    ...['lithium battery', 'lithium batteries', 'lithium ion', 'lithium heparin'],
  ],
}

import type { LabelRule } from '../rules.ts'
import { ATC, ICD10, LOINC, RXNORM, SNOMED, under } from './systems.ts'

/** HIV: the infection, every test for it and count that follows it, and antiretrovirals, prophylaxis included. */
export const HIV: LabelRule = {
  kind: 'HIV',
  codes: {
    ...under(SNOMED, '86406008 62479008 315124004 313660005 31676001 165816005 91947003 171121004'),
    ...under(
      LOINC,
      `20447-9 24467-3 7917-8 7918-6 29893-5 31201-7 48345-3 48346-1 56888-1 75622-1 75666-8 5220-9 25836-8 29541-0
       10351-5 80203-3 49580-4`,
    ),
    // lamivudine, zidovudine, abacavir, efavirenz, emtricitabine, ritonavir, dolutegravir, raltegravir, darunavir,
    // atazanavir
    ...under(RXNORM, '68244 11413 190521 195085 276237 85762 1433868 719872 460132 343047'),
  },
  prefixes: {
    ...under(ICD10, 'B20 B21 B22 B23 B24 F02.4 O98.7 R75 Z11.4 Z20.6 Z21 Z71.7'),
    ...under(ATC, 'J05AE J05AF J05AG J05AJ J05AR'),
  },
  words: [
    ...['hiv', 'hiv1', 'hiv2', 'aids', 'human immunodeficiency virus', 'acquired immune deficiency syndrome'],
    ...['acquired immunodeficiency syndrome', 'antiretroviral*', 'cd4', 'seropositive'],
    ...[
      'abacavir',
      'atazanavir',
      'bictegravir',
      'cabotegravir',
      'cobicistat',
      'darunavir',
      'dolutegravir',
      'doravirine',
    ],
    ...[
      'efavirenz',
      'elvitegravir',
      'emtricitabine',
      'etravirine',
      'fosamprenavir',
      'lamivudine',
      'lopinavir',
    ],
    ...[
      'maraviroc',
      'nevirapine',
      'raltegravir',
      'rilpivirine',
      'ritonavir',
      'saquinavir',
      'tenofovir',
      'zidovudine',
    ],
  ],
  harmless: [
    ...['hearing aids', 'walking aids', 'mobility aids', 'visual aids', 'daily living aids', 'first aids'],
  ],
}

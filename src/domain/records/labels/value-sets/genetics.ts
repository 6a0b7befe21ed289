import type { LabelRule } from '../rules.ts'
import { ICD10, LOINC, SNOMED, under } from './systems.ts'

/** Genetics: tests and their results, chromosomal and plainly hereditary disorders, carrier states and counselling. */
export const GENETICS: LabelRule = {
  kind: 'GDIS',
  types: ['MolecularSequence'],
  codes: {
    ...under(SNOMED, '443529005 190905008 58756001 41040004 127040003 417357006 40108008'),
    ...under(LOINC, '51969-4 55233-1 81247-9 48018-6 69548-6 29770-5 21636-6'),
  },
  prefixes: under(ICD10, 'D56 D57 E83.11 E84 G10 G71.0 Q9 Z13.7 Z14 Z15 Z31.5 Z84.81'),
  words: [
    ...[
      'genetic*',
      'genomic*',
      'genotyp*',
      'karyotyp*',
      'chromosom*',
      'aneuploidy',
      'trisomy',
      'mutation',
      'mutations',
    ],
    ...[
      'gene',
      'genes',
      'hereditary',
      'brca1',
      'brca2',
      'brca',
      'lynch syndrome',
      'factor v leiden',
      'carrier status',
    ],
    ...[
      'huntington*',
      'cystic fibrosis',
      'sickle cell',
      'thalassemia',
      'thalassaemia',
      'hemochromatosis',
      'fragile x',
    ],
    ...[
      'haemochromatosis',
      'down syndrome',
      'turner syndrome',
      'klinefelter*',
      'duchenne',
      'marfan*',
      'tay sachs',
    ],
  ],
  harmless: ['hepatitis c genotype'],
}

import type { LabelRule } from '../rules.ts'
import { ATC, ICD10, LOINC, SNOMED, under } from './systems.ts'

/**
 * Pregnancy: tests, care, birth, its end by any way, and what prevents it for good or ends it by medicine. Ordinary
 * contraception is left to the source's own label (SEX).
 */
export const PREGNANCY: LabelRule = {
  kind: 'PREGNANT',
  codes: {
    ...under(
      SNOMED,
      `72892002 19169002 156073000 198992004 35999006 79586000 161744009 267020005 398254007 183996000 77386006
       252160004 169230002 225158009 274804006 271442007 275833003 443529005 66348005 236974004 424441002 424619006
       169762003 183460006 134435003 135892000 312404004 713076009 11466000 47200007 34801009 17369002 65147003`,
    ),
    ...under(
      LOINC,
      `2106-3 2118-8 2110-5 19080-1 21198-7 82810-3 11636-8 11637-6 11640-0 11996-6 11778-8 11612-9 11885-1 18185-9
       49051-6 11884-4`,
    ),
  },
  prefixes: {
    ...under(ICD10, 'O N96 Z30.2 Z31 Z32 Z33 Z34 Z35 Z36 Z37 Z39 Z3A Z64.0 Z98.51'),
    // prostaglandins and mifepristone; oxytocin
    ...under(ATC, 'G02AD G03XB01 H01BB'),
  },
  words: [
    ...[
      'pregnan*',
      'antenatal',
      'prenatal',
      'perinatal',
      'postnatal',
      'postpartum',
      'obstetric*',
      'midwi*',
      'maternity',
    ],
    ...[
      'miscarriage',
      'abortion',
      'stillbirth',
      'blighted ovum',
      'fetal',
      'fetus',
      'foetal',
      'foetus',
      'gravid*',
    ],
    ...[
      'gestation*',
      'childbirth',
      'caesarean',
      'cesarean',
      'trimester',
      'preeclampsia',
      'pre eclampsia',
      'eclampsia',
    ],
    ...[
      'amniotic',
      'amniocentesis',
      'placenta*',
      'uterine fundal height',
      'instrumental delivery',
      'choriogonadotropin',
    ],
    ...['tubal ligation', 'sterilization requested', 'mifepristone', 'in vitro fertilization', 'infertility'],
  ],
  harmless: [...['fetal hemoglobin', 'fetal haemoglobin', 'fetal bovine serum']],
}

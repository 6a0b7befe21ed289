import type { LabelRule } from '../rules.ts'
import { ATC, ICD10, LOINC, RXNORM, SNOMED, under } from './systems.ts'

/**
 * Alcohol and drugs: use, dependence, overdose, screening, and treatment, a negative screening included. Tobacco is
 * not part of it (ICD-10 F17 is left out), as in the HL7 definition of ETH.
 */
export const SUBSTANCE_USE: LabelRule = {
  kind: 'ETH',
  codes: {
    ...under(
      SNOMED,
      `361055000 6525002 5602001 55680006 7200002 10939881000119105 66590003 15167005 75544000 26416006 191816009
       66214007 428211000124100 713106006 763302001 868187001 266707007 60112009 61480009 56876005 413473000
       226138001 160573003`,
    ),
    ...under(
      LOINC,
      `72109-2 75626-2 75624-7 82666-9 82667-7 68518-0 68519-8 68520-6 74013-4 11331-6 11343-1 5640-8 5643-2 3397-7
       3879-4 3426-4 3349-8`,
    ),
    // buprenorphine, methadone, naloxone, naltrexone, disulfiram, acamprosate
    ...under(RXNORM, '1819 6813 7242 7243 3554 82819'),
  },
  prefixes: {
    ...under(
      ICD10,
      `F10 F11 F12 F13 F14 F15 F16 F18 F19 G31.2 G62.1 I42.6 K29.2 K70 K86.0 R78.0 T40 T51.0 X42 X45 X62 X65 Y90 Y91
       Z50.2 Z50.3 Z71.4 Z71.5 Z72.1 Z72.2`,
    ),
    ...under(ATC, 'N07BB N07BC V03AB15'),
  },
  words: [
    ...[
      'alcohol',
      'alcoholic',
      'alcoholism',
      'alcoholics',
      'binge drinking',
      'audit c',
      'crafft',
      'dast',
      'dast 10',
    ],
    ...[
      'drug abuse',
      'drug misuse',
      'drug use',
      'drug dependence',
      'drug addiction',
      'drug overdose',
      'drug rehabilitation',
    ],
    ...[
      'misuses drugs',
      'dependent drug',
      'illicit drug',
      'illicit drugs',
      'recreational drug',
      'recreational drugs',
    ],
    ...[
      'substance abuse',
      'substance use',
      'substance misuse',
      'substance dependence',
      'addict*',
      'overdose',
    ],
    ...[
      'opioid abuse',
      'opioid dependence',
      'opioid use',
      'opioid addiction',
      'detoxification',
      'needle exchange',
    ],
    ...[
      'heroin',
      'cocaine',
      'crack cocaine',
      'methamphetamine',
      'cannabis',
      'marijuana',
      'ecstasy',
      'lsd',
      'ghb',
    ],
    ...[
      'buprenorphine',
      'methadone',
      'naloxone',
      'naltrexone',
      'disulfiram',
      'acamprosate',
      'suboxone',
      'antabuse',
    ],
    ...['car relax alone forget friends trouble'],
  ],
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
  ],
}

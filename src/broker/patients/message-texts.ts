import type { Language } from '../../domain/identity/contact-points.ts'

/**
 * What patients are told outside of the portal. Whoever holds the phone may read it, so nothing in it says what happened to
 * whom; and no address is in it, since people must not learn to follow those.
 */
export type MessageWish =
  | { kind: 'enrolment-code'; code: string; hours: number }
  | { kind: 'enrolled-already' }
  | { kind: 'changed' }

type Texts = {
  subject: Record<MessageWish['kind'], string>
  code: (hospital: string, code: string, hours: number) => string
  already: (hospital: string) => string
  changed: (hospital: string) => string
}

/** Half an hour is said in minutes. */
const minutes = (hours: number) => Math.round(hours * 60)

const TEXTS: Readonly<Record<Language, Texts>> = {
  en: {
    subject: {
      'enrolment-code': 'Your code',
      'enrolled-already': 'You are enrolled already',
      changed: 'Something changed',
    },
    code: (hospital, code, hours) =>
      `${hospital}: your code is ${code}. Type it where you asked for it. Give it to nobody, also not to the hospital. It is good for ${hours < 1 ? `${minutes(hours)} minutes` : `${hours} hours`}.`,
    already: (hospital) =>
      `${hospital}: somebody asked to enrol you, and you are enrolled already. If it was you and you lost your key: use your 12 words, or come to our desk. If it was not you, you need do nothing.`,
    changed: (hospital) => `${hospital}: something changed. Look in your portal.`,
  },
  nl: {
    subject: {
      'enrolment-code': 'Uw code',
      'enrolled-already': 'U bent al aangemeld',
      changed: 'Er is iets veranderd',
    },
    code: (hospital, code, hours) =>
      `${hospital}: uw code is ${code}. Typ de code waar u erom vroeg. Geef hem aan niemand, ook niet aan het ziekenhuis. De code is ${hours < 1 ? `${minutes(hours)} minuten` : `${hours} uur`} geldig.`,
    already: (hospital) =>
      `${hospital}: iemand vroeg om u aan te melden, en u bent al aangemeld. Was u dat zelf en bent u uw sleutel kwijt: gebruik uw 12 woorden, of kom naar onze balie. Was u het niet, dan hoeft u niets te doen.`,
    changed: (hospital) => `${hospital}: er is iets veranderd. Kijk in uw portaal.`,
  },
  es: {
    subject: {
      'enrolment-code': 'Su código',
      'enrolled-already': 'Usted ya está inscrito',
      changed: 'Algo ha cambiado',
    },
    code: (hospital, code, hours) =>
      `${hospital}: su código es ${code}. Escríbalo donde lo pidió. No se lo dé a nadie, tampoco al hospital. Vale ${hours < 1 ? `${minutes(hours)} minutos` : `${hours} horas`}.`,
    already: (hospital) =>
      `${hospital}: alguien pidió inscribirle y usted ya está inscrito. Si fue usted y perdió su llave: use sus 12 palabras o venga a nuestra ventanilla. Si no fue usted, no tiene que hacer nada.`,
    changed: (hospital) => `${hospital}: algo ha cambiado. Mire en su portal.`,
  },
  ar: {
    subject: {
      'enrolment-code': 'رمزك',
      'enrolled-already': 'أنت مسجَّل من قبل',
      changed: 'تغيّر شيء ما',
    },
    code: (hospital, code, hours) =>
      `${hospital}: رمزك هو ${code}. اكتبه حيث طلبته. لا تعطه لأحد، ولا للمستشفى. يصلح الرمز لمدة ${hours < 1 ? `${minutes(hours)} دقيقة` : `${hours} ساعة`}.`,
    already: (hospital) =>
      `${hospital}: طلب شخص ما تسجيلك، وأنت مسجَّل من قبل. إن كنت أنت وفقدت مفتاحك: استعمل كلماتك الاثنتي عشرة أو تعال إلى مكتبنا. وإن لم تكن أنت فلا تحتاج إلى فعل شيء.`,
    changed: (hospital) => `${hospital}: تغيّر شيء ما. انظر في بوابتك.`,
  },
}

/** @param hospital as it calls itself */
export function messageText(
  wish: MessageWish,
  language: Language,
  hospital: string,
): { subject: string; text: string } {
  const texts = TEXTS[language]
  const name = hospital.replace(/\s+/g, ' ')
  const text =
    wish.kind === 'enrolment-code'
      ? texts.code(name, wish.code, wish.hours)
      : wish.kind === 'changed'
        ? texts.changed(name)
        : texts.already(name)
  return { subject: `${name}: ${texts.subject[wish.kind]}`, text }
}

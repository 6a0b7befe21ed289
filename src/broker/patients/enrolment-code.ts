import { createHash, randomInt } from 'node:crypto'
import type { ContactPoint, Language } from '../../domain/identity/contact-points.ts'
import type { GuardianProof } from './guardian.ts'

/**
 * What an enrolment keeps of the person, sealed with the patient's key: where the code goes, in which language, and what a guardian
 * has shown.
 */
export type EnrolmentBody = { to: ContactPoint; language: Language; guardian?: GuardianProof }

const hash = (text: string) => createHash('sha256').update(text).digest('base64url')

/** Good for one enrolment and no other. */
export const hashOfCode = (enrolment: string, code: string): string => hash(`${enrolment}/${code}`)

/** Eight digits; five guesses are allowed. */
export const drawCode = (): string => String(randomInt(100_000_000)).padStart(8, '0')

const HOUR = 3_600_000

/** How long a code serves, in hours: at the desk the patient is there, and of a patient at home nobody knows when they look. */
export const CODE_HOURS = { registrar: 0.5, patient: 24 } as const

/** Until when registrars may confirm what a patient asked for. Milliseconds. */
export const CONFIRM_WITHIN = 7 * 24 * HOUR

export const codeLifetime = (startedBy: keyof typeof CODE_HOURS): number => CODE_HOURS[startedBy] * HOUR

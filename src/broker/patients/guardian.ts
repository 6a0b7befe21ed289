import { dayOfDate } from '../../domain/days.ts'
import { wayleaveError } from '../../domain/errors.ts'

/**
 * Until when somebody signs for a patient by law, the last day of a quarter, so that the chain shows no birth date; and what was shown
 * of that right, in the desk's words. It lies sealed with the patient's key.
 */
export type GuardianProof = { until: string; proof: string }

/** @throws WayleaveError `request-invalid` where it is not the last day of a quarter, or nothing was shown */
export function guardianIn(input: unknown): GuardianProof | undefined {
  if (input === undefined) return undefined
  const { until, proof } = (input ?? {}) as Record<string, unknown>
  const fits = typeof until === 'string' && typeof proof === 'string' && proof.trim().length >= 3
  if (!fits || proof.length > 500 || !isEndOfQuarter(until))
    throw wayleaveError('request-invalid', 'guardian: until, the last day of a quarter, and proof')
  return { until, proof: proof.trim() }
}

const isEndOfQuarter = (date: string) =>
  dayOfDate(date) !== undefined && /-(03-31|06-30|09-30|12-31)$/.test(date)

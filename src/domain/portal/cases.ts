/** "This looks wrong": what a patient tells the hospital, and what that answers. */
export type OwnCase = {
  id: string
  state: 'open' | 'answered' | 'closed'
  /** FHIR instants. */
  at: string
  changedAt: string
  text: string
  /** The entry of the history that it is about. */
  about?: string
  answers: CaseAnswer[]
  /** The patient has taken it back. */
  withdrawn?: true
}

export type CaseAnswer = { at: string; text: string; by: { name?: string; role?: string } }

/** What an answer of a hospital's program is, with whose case it is. */
export type HospitalCase = OwnCase & { patient: { reference: string } }

/** Characters of what a patient, or the hospital, says at once. */
export const LONGEST_CASE_TEXT = 2_000

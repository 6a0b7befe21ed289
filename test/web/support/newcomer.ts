import { randomInt } from 'node:crypto'
import type { SandboxFile } from '../../../src/sandbox/sandbox-file.ts'

export type Newcomer = {
  number: string
  contact: string
  /** Logical ids of the Patient, in the hospitals' order. */
  ids: string[]
}

/**
 * Somebody whom no broker knows yet: a Patient in the record systems of these hospitals, with a BSN and an e-mail address that nobody
 * else has. Made anew at each call, since enrolment can be shown once only.
 */
export async function newcomer(
  hospitals: readonly Pick<SandboxFile['hospitals'][number], 'fhir'>[],
): Promise<Newcomer> {
  const number = newBsn()
  const contact = `newcomer-${number}@example.org`
  const ids: string[] = []
  for (const { fhir } of hospitals) {
    const answer = await fetch(`${fhir}/Patient`, {
      method: 'POST',
      headers: { 'content-type': 'application/fhir+json' },
      body: JSON.stringify({
        resourceType: 'Patient',
        identifier: [{ system: 'http://fhir.nl/fhir/NamingSystem/bsn', value: number }],
        name: [{ family: 'Newcomer', given: ['Nia'] }],
        gender: 'female',
        birthDate: '1980-05-17',
        telecom: [{ system: 'email', value: contact }],
      }),
    })
    if (!answer.ok) throw new Error(`The record system answered ${answer.status} for ${number}`)
    ids.push(((await answer.json()) as { id: string }).id)
  }
  return { number, contact, ids }
}

/** Eight digits of chance and the ninth by the test of eleven; where that has none, other digits. */
function newBsn(): string {
  for (;;) {
    const digits = Array.from(String(randomInt(10_000_000, 100_000_000)), Number)
    const last = digits.reduce((sum, digit, i) => sum + digit * (9 - i), 0) % 11
    if (last < 10) return [...digits, last].join('')
  }
}

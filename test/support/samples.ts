import { BSN } from './world.ts'

/** Numbers that pass the eleven-test, from the range that is given to nobody. */
export const ANNA = { system: BSN, value: '999939841' }
export const BRAM = { system: BSN, value: '999947825' }
export const STRANGER = { system: BSN, value: '999919921' }

/** Another such number; a different one for each `n`. */
export function somebody(n: number): { system: string; value: string } {
  let found = -1
  for (let i = 60_000; i < 100_000; i++) {
    const value = `9999${i}`
    const sum = [...value].reduce((total, digit, at) => total + Number(digit) * (at === 8 ? -1 : 9 - at), 0)
    if (sum % 11 === 0 && ++found === n) return { system: BSN, value }
  }
  throw new RangeError('there are fewer such numbers')
}

type Resource = { resourceType: string; id: string } & Record<string, unknown>

export function patient(id: string, national: { system: string; value: string }): Resource {
  return {
    resourceType: 'Patient',
    id,
    identifier: [{ use: 'official', ...national }],
    name: [{ family: 'Voorbeeld', given: ['Test'] }],
    birthDate: '1980-05-17',
    telecom: [{ system: 'phone', value: '555-0100' }],
  }
}

export function condition(id: string, patientId: string, text: string, snomed = '38341003'): Resource {
  return {
    resourceType: 'Condition',
    id,
    subject: { reference: `Patient/${patientId}` },
    code: { coding: [{ system: 'http://snomed.info/sct', code: snomed, display: text }], text },
    onsetDateTime: '2020-03-01',
  }
}

export function observation(id: string, patientId: string, value: number): Resource {
  return {
    resourceType: 'Observation',
    id,
    status: 'final',
    subject: { reference: `Patient/${patientId}` },
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4', display: 'Heart rate' }] },
    valueQuantity: { value, unit: '/min' },
    effectiveDateTime: '2024-01-01',
  }
}

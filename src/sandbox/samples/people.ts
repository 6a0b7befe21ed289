import type { Patient } from 'fhir/r4.js'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { BSN_SYSTEM, patientId } from './bundles.ts'
import { type HospitalEntry, sampleFiles } from './files.ts'

/** A hospital of the sandbox; `key` is `hospital-1`, `hospital-2` or `hospital-3`. */
export type SampleHospital = Omit<HospitalEntry, 'sites'>

/** An invented person whose records are spread over the hospitals. */
export type SamplePerson = {
  /** Synthea's id of the person; used nowhere but here. */
  id: string
  /** As on the Patient, e.g. `Mr. Melvin857 Gerard367 Kohler843`. */
  name: string
  gender: string
  /** YYYY-MM-DD */
  birthDate: string
  /** Nobody signs for who has died. */
  deceased: boolean
  /** The BSN: the same at every hospital. */
  nationalId: Identifier
  /** The phone number on file at every hospital. */
  phone: string
  /** Where the person has records, in the hospitals' order, with the ids that each hospital gave them. */
  at: { hospital: string; patientId: string; recordNumber: string }[]
}

/** The three hospitals, in the order of their keys. */
export function sampleHospitals(): SampleHospital[] {
  return sampleFiles().hospitals.map(({ sites: _, ...hospital }) => structuredClone(hospital))
}

/** The sample people, in the order of `fhir/samples/people.json`. */
export function samplePeople(): SamplePerson[] {
  const { hospitals, people, records } = sampleFiles()
  return people.map(({ synthea, bsn, recordNumbers }) => {
    const patient = records.get(synthea)?.[0]?.resource
    if (patient?.resourceType !== 'Patient')
      throw new Error(`The file of ${synthea} does not begin with a Patient`)
    return {
      id: synthea,
      name: nameOf(patient),
      gender: patient.gender ?? 'unknown',
      birthDate: patient.birthDate ?? '',
      deceased: patient.deceasedDateTime !== undefined || patient.deceasedBoolean === true,
      nationalId: { system: BSN_SYSTEM, value: bsn },
      phone: patient.telecom?.find(({ system }) => system === 'phone')?.value ?? '',
      at: hospitals.flatMap(({ key }) => {
        const recordNumber = recordNumbers[key]
        return recordNumber ? [{ hospital: key, patientId: patientId(key, synthea), recordNumber }] : []
      }),
    }
  })
}

function nameOf({ name = [] }: Patient): string {
  const official = name.find(({ use }) => use === 'official') ?? name[0]
  return [...(official?.prefix ?? []), ...(official?.given ?? []), official?.family].filter(Boolean).join(' ')
}

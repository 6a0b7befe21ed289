import { readFileSync } from 'node:fs'
import type { Hex } from '../../src/domain/hex.ts'
import type { Identifier } from '../../src/domain/identity/national-ids.ts'
import { createPatientClient, type PatientClient } from '../../src/patient/client.ts'
import { createWords } from '../../src/patient/seed.ts'
import { type Answer, createHisClient } from '../../src/sandbox/his-client.ts'
import type { TestHospital, World } from './world.ts'

/** The registrars' desk of a hospital: one of its two programs, used by a person. */
export function deskOf(hospital: TestHospital, program: 0 | 1, person: string) {
  const client = hospital.files.registrars[program]
  if (!client) throw new Error('a registrar')
  const his = createHisClient({
    broker: hospital.broker.base,
    client,
    organization: hospital.config.identifier,
    user: { id: person, name: person, role: 'registrar' },
    now: () => hospital.clock.now(),
  })
  return {
    his,
    startEnrolment: (identifier: Identifier, more: object = {}) =>
      his.post('/registrar/enrolments', { ...identifier, ...more }) as Promise<
        Answer<{ enrolment?: string }>
      >,
    confirmEnrolment: (id: string) => his.post(`/registrar/enrolments/${id}/confirmation`, {}),
    startRecovery: (identifier: Identifier, more: object = {}) =>
      his.post('/registrar/recoveries', { ...identifier, ...more }) as Promise<Answer<{ recovery?: string }>>,
    confirmRecovery: (id: string) => his.post(`/registrar/recoveries/${id}/confirmation`, {}),
    cancelRecovery: (id: string) => his.post(`/registrar/recoveries/${id}/cancellation`, {}),
    lookAtRecovery: (id: string) =>
      his.manage<{ state: string; readyAt?: string }>('GET', `/registrar/recoveries/${id}`),
  }
}

/** What the patient reads on the phone. */
export function codeSent({ files }: TestHospital, id: string): string {
  const lines = readFileSync(files.contactFile, 'utf8').trim().split('\n')
  return (JSON.parse(lines.findLast((line) => line.includes(id)) ?? '{}') as { code: string }).code
}

/** A device with these words, which may be enrolled nowhere. */
export function deviceAt(
  { chain }: World,
  hospital: TestHospital,
  words = createWords(),
  more: { replacement?: number; helper?: number } = {},
): PatientClient {
  const { chainId, contracts } = chain
  return createPatientClient({
    ...{ broker: hospital.broker.base, member: hospital.member, words, clock: hospital.clock, ...more },
    chain: {
      chainId,
      consentRegistry: contracts.consentRegistry as Hex,
      patientRegistry: contracts.patientRegistry as Hex,
    },
  })
}

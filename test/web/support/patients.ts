import { createPatientClient, type PatientClient } from '../../../src/patient/client.ts'
import { createHisClient, type HisClient } from '../../../src/sandbox/his-client.ts'
import type { SandboxFile } from '../../../src/sandbox/sandbox-file.ts'

type Hospital = SandboxFile['hospitals'][number]

export function hospitalOf(file: SandboxFile, key: string): Hospital {
  const hospital = file.hospitals.find((one) => one.key === key)
  if (!hospital) throw new Error(`No hospital is called ${key}`)
  return hospital
}

/** A sample patient's device at one hospital, as a program. */
export function clientOf(file: SandboxFile, hospital: string, { words }: { words: string }): PatientClient {
  const { broker, member } = hospitalOf(file, hospital)
  const { chainId, contracts } = file.chain
  const { consentRegistry, patientRegistry } = contracts
  return createPatientClient({
    ...{ broker, member, words, retry: true },
    chain: { chainId, consentRegistry, patientRegistry },
  })
}

/** A hospital's information system, used by one physician. */
export function hisOf(file: SandboxFile, key: string): HisClient {
  const { broker, his, identifier } = hospitalOf(file, key)
  return createHisClient({
    ...{ broker, client: his, organization: identifier },
    user: { id: 'physician-3', name: 'Dr. Three', role: 'physician' },
  })
}

import { existsSync, readFileSync } from 'node:fs'
import { createPatientClient, type PatientClient } from '../patient/client.ts'
import { createHisClient } from './his-client.ts'
import { NotYet, patiently } from './patiently.ts'
import type { SandboxClient, SandboxFile } from './sandbox-file.ts'

type Hospital = SandboxFile['hospitals'][number]
type Person = SandboxFile['patients'][number]

/** The patient's device for one hospital of the sandbox. It waits for a broker that is being restarted. */
export function deviceOf(
  file: Pick<SandboxFile, 'chain'>,
  hospital: Hospital,
  person: Person,
): PatientClient {
  const { chainId, contracts } = file.chain
  return createPatientClient({
    broker: hospital.broker,
    member: hospital.member,
    words: person.words,
    chain: {
      chainId,
      consentRegistry: contracts.consentRegistry,
      patientRegistry: contracts.patientRegistry,
    },
    retry: true,
  })
}

/**
 * Enrols one person at one hospital as design §3 has it: a registrar starts, another confirms, the code comes to the
 * contact on file, the device proves its key. Enrolling again changes nothing.
 */
export async function enrolSample(
  file: Pick<SandboxFile, 'chain'>,
  hospital: Hospital,
  contactFile: string,
  person: Person,
): Promise<void> {
  const device = deviceOf(file, hospital, person)
  if (await isEnrolled(device)) return
  const [first, second] = hospital.registrars.map((client) => registrarOf(hospital, client))
  if (!first || !second) throw new Error('Enrolment needs two registrars')
  await patiently(async () => {
    // What a killed broker swallowed is begun anew: an enrolment is cheap, and only one can bind.
    if (await isEnrolled(device)) return
    const started = await first.post('/registrar/enrolments', person.nationalId)
    const { enrolment } = started.body as { enrolment?: string }
    if (!enrolment) throw new NotYet(`${hospital.key}: enrolment: ${started.status} ${started.code ?? ''}`)
    await second.post(`/registrar/enrolments/${enrolment}/confirmation`, {})
    const code = codeFor(contactFile, enrolment)
    if (!code) throw new NotYet('the code is on its way')
    await device.enrol({ enrolment, code })
  })
}

/** Waits until the chain has bound every enrolled person. */
export async function awaitBinding(
  file: Pick<SandboxFile, 'chain'>,
  hospital: Hospital,
  person: Person,
): Promise<void> {
  const device = deviceOf(file, hospital, person)
  await device.signIn(20_000)
}

async function isEnrolled(device: PatientClient): Promise<boolean> {
  return device.signIn().then(
    () => true,
    () => false,
  )
}

function registrarOf(hospital: Hospital, client: SandboxClient) {
  return createHisClient({ broker: hospital.broker, client, organization: hospital.identifier })
}

function codeFor(contactFile: string, enrolment: string): string | undefined {
  if (!existsSync(contactFile)) return undefined
  const line = readFileSync(contactFile, 'utf8')
    .split('\n')
    .findLast((text) => text.includes(enrolment))
  return line ? (JSON.parse(line) as { code: string }).code : undefined
}

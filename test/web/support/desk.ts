import { createPatientClient, type PatientClient } from '../../../src/patient/client.ts'
import { type Answer, createHisClient } from '../../../src/sandbox/his-client.ts'
import type { SandboxFile } from '../../../src/sandbox/sandbox-file.ts'
import type { Newcomer } from './newcomer.ts'

type Hospital = SandboxFile['hospitals'][number]

const BSN = 'http://fhir.nl/fhir/NamingSystem/bsn'

/** The enrolment desk of one of the sandbox's hospitals: two persons, each at a program of the registrars'. */
export function deskAt({ portal }: SandboxFile, hospital: Hospital) {
  const personAt = (at: number, name: string) => {
    const client = hospital.registrars[at]
    if (!client) throw new Error('The desk has two programs')
    const user = { id: name, name, role: 'registrar' }
    return createHisClient({ broker: hospital.broker, client, organization: hospital.identifier, user })
  }
  const [first, second] = [personAt(0, 'desk-jan'), personAt(1, 'desk-piet')]
  const begun = async (path: string, who: Newcomer, more: object) => {
    const { body, status, code } = (await first.post(path, {
      system: BSN,
      value: who.number,
      ...more,
    })) as Answer<Record<string, string>>
    const id = body?.enrolment ?? body?.recovery
    if (!id) throw new Error(`${path} was answered ${status} ${code ?? ''}`)
    await second.post(`${path}/${id}/confirmation`, {})
    return id
  }
  return {
    /** Two persons enrol somebody: what the desk hands over, and the code that came. */
    async enrolment(who: Newcomer) {
      const enrolment = await begun('/registrar/enrolments', who, {})
      return { enrolment, code: await codeOf(portal, enrolment) }
    },
    /** Two persons begin a recovery; yields the reference that the desk hands over. */
    begin: (who: Newcomer, more: { overrides?: boolean } = {}) => begun('/registrar/recoveries', who, more),
    async state(recovery: string) {
      const { body } = await first.manage<{ state: string }>('GET', `/registrar/recoveries/${recovery}`)
      return body.state
    },
  }
}

/** The code that came to somebody's phone for what the desk has begun. */
export async function codeOf(portal: string, begun: string): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`${portal}/sandbox/messages`)
    const sent = (await answer.json()) as { enrolment?: string; code?: string }[]
    const code = sent.find(({ enrolment }) => enrolment === begun)?.code
    if (code) return code
    await new Promise((done) => setTimeout(done, 200))
  }
  throw new Error('No code came')
}

/** The device's side of one hospital, without a page. */
export function deviceOf({ chain }: SandboxFile, hospital: Hospital, words: string): PatientClient {
  const { consentRegistry, patientRegistry } = chain.contracts
  return createPatientClient({
    ...{ broker: hospital.broker, member: hospital.member, words, retry: true },
    chain: { chainId: chain.chainId, consentRegistry, patientRegistry },
  })
}

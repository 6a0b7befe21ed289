import type { ActPlace } from '../../../domain/consent/read-signed-act.ts'
import type { PatientClient } from '../../../patient/client.ts'
import type { Member } from '../network.tsx'
import type { PairedHospital } from './vault.ts'

/** A hospital at which the patient is enrolled, and the device's side of it. */
export type OwnHospital = { member: Member; client: PatientClient }

export type OwnHospitals = {
  /** One for each paired hospital that the network still knows. @throws WordsInvalid */
  of(words: string, paired: readonly PairedHospital[]): Promise<OwnHospital[]>
  /** Forgets keys and sessions. */
  forget(): void
}

/**
 * The device's side of each hospital is made once: it holds the session, and remembers what was signed and may not be mined yet.
 */
export function createOwnHospitals(members: readonly Member[], chain: ActPlace): OwnHospitals {
  const made = new Map<string, OwnHospital>()
  let madeFor = ''
  return {
    async of(words, paired) {
      // Keys and signatures are loaded only once there is something to sign with.
      const { createPatientClient } = await import('../../../patient/client.ts')
      if (words !== madeFor) made.clear()
      madeFor = words
      return paired.flatMap(({ member: id, replacement }) => {
        const member = members.find((one) => one.id === id)
        if (!member) return []
        const known = made.get(`${id}/${replacement}`)
        if (known) return [known]
        const client = createPatientClient({
          ...{ broker: member.broker, member: id, words, chain, replacement, retry: true },
        })
        const own = { member, client }
        made.set(`${id}/${replacement}`, own)
        return [own]
      })
    },
    forget() {
      made.clear()
      madeFor = ''
    },
  }
}

/** Whether nothing has changed, so that nobody who looks at the list needs to look again. */
export const sameHospitals = (a: readonly OwnHospital[], b: readonly OwnHospital[]): boolean =>
  a.length === b.length && a.every((one, i) => one === b[i])

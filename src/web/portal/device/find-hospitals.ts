import type { ActPlace } from '../../../domain/consent/read-signed-act.ts'
import type { Member } from '../network.tsx'
import type { PairedHospital } from './vault.ts'

/** Where a key of these words is known, and which hospitals could not be asked. */
export type Found = { paired: PairedHospital[]; silent: Member[] }

/** How often a key may have been replaced before we look no further. */
const MOST_REPLACEMENTS = 3

/**
 * Asks each hospital, with the key for that hospital only, whether it knows it: no two of them see the same key. Of a hospital's keys
 * the newest counts.
 */
export async function findHospitals(
  words: string,
  members: readonly Member[],
  chain: ActPlace,
): Promise<Found> {
  const { BrokerRefused, createPatientClient } = await import('../../../patient/client.ts')
  const found: Found = { paired: [], silent: [] }
  const ask = async (member: Member) => {
    for (let replacement = MOST_REPLACEMENTS; replacement >= 0; replacement--) {
      const client = createPatientClient({
        broker: member.broker,
        member: member.id,
        words,
        chain,
        replacement,
      })
      try {
        await client.signIn()
        found.paired.push({ member: member.id, replacement })
        return
      } catch (error) {
        if (error instanceof BrokerRefused && error.code === 'signer-unknown') continue
        found.silent.push(member)
        return
      }
    }
  }
  await Promise.all(members.filter(({ custodian }) => custodian).map(ask))
  return found
}

import type { Kysely } from 'kysely'
import type { ConsentReader } from '../../chain/consent-reader.ts'
import type { OwnConsents } from '../../domain/consent/own-consents.ts'
import type { SaltedTerms } from '../../domain/consent/terms.ts'
import { dateOfDay } from '../../domain/days.ts'
import type { Hex } from '../../domain/hex.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { scopesOf, termsOf } from '../consent/scopes.ts'

/** All of a patient's slots at the newest block. @throws when the node does not answer. */
export async function readOwnConsents(
  db: Kysely<BrokerTables>,
  deps: { reader: ConsentReader; custodian: Hex },
  patient: StoredPatient,
): Promise<OwnConsents> {
  const scopes = [...(await scopesOf(db, patient))]
  const terms = await termsOf(db, patient)
  const { handle } = patient.secrets
  const reading = await deps.reader.read({
    handle,
    scopes: scopes.map(([hash]) => hash),
    requester: deps.custodian,
    groups: [],
  })
  const acts = await db
    .selectFrom('acts')
    .select(['act', 'scope_hash', 'up_to'])
    .where('patient_id', '=', patient.id)
    .execute()
  const signedUpTo = (hash: Hex | null, lock: boolean) =>
    acts
      .filter((a) => (a.act === 'Lock') === lock && a.scope_hash === hash)
      .reduce((top, a) => Math.max(top, a.up_to ?? -1), -1)
  return {
    handle,
    locked: reading.handle.locked,
    epoch: reading.handle.epoch,
    lockSignedUpTo: signedUpTo(null, true),
    consents: scopes.flatMap(([scopeHash, scope], i) => {
      const word = reading.words[i]
      if (!word) return []
      const known = terms.get(word.terms)
      const { consent: body, ...salted } = known ?? {}
      return [
        {
          scopeHash,
          scope,
          state: word.state,
          version: word.version,
          ...(word.state === 'permit'
            ? { from: dateOfDay(word.fromDay), until: dateOfDay(word.untilDay) }
            : {}),
          ...(known && word.state !== 'silent' ? { terms: salted as SaltedTerms } : {}),
          ...(body && word.state !== 'silent' ? { body } : {}),
          signedUpTo: signedUpTo(scopeHash, false),
        },
      ]
    }),
  }
}

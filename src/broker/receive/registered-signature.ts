import type { JSONWebKeySet } from 'jose'
import { errorCodeOf } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { type RecordStatement, verifyRecord } from '../../exchange/record-signature.ts'
import type { IndexQueries } from '../../indexer/index.ts'

/**
 * Verifies what a custodian signed when it registered a record: with the keys that it publishes now, or else with those that
 * the chain says it had published when the entry was registered. An entry's block is a time that nobody can put back: whoever
 * got hold of a retired key later can sign for nothing that is not there already.
 * @throws WayleaveError `signature-invalid`
 */
export async function verifyRegistered(
  index: Pick<IndexQueries, 'pointer' | 'keysPublishedBy'>,
  present: JSONWebKeySet,
  jws: string,
  tag: Hex,
  statement: RecordStatement,
): Promise<void> {
  const { custodian } = statement
  await verifyRecord(present, jws, statement).catch(async (error: unknown) => {
    const entry = errorCodeOf(error) === 'signature-invalid' && (await index.pointer(custodian, tag))
    if (!entry || entry.commitment !== statement.commitment) throw error
    const { keys } = await index.keysPublishedBy(custodian, entry.block)
    // A key that several profiles name is one key.
    const byId = new Map(keys.map((key) => [JSON.stringify([key.kid, key.x, key.y]), key]))
    await verifyRecord({ keys: [...byId.values()] } as JSONWebKeySet, jws, statement)
  })
}

import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { JWK } from 'jose'
import type { Kysely } from 'kysely'
import type { Clock } from '../domain/clock.ts'
import type { Hex } from '../domain/hex.ts'
import type { BrokerTables } from '../store/schema.ts'
import { type Contracts, MemberRegistry__factory } from './contracts.ts'
import { enqueueCall } from './sender.ts'

/** What a member tells the others about itself, in the body of its `ProfileSet` event. */
export type PublishedProfile = {
  name: string
  identifier: { system: string; value: string }
  endpoint: string
  jwks: { keys: JWK[] }
  /** Which keys its server may show: SHA-256 of each SubjectPublicKeyInfo, base64url. */
  tlsPins?: string[]
}

const registry = MemberRegistry__factory.createInterface()

/**
 * Puts the profile into the outbox where it differs from what the index knows. By the outbox, since the account's other
 * transactions go there: two senders of one account would take each other's nonces.
 */
export async function publishProfile(args: {
  db: Kysely<BrokerTables>
  clock: Clock
  contracts: Contracts
  member: Hex
  profile: PublishedProfile
  known: object | undefined
}): Promise<boolean> {
  const { profile, known, contracts } = args
  if (isDeepStrictEqual({ ...known }, JSON.parse(JSON.stringify({ ...profile, id: args.member }))))
    return false
  const data = registry.encodeFunctionData('setProfile', [JSON.stringify(profile)]) as Hex
  const call = { contract: contracts.memberRegistry as Hex, data, dedupeKey: `profile/${randomUUID()}` }
  await enqueueCall(args.db, args.clock, call)
  return true
}

import { isDeepStrictEqual } from 'node:util'
import { type JsonRpcProvider, Wallet } from 'ethers'
import type { JWK } from 'jose'
import type { Hex } from '../domain/hex.ts'
import { type Contracts, MemberRegistry__factory } from './contracts.ts'

/** What a member tells the others about itself, in the body of its `ProfileSet` event. */
export type PublishedProfile = {
  name: string
  identifier: { system: string; value: string }
  endpoint: string
  jwks: { keys: JWK[] }
}

/** Publishes the profile where it differs from what the index knows. Only the member's own operator can. */
export async function publishProfile(args: {
  provider: JsonRpcProvider
  contracts: Contracts
  operator: string
  member: Hex
  profile: PublishedProfile
  known: object | undefined
}): Promise<boolean> {
  const { profile, known } = args
  if (isDeepStrictEqual({ ...known }, JSON.parse(JSON.stringify({ ...profile, id: args.member })))) return false
  const wallet = new Wallet(args.operator, args.provider)
  const registry = MemberRegistry__factory.connect(args.contracts.memberRegistry, wallet)
  const sent = await registry.setProfile(JSON.stringify(profile), { maxFeePerGas: 0, maxPriorityFeePerGas: 0 })
  await sent.wait()
  return true
}

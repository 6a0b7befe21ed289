import { AbiCoder, concat, id, keccak256, TypedDataEncoder } from 'ethers'
import { ConsentRegistry__factory } from '../src/chain/contracts.ts'
import { actDomain, typesOf } from '../src/domain/consent/typed-data.ts'
import type { Hex } from '../src/domain/hex.ts'
import { SANDBOX_CHAIN_ID } from '../src/sandbox/anvil.ts'
import { DEADLINE } from './chain.ts'
import type { BenchWorld } from './wayleave.ts'

/** Gas of each of a hundred, in one transaction. */
export type BatchGas = { grant: number; revoke: number; revokeTogether: number }

const COUNT = 100
const calls = ConsentRegistry__factory.createInterface()
const coder = AbiCoder.defaultAbiCoder()

/** One patient's hundred slots: granted in a batch, revoked in a batch, then again under one signature. */
export async function measureBatches(world: BenchWorld): Promise<BatchGas> {
  const { chain, contracts, relayer, hash } = world
  const handle = hash('handle of batches')
  await world.act('Bind', { handle, custodian: hash('custodian'), deadline: DEADLINE })
  const names = Array.from({ length: COUNT }, (_, i) => `batch ${i}`)
  const each = async (data: string) =>
    Math.round((await chain.gasOf(relayer, contracts.consentRegistry, data)) / COUNT)
  const batch = (items: Hex[]) => each(calls.encodeFunctionData('batch', [items]))
  const list = names.map((name) => ({ scope: hash(name), upToVersion: 2 }))
  const together = calls.encodeFunctionData('revokeMany', [
    { handle, items: list },
    world.patient.address,
    signList(world, handle, list),
  ])
  return {
    grant: await batch(names.map((name) => world.signed('Grant', world.grant(handle, name, 1)).data)),
    revoke: await batch(
      names.map((name) => world.signed('Revocation', { handle, scope: hash(name), upToVersion: 1 }).data),
    ),
    revokeTogether: await each(together),
  }
}

/** EIP-712 by hand, since scopes are known by their hashes only. */
function signList(
  { contracts, patient }: BenchWorld,
  handle: Hex,
  list: readonly { scope: Hex; upToVersion: number }[],
): string {
  const scopeType = TypedDataEncoder.from({ Scope: typesOf('Revocation').Scope ?? [] }).encodeType('Scope')
  const itemType = `RevocationItem(Scope scope,uint24 upToVersion)`
  const listType = `RevocationList(bytes32 handle,RevocationItem[] items)`
  const struct = (types: string[], values: unknown[]) => keccak256(coder.encode(types, values))
  const items = list.map(({ scope, upToVersion }) =>
    struct(['bytes32', 'bytes32', 'uint24'], [id(itemType + scopeType), scope, upToVersion]),
  )
  const typeHash = id(listType + itemType + scopeType)
  const message = struct(['bytes32', 'bytes32', 'bytes32'], [typeHash, handle, keccak256(concat(items))])
  const domain = actDomain('Revocation', SANDBOX_CHAIN_ID, contracts.consentRegistry as Hex)
  return patient.signingKey.sign(keccak256(concat(['0x1901', TypedDataEncoder.hashDomain(domain), message])))
    .serialized
}

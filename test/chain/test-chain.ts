import {
  type ContractTransactionResponse,
  id,
  JsonRpcProvider,
  NonceManager,
  type TransactionReceipt,
  Wallet,
} from 'ethers'
import { inSteps } from '../../src/broker/start-steps.ts'
import { type Contracts, RecordDirectory__factory } from '../../src/chain/contracts.ts'
import { deployContracts } from '../../src/chain/deploy.ts'
import { mined as receiptOf } from '../../src/chain/mined.ts'
import type { Hex } from '../../src/domain/hex.ts'
import { type Anvil, SANDBOX_CHAIN_ID, startAnvil } from '../../src/sandbox/anvil.ts'
import { ALL_ROLES, councilOf, newSeats, publicSeats } from '../../src/sandbox/council.ts'
import { freePort } from '../../src/sandbox/ports.ts'

export const FREE = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }

export type TestMember = { id: Hex; wallet: Wallet }

export type TestChain = {
  anvil: Anvil
  provider: JsonRpcProvider
  contracts: Contracts
  deployedAt: number
  council: ReturnType<typeof councilOf>
  /** The council's seats, one in each chamber, in their order. */
  seats: Wallet[]
  /** Admits a member with every role. */
  member(name: string): Promise<TestMember>
  /** Registers one entry for each tag, in one transaction. */
  register(member: TestMember, ...tags: string[]): Promise<TransactionReceipt>
  /** Mines empty blocks. */
  mine(blocks: number): Promise<void>
  height(): Promise<number>
  blockTime(): Promise<number>
  close(): Promise<void>
}

/** A real chain with our contracts on it; a block comes with each transaction, and none by itself. */
export async function createTestChain({ councilDelay = 0 } = {}): Promise<TestChain> {
  const slow = (step: string, seconds: number) =>
    console.warn(`After ${seconds} s the chain stands at ${step}`)
  return inSteps(slow, (at) => openTestChain(councilDelay, at))
}

async function openTestChain(councilDelay: number, at: (step: string) => void): Promise<TestChain> {
  at('its process')
  const anvil = await startAnvil({ port: await freePort(), blockTime: 100_000 })
  const provider = new JsonRpcProvider(anvil.rpc, SANDBOX_CHAIN_ID, {
    staticNetwork: true,
    cacheTimeout: -1,
    pollingInterval: 20,
  })
  at('the contracts')
  const signer = new NonceManager(Wallet.createRandom(provider))
  const seats = newSeats()
  const { contracts, deployedAt } = await deployContracts(signer, {
    seats: publicSeats(seats),
    delay: councilDelay,
  })
  const council = councilOf({ provider, contracts, deployedAt, seats })
  return {
    anvil,
    provider,
    contracts,
    deployedAt,
    council,
    seats: seats.map(({ key }) => new Wallet(key, provider)),
    async member(name) {
      const wallet = new Wallet(Wallet.createRandom().privateKey, provider)
      const member = { id: id(name) as Hex, wallet }
      await council.admit(member.id, ALL_ROLES, wallet.address, JSON.stringify({ name }))
      return member
    },
    register(member, ...tags) {
      const directory = RecordDirectory__factory.connect(contracts.recordDirectory, member.wallet)
      const commitments = tags.map((tag) => id(`commitment of ${tag}`))
      const pointers = `0x${tags.map((tag) => pointerFor(tag).slice(2)).join('')}`
      return mined(directory.register(tags.map(id), commitments, pointers, FREE))
    },
    async mine(blocks) {
      await provider.send('anvil_mine', [`0x${blocks.toString(16)}`])
    },
    height: () => provider.getBlockNumber(),
    async blockTime() {
      return (await provider.getBlock('latest'))?.timestamp ?? 0
    },
    async close() {
      provider.destroy()
      await anvil.stop()
    },
  }
}

/** 160 bytes that tell from which tag they are. */
export const pointerFor = (tag: string): Hex => `0x${id(tag).slice(2).repeat(5)}`

export async function mined(sent: Promise<ContractTransactionResponse>): Promise<TransactionReceipt> {
  return receiptOf(await sent)
}

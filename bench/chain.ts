import { JsonRpcProvider, type TransactionReceipt, Wallet } from 'ethers'
import { mined } from '../src/chain/mined.ts'
import type { Hex } from '../src/domain/hex.ts'
import { type Anvil, SANDBOX_CHAIN_ID, startAnvil } from '../src/sandbox/anvil.ts'
import { freePort } from '../src/sandbox/ports.ts'

const FREE = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }

/** Every run begins at the same second, so that signatures, and with them calldata, are the same byte for byte. */
export const BENCH_TIME = 1_900_000_000
export const DEADLINE = BENCH_TIME + 900_000
export const TODAY = Math.floor(BENCH_TIME / 86_400)

export type BenchChain = {
  provider: JsonRpcProvider
  /** The wallet of a fixed key; its signatures are deterministic (RFC 6979). */
  wallet(name: string): Wallet
  /** Sends and waits; the gas of the whole transaction, base and calldata included. */
  gasOf(from: Wallet, to: string, data: string): Promise<number>
  send(from: Wallet, to: string, data: string): Promise<TransactionReceipt>
  close(): Promise<void>
}

/** A real anvil under the named rules, at a fixed time, where gas is free. */
export async function createBenchChain(hardfork: string, keyOf: (name: string) => Hex): Promise<BenchChain> {
  const anvil: Anvil = await startAnvil({ port: await freePort(), blockTime: 100_000, hardfork })
  const options = { staticNetwork: true, cacheTimeout: -1, pollingInterval: 20 }
  const provider = new JsonRpcProvider(anvil.rpc, SANDBOX_CHAIN_ID, options)
  await provider.send('evm_setNextBlockTimestamp', [BENCH_TIME])
  const wallets = new Map<string, Wallet>()
  const chain: BenchChain = {
    provider,
    wallet(name) {
      const known = wallets.get(name) ?? new Wallet(keyOf(name), provider)
      wallets.set(name, known)
      return known
    },
    async gasOf(from, to, data) {
      return Number((await chain.send(from, to, data)).gasUsed)
    },
    async send(from, to, data) {
      const sent = await from.sendTransaction({ to, data, gasLimit: 16_000_000, ...FREE })
      return mined(sent)
    },
    async close() {
      provider.destroy()
      await anvil.stop()
    },
  }
  return chain
}

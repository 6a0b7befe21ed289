import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ContractFactory, type InterfaceAbi, id, JsonRpcProvider, NonceManager, Wallet } from 'ethers'
import { createCompiler, projectSettings } from '../../../scripts/solidity.ts'
import { AccessManager__factory, ConsentSuccessor__factory } from '../../../src/chain/contracts.ts'
import { deployContracts, ROLES } from '../../../src/chain/deploy.ts'
import { SANDBOX_CHAIN_ID, startAnvil } from '../../../src/sandbox/anvil.ts'
import { councilOf, newSeats, publicSeats } from '../../../src/sandbox/council.ts'
import { freePort } from '../../../src/sandbox/ports.ts'
import type { Called } from './world.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const FREE = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }
/** For hundreds of calls in one transaction. */
const GAS = 1_000_000_000
/** Without old states in memory: nothing here asks for one, and each block would copy all. */
const FLAGS = ['--prune-history', '--no-request-size-limit', '--gas-limit', String(GAS)]

const RUN = id('run((address,bytes)[])').slice(0, 10)
const LOOK = id('look((address,bytes)[])').slice(0, 10)

type RawLog = { address: string; topics: string[]; data: string }

/** The contract that stands for an account, compiled. */
export async function compileCaller(): Promise<{ abi: InterfaceAbi; bytecode: string }> {
  const path = 'test/chain/model/Caller.sol'
  const source = { [path]: readFileSync(join(root, path), 'utf8') }
  const select = { '*': { '*': ['abi', 'evm.bytecode.object'] } }
  const compiled = createCompiler(root)(source, await projectSettings(), select).contracts[path]?.Caller
  if (!compiled) throw new Error(`${path} holds no Caller`)
  return { abi: compiled.abi as InterfaceAbi, bytecode: compiled.evm.bytecode.object }
}

/**
 * A chain with our contracts, and accounts that send many calls in one transaction. The first account acts as the
 * council would.
 */
export async function startChain(caller: Awaited<ReturnType<typeof compileCaller>>, seed: number) {
  const at = { port: await freePort(), blockTime: 100_000, hardfork: 'cancun', flags: FLAGS }
  const anvil = await startAnvil(at)
  const options = { staticNetwork: true, cacheTimeout: -1, pollingInterval: 5 }
  const provider = new JsonRpcProvider(anvil.rpc, SANDBOX_CHAIN_ID, options)
  const stop = async () => {
    provider.destroy()
    await anvil.stop()
  }
  try {
    const signer = new NonceManager(new Wallet(id(`deployer ${seed}`), provider))
    const seats = newSeats()
    const deployed = await deployContracts(signer, { seats: publicSeats(seats), delay: 0 })
    const { memberRegistry, patientRegistry, consentRegistry } = deployed.contracts
    const line = [memberRegistry, patientRegistry, consentRegistry] as const
    const successor = await new ConsentSuccessor__factory(signer).deploy(...line, FREE)
    const contracts = { ...deployed.contracts, consentSuccessor: await successor.getAddress() }
    const factory = new ContractFactory(caller.abi, caller.bytecode, signer)
    const accounts: string[] = []
    for (let i = 0; i < 6; i++) accounts.push((await (await factory.deploy(FREE)).getAddress()).toLowerCase())
    const council = councilOf({ provider, ...deployed, seats })
    const manager = AccessManager__factory.createInterface()
    for (const role of [ROLES.atOnce, ROLES.delayed]) {
      const stand = manager.encodeFunctionData('grantRole', [role, accounts[0] ?? '', 0])
      await council.act({ target: contracts.accessManager, data: stand })
    }
    const [anybody = ''] = (await provider.send('eth_accounts', [])) as string[]
    const startedAt = (await provider.getBlock('latest'))?.timestamp ?? 0
    return { contracts, accounts, startedAt, ...callsOn(anvil.rpc, anybody), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

export type Chain = Awaited<ReturnType<typeof startChain>>

function callsOn(rpc: string, anybody: string) {
  /** Much faster than a provider of ethers, which reads what comes byte by byte. */
  async function ask<T>(method: string, ...params: unknown[]): Promise<T> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(rpc, { method: 'POST', headers, body })
    const { result, error } = (await response.json()) as { result: T; error?: { message: string } }
    if (error) throw new Error(`${method}: ${error.message}`)
    return result
  }

  return {
    /**
     * One transaction of one account.
     * @returns what each call answered: the logs that it wrote in JSON, or the bytes that it reverted with
     */
    async send(sender: string, now: number, calls: Called[]): Promise<string[]> {
      await ask('evm_setNextBlockTimestamp', now)
      const data = RUN + encodeCalls(calls)
      // From the account that anvil signs for: ethers would take longer to sign so many bytes than the chain to run them.
      const transaction = { from: anybody, to: sender, data, gas: `0x${GAS.toString(16)}`, gasPrice: '0x0' }
      const { logs } = await ask<{ logs: RawLog[] }>('eth_sendTransactionSync', transaction)
      let from = 0
      return calls.map(() => {
        const end = logs.findIndex(({ address }, index) => index >= from && address === sender)
        const events = logs.slice(from, end)
        from = end + 1
        return answered(logs[end], events)
      })
    },
    /** What each call, sent by an account, returns now. */
    async look(sender: string, calls: Called[]): Promise<string[]> {
      const data = LOOK + encodeCalls(calls)
      return bytesArrayIn(await ask('eth_call', { to: sender, data, gas: `0x${GAS.toString(16)}` }, 'latest'))
    },
    height: async () => Number(await ask<string>('eth_blockNumber')),
  }
}

const word = (value: number) => value.toString(16).padStart(64, '0')

/** `abi.encode` of `Call[]`, for which ethers takes longer than the chain for the calls. */
function encodeCalls(calls: Called[]): string {
  const heads: string[] = []
  const tails: string[] = []
  let offset = 32 * calls.length
  for (const { to, data } of calls) {
    heads.push(word(offset))
    const bytes = data.length / 2 - 1
    const padded = Math.ceil(bytes / 32) * 32
    const address = to.slice(2).toLowerCase().padStart(64, '0')
    tails.push(address, word(64), word(bytes), data.slice(2).padEnd(2 * padded, '0'))
    offset += 96 + padded
  }
  return [word(32), word(calls.length), ...heads, ...tails].join('')
}

/** `Answered(bool success, bytes data)`: a flag, an offset, a length, the bytes. */
function answered(answer: RawLog | undefined, events: RawLog[]): string {
  if (!answer) return 'nothing'
  const at = (index: number) => Number.parseInt(answer.data.slice(2 + 64 * index, 66 + 64 * index), 16)
  if (at(0) === 0) return `0x${answer.data.slice(2 + 64 * 3, 2 + 64 * 3 + 2 * at(2))}`
  return JSON.stringify(events.map(({ topics, data }) => ({ topics, data })))
}

/** A `bytes[]` as it comes from a call; ethers copies all of it for each item. */
function bytesArrayIn(result: string): string[] {
  const wordAt = (at: number) => Number.parseInt(result.slice(2 + 2 * at, 66 + 2 * at), 16)
  const start = wordAt(0) + 32
  return Array.from({ length: wordAt(start - 32) }, (_, i) => {
    const at = start + wordAt(start + 32 * i)
    return `0x${result.slice(66 + 2 * at, 66 + 2 * (at + wordAt(at)))}`
  })
}

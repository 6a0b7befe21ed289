import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { isError, JsonRpcProvider, Wallet } from 'ethers'
import { readBrokerConfig } from '../../broker/index.ts'
import { describeRefusal } from '../../chain/contract-errors.ts'
import type { Contracts } from '../../chain/contracts.ts'
import { type Council, createCouncil } from '../../chain/council.ts'
import { type Hex, isHex } from '../../domain/hex.ts'
import { groupId, identifierText, memberId } from '../../domain/identity/member-id.ts'
import { readSandboxFile, type SandboxFile } from '../../sandbox/sandbox-file.ts'
import type { Output } from '../patient/run.ts'

/** Where the chain is, and who signs: from the sandbox's description, or from a broker's configuration and a key file. */
export type NetworkOptions = { sandbox: string; config?: string; rpc?: string; json?: boolean }
export type SigningOptions = NetworkOptions & { seat?: string; keyFile?: string }

/** What every subcommand works with, opened for one run. */
export type Network = {
  chain: SandboxFile['chain']
  provider: JsonRpcProvider
  council: Council
  /** The sandbox, where that is what was opened. */
  sandbox: SandboxFile | undefined
  /** What a member's or a group's id, or a contract's address, stands for, where it is known here. */
  nameOf: (id: string) => string
  /** @throws RangeError when the text is no key of the sandbox, no id and no identifier. */
  memberOf: (text: string) => Hex
}

function openNetwork(options: NetworkOptions): Network {
  const sandbox = options.config === undefined ? readSandboxFile(options.sandbox) : undefined
  const config =
    options.config === undefined
      ? undefined
      : readBrokerConfig(JSON.parse(readFileSync(options.config, 'utf8')))
  const found = sandbox?.chain ?? config?.chain
  if (!found) throw new Error('neither sandbox nor configuration')
  const chain = { ...found, rpc: options.rpc ?? found.rpc }
  const provider = new JsonRpcProvider(chain.rpc, chain.chainId, {
    staticNetwork: true,
    cacheTimeout: -1,
    pollingInterval: 200,
  })
  const names = namesOf(chain.contracts, sandbox, config?.groups ?? [])
  return {
    chain,
    provider,
    council: createCouncil({ provider, ...chain }),
    sandbox,
    nameOf: (id) => names.get(id.toLowerCase()) ?? id,
    memberOf(text) {
      const known = sandbox?.hospitals.find(({ key }) => key === text)?.member
      if (known) return known
      if (isHex(text, 32)) return text
      if (/^[^|]+\|[^|]+$/.test(text)) return memberId(text)
      throw new RangeError(
        `${text} names no member: give a member id (0x…), an identifier (system|value), or a key of the sandbox.`,
      )
    },
  }
}

function namesOf(contracts: Contracts, sandbox: SandboxFile | undefined, groups: readonly string[]) {
  const named = new Map<string, string>()
  for (const [name, address] of Object.entries(contracts)) named.set(address.toLowerCase(), name)
  for (const { member, name, identifier } of sandbox?.hospitals ?? []) {
    named.set(member.toLowerCase(), name)
    named.set(memberId(identifierText(identifier)), name)
  }
  for (const group of [...groups, ...(sandbox?.council.groups ?? [])]) named.set(groupId(group), group)
  return named
}

/**
 * The account that votes, from a file that holds a private key, or from the sandbox by its chamber. Never from the
 * command line, which others on the machine can read.
 */
export function signerFor({ sandbox, provider }: Network, options: SigningOptions): Wallet {
  if (options.keyFile !== undefined) return new Wallet(readKey(options.keyFile), provider)
  if (options.seat === undefined) throw new Error('Who votes? Give --key-file, or --seat in the sandbox.')
  const seat = sandbox?.council.seats.find(({ chamber }) => chamber === options.seat)
  if (seat) return new Wallet(seat.key, provider)
  throw new RangeError(`There is no seat ${options.seat} here: providers, regulators, advocates.`)
}

/** @throws Error where others may read the file, or it holds no key. What it holds is in no message. */
function readKey(file: string): string {
  if ((statSync(file).mode & 0o077) !== 0) throw new Error(`${file} can be read by others: chmod 600 ${file}`)
  const text = readFileSync(file, 'utf8').trim()
  if (!isHex(text, 32)) throw new Error(`${file} holds no private key, 0x and 64 hexadecimal digits`)
  return text
}

/** A new key in a file of its own, for its owner only; or the key in the file that is there. */
export function newKey(file: string): Wallet {
  if (!existsSync(file))
    writeFileSync(file, `${Wallet.createRandom().privateKey}\n`, { mode: 0o600, flag: 'wx' })
  return new Wallet(readKey(file))
}

/** Opens what a subcommand needs, closes it, and tells failures in one sentence, with exit code 1. */
export async function inNetwork<T extends NetworkOptions>(
  options: T,
  output: Output,
  work: (network: Network) => Promise<void>,
): Promise<void> {
  let network: Network | undefined
  try {
    network = openNetwork(options)
    await work(network)
  } catch (error) {
    const message = sentenceOf(error)
    if (options.json) output.out(`${JSON.stringify({ error: { message } }, null, 2)}\n`)
    output.err(`wayleave: ${message}\n`)
    process.exitCode = 1
  } finally {
    network?.provider.destroy()
  }
}

function sentenceOf(error: unknown): string {
  if (isError(error, 'CALL_EXCEPTION')) return describeRefusal(error.data ?? '')
  if (isError(error, 'NETWORK_ERROR') || isError(error, 'SERVER_ERROR')) return 'the node does not answer'
  return error instanceof Error ? error.message : String(error)
}

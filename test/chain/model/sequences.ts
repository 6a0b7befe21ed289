import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  ContractFactory,
  Interface,
  type InterfaceAbi,
  id,
  JsonRpcProvider,
  NonceManager,
  type Signer,
  SigningKey,
  Wallet,
} from 'ethers'
import { createCompiler, projectSettings } from '../../../scripts/solidity.ts'
import {
  AccessLog__factory,
  AccessManager__factory,
  ConsentRegistry__factory,
  MemberRegistry__factory,
  PatientRegistry__factory,
  RecordDirectory__factory,
} from '../../../src/chain/contracts.ts'
import { deployContracts, ROLES } from '../../../src/chain/deploy.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import { SANDBOX_CHAIN_ID, startAnvil } from '../../../src/sandbox/anvil.ts'
import { councilOf, newSeats, publicSeats } from '../../../src/sandbox/council.ts'
import { freePort } from '../../../src/sandbox/ports.ts'
import { createConsentsModel } from './consents.ts'
import { createEvidenceModel, createMembersModel } from './members.ts'
import { type Event, Refused } from './outcome.ts'
import { createSteps, type Random, type Step, type Story, type World } from './steps.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const FREE = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }
const STEPS = 10
/** Sequences that run side by side: as many calls as fit into a block at each step. */
const BATCH = 200

/** Everything that a contract of ours can answer with. */
const registries = [
  MemberRegistry__factory,
  PatientRegistry__factory,
  ConsentRegistry__factory,
  RecordDirectory__factory,
  AccessLog__factory,
]
const answers = registries.map((factory) => factory.createInterface() as Interface)

/** A small generator (mulberry32): the seed alone decides every step. */
function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (bound: number) => Math.floor(next() * bound)
  return {
    below,
    one: (of) => of[below(of.length)] as (typeof of)[number],
    chance: (percent) => below(100) < percent,
  }
}

/** What the chain said where the model said something else. */
class Differs extends Error {}

/**
 * Runs random sequences on a real chain and on the model and compares each answer: the events with every field, or
 * the error with every argument. Then compares all state. Two hundred sequences run side by side; at each step the
 * calls of one account go into one transaction, through a contract that stands for the account.
 *
 * @throws Differs at the first difference
 * @returns how often each kind of step landed and was refused
 */
export async function runSequences(args: { seed: number; sequences: number; log?: (line: string) => void }) {
  const tally = new Map<string, number>()
  for (let first = 0; first < args.sequences; first += 5_000) {
    // A chain of its own for each 5,000, since state grows.
    const count = Math.min(5_000, args.sequences - first)
    await runOnFreshChain({ seed: args.seed + first, count, tally, log: args.log ?? (() => {}) })
    args.log?.(`${first + count} sequences`)
  }
  return tally
}

type Batch = { seed: number; count: number; tally: Map<string, number>; log: (line: string) => void }

async function runOnFreshChain({ seed, count, tally }: Batch): Promise<void> {
  const anvil = await startAnvil({ port: await freePort(), blockTime: 100_000, hardfork: 'cancun' })
  const options = { staticNetwork: true, cacheTimeout: -1, pollingInterval: 5 }
  const provider = new JsonRpcProvider(anvil.rpc, SANDBOX_CHAIN_ID, options)
  try {
    const deployer = new NonceManager(new Wallet(id(`deployer ${seed}`), provider))
    const chain = await deployAll(deployer, provider)
    const random = createRandom(seed)
    const world = createWorld(chain)
    const draw = createSteps(world, random)
    const keys = Array.from({ length: 8 }, (_, i) => new SigningKey(id(`key ${i}`)))
    let now = ((await provider.getBlock('latest'))?.timestamp ?? 0) + 10
    let running: Promise<void> = Promise.resolve()
    for (let done = 0; done < count; done += BATCH) {
      const stories = Array.from({ length: Math.min(BATCH, count - done) }, (_, i): Story => {
        const name = `${seed} ${done + i}`
        const owner = random.one(keys)
        const stranger = random.one(keys.filter((key) => key !== owner))
        const scopes = [id(`scope 1 of ${name}`), id(`scope 2 of ${name}`)] as Hex[]
        return { handle: id(`handle ${name}`) as Hex, scopes, owner, stranger, past: [] }
      })
      for (let step = 0; step < STEPS; step++) {
        const bySender = new Map(world.accounts.map((account) => [account, [] as Story[]]))
        for (const story of stories) bySender.get(random.one(world.accounts))?.push(story)
        for (const [sender, theirs] of bySender) {
          if (theirs.length === 0) continue
          now += random.one([1, 13, 60, 3_600, 86_400])
          const steps = theirs.map((story) => foretell(draw(story, sender, now), tally))
          // The model knows nothing of the chain, so the next steps are drawn while the chain runs these.
          await running
          running = sendAndCompare(chain, sender, now, steps)
          running.catch(() => {})
        }
      }
      await running
      await compareState(chain, world, stories)
    }
  } catch (error) {
    throw new Differs(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  } finally {
    provider.destroy()
    await anvil.stop()
  }
}

type Chain = Awaited<ReturnType<typeof deployAll>>

async function deployAll(deployer: Signer, provider: JsonRpcProvider) {
  const seats = newSeats()
  const deployed = await deployContracts(deployer, { seats: publicSeats(seats), delay: 0 })
  const { contracts } = deployed
  const path = 'test/chain/model/Caller.sol'
  const source = { [path]: readFileSync(join(root, path), 'utf8') }
  const select = { '*': { '*': ['abi', 'evm.bytecode.object'] } }
  const compiled = createCompiler(root)(source, await projectSettings(), select).contracts[path]?.Caller
  if (!compiled) throw new Error(`${path} holds no Caller`)
  const factory = new ContractFactory(compiled.abi as InterfaceAbi, compiled.evm.bytecode.object, deployer)
  const accounts: string[] = []
  for (let i = 0; i < 6; i++) {
    accounts.push((await (await factory.deploy(FREE)).getAddress()).toLowerCase())
  }
  // The first account acts as the council would, so that its acts fit into one transaction with the others'.
  const council = councilOf({ provider, ...deployed, seats })
  const manager = AccessManager__factory.createInterface()
  for (const role of [ROLES.atOnce, ROLES.delayed]) {
    const stand = manager.encodeFunctionData('grantRole', [role, accounts[0] ?? '', 0])
    await council.act({ target: contracts.accessManager, data: stand })
  }
  const [anybody = ''] = (await provider.send('eth_accounts', [])) as string[]
  return { contracts, accounts, anybody, provider, caller: factory.interface }
}

function createWorld({ contracts, accounts }: Chain): World {
  const members = createMembersModel(accounts[0] ?? '')
  return {
    contracts,
    accounts,
    members,
    consents: createConsentsModel(members),
    evidence: createEvidenceModel(members),
    memberIds: ['a', 'b', 'c'].map((name) => id(`member ${name}`) as Hex),
    groups: ['g', 'h'].map((name) => id(`group ${name}`) as Hex),
    tags: Array.from({ length: 90 }, (_, i) => id(`tag ${i}`) as Hex),
  }
}

type Expected = Step & { outcome: string; encoded: string }

/** Takes the step in the model, and says in bytes what the contract should answer. */
function foretell(step: Step, tally: Map<string, number>): Expected {
  const expected = { ...step, ...expectation(step) }
  const kind = `${step.what}: ${expected.outcome}`
  tally.set(kind, (tally.get(kind) ?? 0) + 1)
  return expected
}

/** One transaction of one account, with a step of each of its stories. */
async function sendAndCompare(chain: Chain, sender: string, now: number, steps: Expected[]): Promise<void> {
  const { provider, anybody, caller } = chain
  const data = caller.encodeFunctionData('run', [steps.map(({ to, data }) => ({ to, data: bytesOf(data) }))])
  await provider.send('evm_setNextBlockTimestamp', [now])
  // From the account that anvil signs for: ethers would take longer to sign so many bytes than the chain to run them.
  const transaction = { from: anybody, to: sender, data, gas: '0x1c9c380', gasPrice: '0x0' }
  const hash = (await provider.send('eth_sendTransaction', [transaction])) as string
  const logs = await logsOf(provider, hash)
  let at = 0
  for (const { what, outcome, encoded } of steps) {
    const end = logs.findIndex(({ address }, index) => index >= at && address === sender)
    const actual = answered(logs[end], logs.slice(at, end))
    at = end + 1
    if (actual !== encoded) {
      throw new Differs(`${what}: the model says ${outcome}\n${encoded}\nthe chain says\n${actual}`)
    }
  }
}

/** Much faster than ethers, which reads hexadecimal digits one by one. */
const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.slice(2), 'hex'))

type RawLog = { address: string; topics: string[]; data: string }

async function logsOf(provider: JsonRpcProvider, hash: string): Promise<RawLog[]> {
  for (let tries = 0; tries < 2_000; tries++) {
    const receipt = (await provider.send('eth_getTransactionReceipt', [hash])) as { logs: RawLog[] } | null
    if (receipt) return receipt.logs
    await new Promise((done) => setTimeout(done, 5))
  }
  throw new Error('a transaction was not mined')
}

/** What the contract should answer, in the bytes of events and errors. */
function expectation(step: Step): { outcome: string; encoded: string } {
  try {
    return { outcome: 'landed', encoded: JSON.stringify(step.model().map(encodeEvent)) }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    const named = answers.find((contract) => contract.getError(error.message) !== null)
    const unauthorized = new Interface(['error AccessManagedUnauthorized(address)'])
    const encoded = (named ?? unauthorized).encodeErrorResult(error.message, [...error.args])
    return { outcome: error.message, encoded }
  }
}

function encodeEvent([name, ...args]: Event): { topics: string[]; data: string } {
  const contract = answers.find((each) => each.hasEvent(name))
  if (!contract) throw new Error(`no contract of ours emits ${name}`)
  const { topics, data } = contract.encodeEventLog(name, [...args])
  return { topics: topics.flat().map(String), data }
}

/** `Answered(bool success, bytes data)`: a flag, an offset, a length, the bytes. */
function answered(answer: RawLog | undefined, events: RawLog[]): string {
  if (!answer) return 'nothing'
  const word = (index: number) => Number.parseInt(answer.data.slice(2 + 64 * index, 66 + 64 * index), 16)
  if (word(0) === 0) return `0x${answer.data.slice(2 + 64 * 3, 2 + 64 * 3 + 2 * word(2))}`
  return JSON.stringify(events.map(({ topics, data }) => ({ topics, data })))
}

/** Reads all that the stories, members and evidence left behind, and compares it with what the model kept. */
async function compareState(chain: Chain, world: World, stories: Story[]): Promise<void> {
  const [members, patients, consents, records, log] = answers as [
    Interface,
    Interface,
    Interface,
    Interface,
    Interface,
  ]
  const { memberRegistry, patientRegistry, consentRegistry, recordDirectory, accessLog } = chain.contracts
  const looks: { to: string; data: string; expected: string }[] = []
  const look = (to: string, of: Interface, name: string, args: unknown[], expected: unknown[]) =>
    looks.push({
      to,
      data: of.encodeFunctionData(name, args),
      expected: of.encodeFunctionResult(name, expected),
    })
  for (const { handle, scopes } of stories) {
    const { custodian, word } = world.consents.handleState(handle)
    look(patientRegistry, patients, 'handleState', [handle], [custodian, word])
    for (const scope of scopes) {
      look(consentRegistry, consents, 'wordOf', [handle, scope], [world.consents.wordOf(handle, scope)])
    }
  }
  for (const account of world.accounts) {
    look(memberRegistry, members, 'memberOf', [account], [world.members.memberOf(account)])
  }
  for (const member of world.memberIds) {
    const { status, generation, admittedAt, roles } = world.members.stateOf(member)
    look(memberRegistry, members, 'memberState', [member], [[status, generation, admittedAt, roles]])
    for (const group of world.groups) {
      look(memberRegistry, members, 'joinedAt', [group, member], [world.members.joinedAt(group, member)])
    }
    const { number, until, roots } = world.evidence.lastWindow(member)
    look(accessLog, log, 'lastWindow', [member], [number, until])
    for (const [n, rootHash] of [...roots].slice(-20)) look(accessLog, log, 'rootOf', [member, n], [rootHash])
    for (const tag of world.tags) {
      look(
        recordDirectory,
        records,
        'commitmentOf',
        [member, tag],
        [world.evidence.commitmentOf(member, tag)],
      )
    }
  }
  const data = chain.caller.encodeFunctionData('look', [
    looks.map(({ to, data }) => ({ to, data: bytesOf(data) })),
  ])
  const result = await chain.provider.call({ to: chain.accounts[0] ?? '', data })
  const [actual] = chain.caller.decodeFunctionResult('look', result) as unknown as [string[]]
  for (const [i, { expected, data }] of looks.entries()) {
    if (actual[i] !== expected)
      throw new Differs(`${data}: the model keeps ${expected}, the chain ${actual[i]}`)
  }
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  ContractFactory,
  type InterfaceAbi,
  id,
  JsonRpcProvider,
  NonceManager,
  type Signer,
  SigningKey,
  Wallet,
} from 'ethers'
import { createCompiler, projectSettings } from '../../../scripts/solidity.ts'
import { AccessManager__factory } from '../../../src/chain/contracts.ts'
import { deployContracts, ROLES } from '../../../src/chain/deploy.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import { SANDBOX_CHAIN_ID, startAnvil } from '../../../src/sandbox/anvil.ts'
import { councilOf, newSeats, publicSeats } from '../../../src/sandbox/council.ts'
import { freePort } from '../../../src/sandbox/ports.ts'
import { createCommitmentsModel } from './commitments.ts'
import { createConsentsModel } from './consents.ts'
import { createDigests, hashes } from './digests.ts'
import { createEvidenceModel, createMembersModel } from './members.ts'
import { bytesOf, encodeEvent, encodeRefusal, INTERFACES, Refused } from './outcome.ts'
import { createPatientsModel, packHandle, packRights, RECOVERY } from './patients.ts'
import { addressOf, signerHashOf } from './signatures.ts'
import { createSteps } from './steps.ts'
import type { Random, Step, Story, World } from './world.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const FREE = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }
const STEPS = 10
/** Sequences that run side by side: as many calls as fit into a block at each step. */
const BATCH = 200

/** Emergencies that a member may declare on one day, as `deployContracts` says. */
const QUOTA = 20

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
        const helper = random.one(keys.filter((key) => key !== owner))
        const stranger = random.one(keys.filter((key) => key !== owner && key !== helper))
        const scopes = [id(`scope 1 of ${name}`), id(`scope 2 of ${name}`)] as [Hex, Hex]
        const [inner, holder] = [id(`inner ${name}`) as Hex, random.one(world.memberIds)]
        return {
          ...{ handle: id(`handle ${name}`) as Hex, scopes, keys: [owner, helper, stranger] },
          ...{ past: [], referrals: [], inner, holder, commitment: hashes.of(holder, inner) },
        }
      })
      for (let step = 0; step < STEPS; step++) {
        const bySender = new Map(world.accounts.map((account) => [account, [] as Story[]]))
        for (const story of stories) bySender.get(senderFor(world, random, story))?.push(story)
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
      await compareState(chain, world, stories, now)
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

/** Often somebody of the hospital that it is about, else anybody. */
function senderFor(
  { accounts, members, patients }: World,
  random: Random,
  { handle, holder }: Story,
): string {
  const { custodian, recovery } = patients.handleOf(handle)
  // A veto is overridden by two of the custodian's, one after the other.
  const pressing = recovery === RECOVERY.none ? 50 : 85
  const member = patients.isBound(handle) && random.chance(pressing) ? custodian : holder
  const own = accounts.filter((account) => members.memberOf(account) === member)
  return random.one(own.length > 0 && random.chance(pressing) ? own : accounts)
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
  const digests = createDigests(SANDBOX_CHAIN_ID, contracts)
  const patients = createPatientsModel(members, digests)
  return {
    contracts,
    accounts,
    members,
    patients,
    digests,
    consents: createConsentsModel(members, patients, digests),
    evidence: createEvidenceModel(members),
    commitments: createCommitmentsModel(members, QUOTA),
    desks: ['1', '2', '3', '4'].map((name) => new SigningKey(id(`desk ${name}`))),
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
    return { outcome: error.message, encoded: encodeRefusal(error) }
  }
}

/** `Answered(bool success, bytes data)`: a flag, an offset, a length, the bytes. */
function answered(answer: RawLog | undefined, events: RawLog[]): string {
  if (!answer) return 'nothing'
  const word = (index: number) => Number.parseInt(answer.data.slice(2 + 64 * index, 66 + 64 * index), 16)
  if (word(0) === 0) return `0x${answer.data.slice(2 + 64 * 3, 2 + 64 * 3 + 2 * word(2))}`
  return JSON.stringify(events.map(({ topics, data }) => ({ topics, data })))
}

/** Reads all that the stories, members and evidence left behind, and compares it with what the model kept. */
async function compareState(chain: Chain, world: World, stories: Story[], now: number): Promise<void> {
  const looks: { to: string; data: string; expected: string }[] = []
  const look = (contract: keyof typeof INTERFACES, name: string, args: unknown[], expected: unknown[]) =>
    looks.push({
      to: chain.contracts[contract],
      data: INTERFACES[contract].encodeFunctionData(name, args),
      expected: INTERFACES[contract].encodeFunctionResult(name, expected),
    })
  for (const story of stories) lookAtStory(world, story, now, look)
  for (const account of [...world.accounts, ...world.desks.map(addressOf)]) {
    look('memberRegistry', 'memberOf', [account], [world.members.memberOf(account)])
  }
  const day = Math.floor(now / 86_400)
  for (const member of world.memberIds) {
    const { status, generation, admittedAt, roles } = world.members.stateOf(member)
    look('memberRegistry', 'memberState', [member], [[status, generation, admittedAt, roles]])
    for (const group of world.groups) {
      look('memberRegistry', 'joinedAt', [group, member], [world.members.joinedAt(group, member)])
    }
    const { number, until, roots } = world.evidence.lastWindow(member)
    look('accessLog', 'lastWindow', [member], [number, until])
    for (const [n, rootHash] of [...roots].slice(-20)) look('accessLog', 'rootOf', [member, n], [rootHash])
    for (const tag of world.tags) {
      look('recordDirectory', 'commitmentOf', [member, tag], [world.evidence.commitmentOf(member, tag)])
    }
    look('breakGlass', 'quotaOf', [member, day], [world.commitments.usedBy(member, day), QUOTA])
  }
  const data = chain.caller.encodeFunctionData('look', [
    looks.map(({ to, data }) => ({ to, data: bytesOf(data) })),
  ])
  const result = await chain.provider.call({ to: chain.accounts[0] ?? '', data })
  const actual = bytesArrayIn(result)
  for (const [i, { expected, data }] of looks.entries()) {
    if (actual[i] !== expected)
      throw new Differs(`${data}: the model keeps ${expected}, the chain ${actual[i]}`)
  }
}

/** A `bytes[]` as it comes from a call; ethers copies all of it for each item. */
function bytesArrayIn(result: string): string[] {
  const word = (at: number) => Number.parseInt(result.slice(2 + 2 * at, 66 + 2 * at), 16)
  const start = word(0) + 32
  return Array.from({ length: word(start - 32) }, (_, i) => {
    const at = start + word(start + 32 * i)
    return `0x${result.slice(66 + 2 * at, 66 + 2 * (at + word(at)))}`
  })
}

type Look = (contract: keyof typeof INTERFACES, name: string, args: unknown[], expected: unknown[]) => void

function lookAtStory(
  { patients, consents, commitments }: World,
  story: Story,
  now: number,
  look: Look,
): void {
  const { handle, scopes, keys, referrals, commitment } = story
  const bound = patients.handleOf(handle)
  look('patientRegistry', 'handleState', [handle], [bound.custodian, packHandle(bound)])
  for (const key of keys) {
    const signer = signerHashOf(addressOf(key))
    const rights = patients.rightsOf(handle, signer)
    const word = packRights(rights)
    look('patientRegistry', 'rightsOf', [handle, signer], [word, rights.scopes, packHandle(bound)])
    look('patientRegistry', 'narrowingRightsOf', [handle, signer], [word])
  }
  const { newSigner, startedAt, readyAt, attempt, untilDay } = patients.recoveryOf(handle)
  look('patientRegistry', 'recoveryOf', [handle], [[newSigner, startedAt, readyAt, attempt, untilDay]])
  for (const scope of scopes) {
    look('consentRegistry', 'wordOf', [handle, scope], [consents.wordOf(handle, scope)])
  }
  for (const { scope, referral } of referrals) {
    const { anchored, live } = consents.referralOf(handle, scope, referral, now)
    const fields = [anchored.parentVersion, anchored.untilDay, anchored.anchoredAt]
    look('consentRegistry', 'referralOf', [handle, scope, referral], [fields, live])
  }
  const request = commitments.requestOf(commitment)
  look('accessRequests', 'requestOf', [commitment], [[request.status, request.deadline, request.requester]])
  const found = commitments.caseOf(commitment)
  look('breakGlass', 'caseOf', [commitment], [[found.status, found.declaredAt, found.until, found.member]])
}

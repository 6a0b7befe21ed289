import { id, SigningKey } from 'ethers'
import { SANDBOX_CHAIN_ID } from '../../../src/sandbox/anvil.ts'
import { type Chain, compileCaller, startChain } from './chain.ts'
import { createCommitmentsModel } from './commitments.ts'
import { mayBeReferred } from './consent-acts.ts'
import { createConsentsModel } from './consents.ts'
import { createDigests, hashes } from './digests.ts'
import { RECOVERY } from './handle-words.ts'
import { createAccountKey, type Key } from './keys.ts'
import { createEvidenceModel, createMembersModel } from './members.ts'
import { encodeEvent, encodeRefusal, Refused } from './outcome.ts'
import { createPasskey } from './passkeys.ts'
import { createPatientsModel } from './patients.ts'
import { createSigners } from './signatures.ts'
import { differenceOfState } from './state.ts'
import { createSteps } from './steps.ts'
import { createSuccessorModel } from './successor.ts'
import { hash, type Random, type Step, type Story, type World } from './world.ts'

const STEPS = 10
/** Sequences on one chain, since state grows. */
const ON_ONE_CHAIN = 5_000
/** Sequences that run side by side. */
const BATCH = 1_000
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
 * the error with every argument. Then compares all state. A thousand sequences run side by side; at each step the
 * calls of one account go into one transaction, through a contract that stands for the account.
 *
 * @throws Differs at the first difference
 * @returns how often each kind of step landed and was refused
 */
export async function runSequences(args: { seed: number; sequences: number; log?: (line: string) => void }) {
  const tally = new Map<string, number>()
  const caller = await compileCaller()
  for (let first = 0; first < args.sequences; first += ON_ONE_CHAIN) {
    const seed = args.seed + first
    const count = Math.min(ON_ONE_CHAIN, args.sequences - first)
    const chain = await startChain(caller, seed)
    try {
      await runOn(chain, seed, count, tally)
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error)
      throw new Differs(`seed ${seed}: ${what}`, { cause: error })
    } finally {
      await chain.stop()
    }
    args.log?.(`${first + count} sequences`)
  }
  return tally
}

async function runOn(chain: Chain, seed: number, count: number, tally: Map<string, number>): Promise<void> {
  const random = createRandom(seed)
  const world = createWorld(chain)
  const draw = createSteps(world, random)
  const newStory = createStories(world, random, seed)
  let now = chain.startedAt + 10
  let running: Promise<void> = Promise.resolve()
  for (let done = 0; done < count; done += BATCH) {
    const stories = Array.from({ length: Math.min(BATCH, count - done) }, (_, i) => newStory(done + i))
    for (let step = 0; step < STEPS; step++) {
      const bySender = new Map(world.accounts.map((account) => [account, [] as Story[]]))
      for (const story of stories) {
        if (story.moves === 'later' && random.chance(35)) story.moves = 'now'
        bySender.get(senderFor(world, random, story))?.push(story)
      }
      for (const [sender, theirs] of bySender) {
        if (theirs.length === 0) continue
        now += random.one([1, 13, 60, 3_600, 86_400, 172_800])
        const steps = theirs.map((story) => foretell(draw(story, sender, now), tally))
        // The model knows nothing of the chain, so the next steps are drawn while the chain runs these.
        await running
        running = sendAndCompare(chain, sender, now, steps)
        running.catch(() => {})
      }
    }
    await running
    const difference = await differenceOfState(chain, world, stories, now)
    if (difference) throw new Differs(difference)
  }
}

function createWorld({ contracts, accounts }: Chain): World {
  const members = createMembersModel(accounts[0] ?? '')
  const digests = createDigests(SANDBOX_CHAIN_ID, contracts)
  const signers = createSigners(contracts.passkeyVerifier)
  const patients = createPatientsModel(members, signers, digests)
  const deps = { members, patients, signers }
  const first = {
    ...{ to: contracts.consentRegistry, digest: digests.consents },
    model: createConsentsModel({ ...deps, digest: digests.consents }),
  }
  const next = {
    ...{ to: contracts.consentSuccessor, digest: digests.successor },
    model: createSuccessorModel({ ...deps, digest: digests.successor }, first),
  }
  return {
    ...{ contracts, accounts, members, patients, digests, first, next },
    evidence: createEvidenceModel(members),
    commitments: createCommitmentsModel(members, QUOTA),
    desks: ['1', '2', '3', '4'].map((name) => new SigningKey(id(`desk ${name}`))),
    memberIds: ['a', 'b', 'c'].map((name) => hash(`member ${name}`)),
    groups: ['g', 'h'].map((name) => hash(`group ${name}`)),
    tags: Array.from({ length: 90 }, (_, i) => hash(`tag ${i}`)),
  }
}

/** Stories by their numbers; in one of seven somebody may sign by a passkey, one of three goes on at the successor. */
function createStories({ contracts, memberIds }: World, { one, chance }: Random, seed: number) {
  const accounts = Array.from({ length: 8 }, (_, i) => createAccountKey(id(`key ${i}`)))
  const passkeys = ['wayleave.example', 'wayleave.example', 'portal.example', 'portal.example'].map(
    (relyingParty, i) =>
      createPasskey({ verifier: contracts.passkeyVerifier, secret: hash(`passkey ${i}`), relyingParty }),
  )
  return (number: number): Story => {
    const name = `${seed} ${number}`
    const withPasskeys = chance(15)
    const keys: Key[] = []
    for (let i = 0; i < 3; i++) {
      const pool = withPasskeys && chance(60) ? passkeys : accounts
      keys.push(one(pool.filter((key) => !keys.includes(key))))
    }
    const [inner, holder] = [hash(`inner ${name}`), one(memberIds)]
    return {
      ...{ handle: hash(`handle ${name}`), scopes: [hash(`scope 1 of ${name}`), hash(`scope 2 of ${name}`)] },
      ...{ keys: keys as [Key, Key, Key], moves: chance(35) ? 'later' : 'never' },
      ...{ past: [], referrals: [], inner, holder, commitment: hashes.of(holder, inner) },
    }
  }
}

/** Often somebody of the hospital that it is about, else anybody. */
function senderFor({ accounts, members, patients, first }: World, random: Random, story: Story): string {
  const { handle, holder } = story
  const { custodian, recovery } = patients.handleOf(handle)
  // A veto is overridden by two of the custodian's, one after the other; only the custodian's refer.
  const refers = story.scopes.some((scope) => mayBeReferred(story, scope, first))
  const pressing = recovery !== RECOVERY.none || refers ? 85 : 50
  const member = patients.isBound(handle) && random.chance(pressing) ? custodian : holder
  const own = accounts.filter((account) => members.memberOf(account) === member)
  return random.one(own.length > 0 && random.chance(pressing) ? own : accounts)
}

type Expected = Step & { outcome: string; encoded: string }

/** Takes the step in the model, and says in bytes what the contract should answer. */
function foretell(step: Step, tally: Map<string, number>): Expected {
  const expected = { ...step, ...expectation(step) }
  const kind = `${step.what}: ${expected.outcome}`
  tally.set(kind, (tally.get(kind) ?? 0) + 1)
  return expected
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

/** One transaction of one account, with a step of each of its stories. */
async function sendAndCompare(chain: Chain, sender: string, now: number, steps: Expected[]): Promise<void> {
  const answers = await chain.send(sender, now, steps)
  for (const [i, { what, outcome, encoded }] of steps.entries()) {
    if (answers[i] !== encoded)
      throw new Differs(`${what}: the model says ${outcome}\n${encoded}\nthe chain says\n${answers[i]}`)
  }
}

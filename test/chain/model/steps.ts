import { computeAddress, id, type SigningKey } from 'ethers'
import { actCall } from '../../../src/chain/act-calls.ts'
import {
  AccessLog__factory,
  ConsentRegistry__factory,
  type Contracts,
  MemberRegistry__factory,
  RecordDirectory__factory,
} from '../../../src/chain/contracts.ts'
import {
  type ActName,
  actDomain,
  DOMAIN_NAME,
  digestOfHashed,
  type HashedMessage,
} from '../../../src/domain/consent/typed-data.ts'
import { type Hex, ZERO_32 } from '../../../src/domain/hex.ts'
import { SANDBOX_CHAIN_ID } from '../../../src/sandbox/anvil.ts'
import { inWords } from '../../support/in-words.ts'
import type { ConsentsModel, SignedAct } from './consents.ts'
import type { EvidenceModel, MembersModel } from './members.ts'
import { STATUS } from './members.ts'
import type { Event } from './outcome.ts'

/** A call for the chain, and the same for the model. */
export type Step = { what: string; to: string; data: string; model(): Event[] }

/** One patient at one custodian, two slots, two keys: what a sequence is about. */
export type Story = { handle: Hex; scopes: Hex[]; owner: SigningKey; stranger: SigningKey; past: PastAct[] }
type PastAct = { signed: SignedAct; to: string; data: string }

export type Random = {
  below: (bound: number) => number
  one: <T>(of: readonly T[]) => T
  chance: (percent: number) => boolean
}

export type World = {
  contracts: Contracts
  members: MembersModel
  consents: ConsentsModel
  evidence: EvidenceModel
  /** Accounts that calls come from, lower-case; the first is the council. */
  accounts: string[]
  memberIds: Hex[]
  groups: Hex[]
  tags: Hex[]
}

const LAST_VERSION = 2 ** 24 - 1
const LAST_EPOCH = 2 ** 32 - 1
const hash = (text: string) => id(text) as Hex

/** Draws steps that mostly land, and every kind of one that does not. */
export function createSteps(world: World, random: Random) {
  const { contracts, members, consents, evidence } = world
  const { below, one, chance } = random
  const memberCalls = MemberRegistry__factory.createInterface()
  const recordCalls = RecordDirectory__factory.createInterface()
  const logCalls = AccessLog__factory.createInterface()
  const consentCalls = ConsentRegistry__factory.createInterface()

  const deadline = (now: number) => now + one([900, 900, 900, 0, -1])
  /** The exact number in most cases, else one beside it. */
  const near = (n: number, last = LAST_VERSION) =>
    Math.min(last, Math.max(0, chance(80) ? n : n + one([-2, -1, 1, 2])))

  function message(act: ActName, story: Story, sender: string, now: number): HashedMessage {
    const { handle } = story
    const objected = story.scopes.filter((scope) => consents.objectedIn(handle, scope))
    const scope = one(act === 'Withdrawal' && objected.length > 0 ? objected : story.scopes)
    const version = consents.versionOf(handle, scope)
    const epoch = consents.handleOf(handle)?.epoch ?? 0
    const today = Math.floor(now / 86_400)
    const terms = hash(`terms ${below(1000)}`)
    const upToVersion = chance(97) ? near(version + below(2)) : one([LAST_VERSION - 1, LAST_VERSION])
    switch (act) {
      case 'Grant': {
        const fromDay = today + one([-30, 0, 0, 7])
        const untilDay = chance(85) ? fromDay + one([0, 30, 365, 3653]) : fromDay + one([-1, -40, 3654, 4000])
        const flags = chance(95) ? below(16) : 16 + below(240)
        const next = near(version + 1)
        return {
          handle,
          scope,
          terms,
          fromDay,
          untilDay,
          flags,
          version: next,
          epoch: near(epoch, LAST_EPOCH),
          deadline: deadline(now),
        }
      }
      case 'Revocation':
        return { handle, scope, upToVersion }
      case 'Objection':
        return { handle, scope, terms, upToVersion }
      case 'Withdrawal':
        return {
          handle,
          scope,
          version: near(version + 1),
          epoch: near(epoch, LAST_EPOCH),
          deadline: deadline(now),
        }
      case 'Bind':
        return { handle, custodian: members.memberOf(sender), deadline: deadline(now) }
      case 'Lock':
        return { handle, upToEpoch: chance(98) ? near(epoch, LAST_EPOCH) : LAST_EPOCH - below(2) }
      case 'Unlock':
        return { handle, epoch: near(epoch, LAST_EPOCH), deadline: deadline(now) }
    }
  }

  function signedStep(act: ActName, story: Story, sender: string, now: number): Step {
    const contract =
      DOMAIN_NAME[act] === 'Wayleave Patients' ? contracts.patientRegistry : contracts.consentRegistry
    const domain = actDomain(act, SANDBOX_CHAIN_ID, contract as Hex)
    const m = message(act, story, sender, now)
    const struct = m as Parameters<typeof inWords>[0]
    const words = (over: HashedMessage) => (act === 'Grant' ? inWords({ ...struct, ...over }) : over)
    const digest = digestOfHashed(act, domain, words(m))
    const key = chance(94) ? story.owner : story.stranger
    const wrong = chance(4) ? one(['another key', 'high s', 'altered'] as const) : undefined
    const over =
      wrong === 'altered'
        ? digestOfHashed(act, domain, words({ ...m, handle: hash('another handle') }))
        : digest
    const good = (wrong === 'another key' ? story.stranger : key).sign(over)
    const bad = wrong === 'another key' ? key === story.owner : wrong !== undefined
    const signer = (chance(98) ? addressOf(key) : `0x${'ab'.repeat(one([0, 19, 21, 32, 116]))}`) as Hex
    // A grant's numbers go into calldata as they are: some have no words.
    let data =
      act === 'Grant'
        ? consentCalls.encodeFunctionData('grant', [m as never, signer, good.serialized])
        : actCall(act, contracts, m, signer, good.serialized as Hex).data
    if (wrong === 'high s') data = data.replace(good.serialized.slice(2), highS(good)) as Hex
    const signed = { act, message: m, signer, digest, valid: !bad }
    // A binding names the sender's member, so that the same bytes mean something else from another sender.
    if (act !== 'Bind') story.past.push({ signed, to: contract, data })
    return { what: act, to: contract, data, model: () => consents.send(sender, now, signed) }
  }

  function replay(past: PastAct, sender: string, now: number): Step {
    const { signed, to, data } = past
    return { what: `${signed.act} again`, to, data, model: () => consents.send(sender, now, signed) }
  }

  function patientStep(story: Story, sender: string, now: number): Step {
    const past = story.past.length > 0 && chance(15) ? one(story.past) : undefined
    if (past) return replay(past, sender, now)
    const registrar = (members.stateOf(members.memberOf(sender)).roles & 4) !== 0
    if (!consents.handleOf(story.handle) && chance(registrar ? 90 : 20))
      return signedStep('Bind', story, sender, now)
    const locked = consents.handleOf(story.handle)?.locked
    const usual: ActName[] = [
      'Grant',
      'Grant',
      'Grant',
      'Revocation',
      'Objection',
      'Withdrawal',
      'Lock',
      'Unlock',
      'Bind',
    ]
    return signedStep(locked && chance(50) ? 'Unlock' : one(usual), story, sender, now)
  }

  function councilStep(sender: string, now: number): Step {
    const member = chance(97) ? one(world.memberIds) : ZERO_32
    const group = one(world.groups)
    const roles = one([63, 63, 1, 4, 5, 63, 64])
    const free = world.accounts.filter((account) => members.memberOf(account) === ZERO_32)
    const account = chance(97)
      ? one(free.length > 0 && chance(80) ? free : world.accounts)
      : `0x${'00'.repeat(20)}`
    const { status } = members.stateOf(member)
    // Members come back soon, or nothing else would happen.
    const mending =
      status === STATUS.suspended
        ? 'reinstate'
        : status === STATUS.live
          ? one(['joinGroup', 'setRoles'])
          : 'admit'
    const usual = ['admit', 'suspend', 'reinstate', 'remove', 'setRoles', 'joinGroup', 'leaveGroup'] as const
    const name = chance(75) ? mending : one(usual)
    const calls: Record<string, [unknown[], () => Event[]]> = {
      admit: [[member, roles, account, '{}'], () => members.admit(sender, now, member, roles, account, '{}')],
      suspend: [[member], () => members.suspend(sender, member)],
      reinstate: [[member], () => members.reinstate(sender, member)],
      remove: [[member], () => members.remove(sender, member)],
      setRoles: [[member, roles], () => members.setRoles(sender, member, roles)],
      joinGroup: [[group, member], () => members.joinGroup(sender, now, group, member)],
      leaveGroup: [[group, member], () => members.leaveGroup(sender, group, member)],
    }
    const [args, model] = calls[name] ?? [[], () => []]
    const data = memberCalls.encodeFunctionData(name as 'suspend', args as [string])
    return { what: name, to: contracts.memberRegistry, data, model }
  }

  function operatorStep(sender: string, now: number): Step {
    const kind = one(['register', 'register', 'anchor', 'anchor', 'setOperator'])
    if (kind === 'setOperator') {
      const account = one(world.accounts)
      const allowed = chance(70)
      const data = memberCalls.encodeFunctionData('setOperator', [account, allowed])
      const model = () => members.setOperator(sender, account, allowed)
      return { what: kind, to: contracts.memberRegistry, data, model }
    }
    if (kind === 'anchor') {
      const last = evidence.lastWindow(members.memberOf(sender))
      const number = near(last.number + 1)
      const until = one([now, now - 30, now + 60, now + 61, last.until])
      const root = chance(97) ? hash(`root ${below(1e9)}`) : ZERO_32
      const data = logCalls.encodeFunctionData('anchor', [number, until, root])
      return {
        what: kind,
        to: contracts.accessLog,
        data,
        model: () => evidence.anchor(sender, now, number, until, root),
      }
    }
    const count = chance(97) ? 1 + below(3) : one([0, 201])
    const tags = Array.from({ length: count }, () => one(world.tags))
    const given = tags
      .slice(chance(98) ? 0 : 1)
      .map(() => (chance(99) ? hash(`commitment ${below(1e9)}`) : ZERO_32))
    const bytes = count > 200 ? 0 : 160 * count + (chance(98) ? 0 : 1)
    const pointers: Hex = `0x${'5a'.repeat(bytes)}`
    const data = recordCalls.encodeFunctionData('register', [tags, given, pointers])
    const model = () => evidence.register(sender, tags, given, pointers)
    return { what: kind, to: contracts.recordDirectory, data, model }
  }

  /** The next step of a story, by whom it falls to. */
  return function draw(story: Story, sender: string, now: number): Step {
    const [council] = world.accounts
    if (sender === council ? chance(90) : chance(2)) return councilStep(sender, now)
    return chance(25) ? operatorStep(sender, now) : patientStep(story, sender, now)
  }
}

const addresses = new WeakMap<SigningKey, string>()
function addressOf(key: SigningKey): string {
  const known = addresses.get(key) ?? computeAddress(key.publicKey).toLowerCase()
  addresses.set(key, known)
  return known
}

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** The same signature with s in the upper half: valid to `ecrecover`, refused by us. */
function highS({ r, s, v }: { r: string; s: string; v: number }): string {
  const high = (ORDER - BigInt(s)).toString(16).padStart(64, '0')
  return `${r.slice(2)}${high}${(v === 27 ? 28 : 27).toString(16)}`
}

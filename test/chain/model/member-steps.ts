import { type Hex, ZERO_32 } from '../../../src/domain/hex.ts'
import type { At } from './handle-words.ts'
import { addressOf } from './keys.ts'
import { STATUS } from './members.ts'
import { type Event, INTERFACES } from './outcome.ts'
import { hash, near, type Random, type Step, type Story, type World } from './world.ts'

const DAY = 86_400

/** Draws what the council and members' operators send, which nobody signs. */
export function createMemberSteps(world: World, random: Random) {
  const { contracts, members, evidence, commitments } = world
  const { below, one, chance } = random

  function councilStep(sender: string, now: number): Step {
    const member = chance(97) ? one(world.memberIds) : ZERO_32
    const group = one(world.groups)
    const roles = chance(95) ? one([63, 63, 63, 63, 1, 4, 5, 36]) : 64
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
    const data = INTERFACES.memberRegistry.encodeFunctionData(name, args)
    return { what: name, to: contracts.memberRegistry, data, model }
  }

  function operatorStep(story: Story, sender: string, now: number): Step {
    const kind = one([
      'register',
      'anchor',
      'setOperator',
      'request',
      'request',
      'request',
      'emergency',
      'emergency',
    ])
    if (kind === 'request') return requestStep(story, { sender, now })
    if (kind === 'emergency') return emergencyStep(story, { sender, now })
    if (kind === 'setOperator') {
      const account = chance(50) ? one(world.accounts) : addressOf(one(world.desks))
      const allowed = chance(75)
      const data = INTERFACES.memberRegistry.encodeFunctionData('setOperator', [account, allowed])
      const model = () => members.setOperator(sender, account, allowed)
      return { what: kind, to: contracts.memberRegistry, data, model }
    }
    if (kind === 'anchor') {
      const last = evidence.lastWindow(members.memberOf(sender))
      const number = near(random, last.number + 1, 2 ** 32)
      const until = one([now, now - 30, now + 60, now + 61, last.until])
      const root = chance(97) ? hash(`root ${below(1e9)}`) : ZERO_32
      const data = INTERFACES.accessLog.encodeFunctionData('anchor', [number, until, root])
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
    const data = INTERFACES.recordDirectory.encodeFunctionData('register', [tags, given, pointers])
    const model = () => evidence.register(sender, tags, given, pointers)
    return { what: kind, to: contracts.recordDirectory, data, model }
  }

  /** The story's own commitment, mostly; what is told of it fits the member that it names. */
  function requestStep({ commitment, inner }: Story, at: At): Step {
    const { status, deadline } = commitments.requestOf(commitment)
    const to = contracts.accessRequests
    const wanted = status === 0 ? 'open' : at.now > deadline + DAY ? one(['close', 'lapse']) : 'close'
    const kind = chance(85) ? wanted : one(['open', 'close', 'lapse'])
    if (kind === 'open') {
      const until = at.now + (chance(90) ? one([1, 1, 60, DAY, 30 * DAY]) : one([0, 30 * DAY + 1]))
      const data = INTERFACES.accessRequests.encodeFunctionData('open', [commitment, until])
      return { what: kind, to, data, model: () => commitments.open(at, commitment, until) }
    }
    if (kind === 'close') {
      const outcome = chance(95) ? hash(`outcome ${below(1e9)}`) : ZERO_32
      const data = INTERFACES.accessRequests.encodeFunctionData('close', [inner, outcome])
      return { what: kind, to, data, model: () => commitments.close(at, inner, outcome) }
    }
    const data = INTERFACES.accessRequests.encodeFunctionData('lapse', [commitment])
    return { what: kind, to, data, model: () => commitments.lapse(at, commitment) }
  }

  function emergencyStep({ commitment, inner }: Story, at: At): Step {
    const { status, declaredAt } = commitments.caseOf(commitment)
    const to = contracts.breakGlass
    const late = at.now > declaredAt + 3 * DAY
    const wanted = status === 0 ? 'declare' : late && status === 1 ? 'escalate' : 'review'
    const kind = chance(85) ? wanted : one(['declare', 'review', 'escalate'])
    if (kind === 'declare') {
      const until = at.now + one([1, 3_600, DAY, DAY, 0, DAY + 1])
      const data = INTERFACES.breakGlass.encodeFunctionData('declare', [commitment, until])
      return { what: kind, to, data, model: () => commitments.declare(at, commitment, until) }
    }
    if (kind === 'review') {
      const outcome = chance(95) ? hash(`outcome ${below(1e9)}`) : ZERO_32
      const data = INTERFACES.breakGlass.encodeFunctionData('review', [inner, outcome])
      return { what: kind, to, data, model: () => commitments.review(at, inner, outcome) }
    }
    const data = INTERFACES.breakGlass.encodeFunctionData('escalate', [commitment])
    return { what: kind, to, data, model: () => commitments.escalate(at, commitment) }
  }

  return { councilStep, operatorStep }
}

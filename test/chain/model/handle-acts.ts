import { type Hex, ZERO_32 } from '../../../src/domain/hex.ts'
import { leafOf, rootOf } from './consent-checks.ts'
import { type Delegation, hashes } from './digests.ts'
import { type At, LAST_VERSION, quarterEnd, today } from './handle-words.ts'
import { INTERFACES } from './outcome.ts'
import {
  type Draft,
  deadlineFrom,
  hash,
  near,
  type Random,
  type Step,
  type Story,
  type World,
} from './world.ts'

const LAST_EPOCH = 2 ** 32 - 1
const LAST_SWITCH = 2 ** 16 - 1
/** The other leaf of every tree that a delegate is bound to. */
export const ELSEWHERE = leafOf(hash('a scope of nobody'))
const calls = INTERFACES.patientRegistry

/** Draws acts about a handle: who owns it, helps, recovers it; locks and switches. */
export function createHandleActs(world: World, random: Random) {
  const { members, patients, digests } = world
  const { one, chance, below } = random
  const to = world.contracts.patientRegistry
  const deadline = (now: number) => deadlineFrom(random, now)

  /** The key that is owner or guardian now, if the story has it. */
  function masterKey({ handle, keys }: Story) {
    const { master } = patients.handleOf(handle)
    return keys.find(({ signerHash }) => signerHash === master) ?? keys[0]
  }
  const draft = (
    what: string,
    story: Story,
    structHash: Hex,
    more: Pick<Draft, 'encode' | 'model'>,
  ): Draft => ({ what, to, digest: digests.patients(structHash), key: masterKey(story), ...more })
  const encode = (name: string, args: (signer: Hex, bytes: Hex) => unknown[]): Draft['encode'] => {
    return ({ signer, bytes }) => calls.encodeFunctionData(name, args(signer, bytes))
  }

  const drafts = {
    bind(story: Story, { sender, now }: At): Draft {
      const [handle, until] = [story.handle, deadline(now)]
      return draft('Bind', story, hashes.bind(handle, members.memberOf(sender), until), {
        encode: encode('bind', (signer, bytes) => [handle, until, signer, bytes]),
        model: (at, signed) => patients.bind(at, handle, until, signed),
      })
    },
    bindGuardian(story: Story, { sender, now }: At): Draft {
      const [handle, until] = [story.handle, deadline(now)]
      const end = guardianEnd(now)
      return draft('BindGuardian', story, hashes.bindGuardian(handle, members.memberOf(sender), end, until), {
        encode: encode('bindGuardian', (signer, bytes) => [handle, end, until, signer, bytes]),
        model: (at, signed) => patients.bindGuardian(at, handle, end, until, signed),
      })
    },
    lock(story: Story): Draft {
      const { handle } = story
      const { epoch } = patients.handleOf(handle)
      const upTo = chance(98) ? near(random, epoch, LAST_EPOCH) : LAST_EPOCH - below(2)
      return draft('Lock', story, hashes.lock(handle, upTo), {
        encode: encode('lock', (signer, bytes) => [handle, upTo, signer, bytes]),
        model: (at, signed) => patients.lock(at, handle, upTo, signed),
      })
    },
    unlock(story: Story, { now }: At): Draft {
      const [handle, until] = [story.handle, deadline(now)]
      const epoch = near(random, patients.handleOf(handle).epoch, LAST_EPOCH)
      return draft('Unlock', story, hashes.unlock(handle, epoch, until), {
        encode: encode('unlock', (signer, bytes) => [handle, epoch, until, signer, bytes]),
        model: (at, signed) => patients.unlock(at, handle, epoch, until, signed),
      })
    },
    appoint(story: Story, { now }: At): Draft {
      const { handle, keys, scopes } = story
      const { signerHash: delegate } = chance(85) ? keys[1] : one(keys)
      const bounds = {
        acts: chance(96) ? one([63, 63, 1, 3, 21, 1 + below(63)]) : one([0, 64]),
        flags: chance(97) ? one([15, 15, 15, 0, 1, 5]) : 16,
        longestDays: one([4000, 365, 30, 0]),
        untilDay: today(now) + (chance(96) ? one([30, 30, 30, 1, 0]) : -1),
        scopes: chance(65) ? ZERO_32 : rootOf(leafOf(scopes[0]), ELSEWHERE),
      }
      const { epoch } = patients.handleOf(handle)
      const version = near(random, patients.delegationOf(handle, delegate) + 1, LAST_VERSION)
      const d: Delegation = {
        ...{ handle, delegate, bounds, version },
        ...{ epoch: near(random, epoch, LAST_EPOCH), deadline: deadline(now) },
      }
      return draft('Delegation', story, hashes.delegation(d), {
        encode: encode('appoint', (signer, bytes) => [d, signer, bytes]),
        model: (at, signed) => patients.appoint(at, d, signed),
      })
    },
    endDelegation(story: Story): Draft {
      const { handle, keys } = story
      const { signerHash: delegate } = chance(90) ? keys[1] : one(keys)
      const version = patients.delegationOf(handle, delegate)
      const upTo = chance(97) ? near(random, version, LAST_VERSION) : LAST_VERSION - below(2)
      const drawn = draft('DelegationEnd', story, hashes.delegationEnd(handle, delegate, upTo), {
        encode: encode('endDelegation', (signer, bytes) => [handle, delegate, upTo, signer, bytes]),
        model: (at, signed) => patients.endDelegation(at, handle, delegate, upTo, signed),
      })
      return chance(30) ? { ...drawn, key: keys[1] } : drawn
    },
    switchOff(story: Story): Draft {
      const { handle } = story
      const { switchVersion } = patients.handleOf(handle)
      const upTo = chance(97) ? near(random, switchVersion, LAST_SWITCH) : LAST_SWITCH - below(2)
      return draft('BreakGlassOff', story, hashes.breakGlassOff(handle, upTo), {
        encode: encode('switchBreakGlassOff', (signer, bytes) => [handle, upTo, signer, bytes]),
        model: (at, signed) => patients.switchOff(at, handle, upTo, signed),
      })
    },
    switchOn(story: Story, { now }: At): Draft {
      const [handle, until] = [story.handle, deadline(now)]
      const bound = patients.handleOf(handle)
      const version = near(random, Math.min(bound.switchVersion + 1, LAST_SWITCH), LAST_SWITCH)
      const epoch = near(random, bound.epoch, LAST_EPOCH)
      return draft('BreakGlassOn', story, hashes.breakGlassOn(handle, version, epoch, until), {
        encode: encode('switchBreakGlassOn', (s, bytes) => [handle, version, epoch, until, s, bytes]),
        model: (at, signed) => patients.switchOn(at, handle, version, epoch, until, signed),
      })
    },
    startRecovery: (story: Story, at: At): Draft => recovery(story, at, 'startRecovery'),
    overrideVeto: (story: Story, at: At): Draft => recovery(story, at, 'overrideVeto'),
    veto(story: Story): Draft {
      const { handle } = story
      const attempt = near(random, patients.recoveryOf(handle).attempt, LAST_EPOCH)
      return draft('RecoveryVeto', story, hashes.recoveryVeto(handle, attempt), {
        encode: encode('vetoRecovery', (signer, bytes) => [handle, attempt, signer, bytes]),
        model: (at, signed) => patients.vetoRecovery(at, handle, attempt, signed),
      })
    },
  }

  /** Mostly the last day of a quarter. */
  function guardianEnd(now: number): number {
    return quarterEnd(today(now) + (chance(95) ? one([0, 0, 100]) : -95)) - (chance(96) ? 0 : 1)
  }

  function recovery(story: Story, { sender, now }: At, name: 'startRecovery' | 'overrideVeto'): Draft {
    const { handle, keys } = story
    // A proof is good for long, so that a second registrar can bring the same one.
    const until = chance(95) ? Math.ceil(now / 10_000_000) * 10_000_000 : now - 1
    const end = chance(75) ? 0 : guardianEnd(now)
    const attempt = patients.recoveryOf(handle).attempt + 1
    const structHash = hashes.recovery(handle, members.memberOf(sender), attempt, end, until)
    const drawn = draft(name === 'startRecovery' ? 'Recovery' : 'RecoveryOverride', story, structHash, {
      encode: encode(name, (signer, bytes) => [handle, end, until, signer, bytes]),
      model: (at, signed) => patients[name](at, handle, end, until, signed),
    })
    const others = keys.filter((key) => key !== masterKey(story))
    return { ...drawn, key: chance(92) ? (others.at(-1) ?? keys[2]) : one(keys) }
  }

  /** The steps of a recovery that nobody signs. */
  function unsigned(name: 'cancelRecovery' | 'completeRecovery', { handle }: Story, at: At): Step {
    const data = calls.encodeFunctionData(name, [handle])
    return { what: name, to, data, model: () => patients[name](at, handle) }
  }

  return { drafts, unsigned, masterKey }
}

import type { Hex } from '../../../src/domain/hex.ts'
import { createConsentActs } from './consent-acts.ts'
import { OBJECTION, PERMIT } from './consents.ts'
import { createHandleActs } from './handle-acts.ts'
import { createMemberSteps } from './member-steps.ts'
import { type At, KIND, RECOVERY } from './patients.ts'
import { addressOf, type Signed, signedBy, signerHashOf, withHighS } from './signatures.ts'
import { type Draft, hash, type PastAct, type Random, type Step, type Story, type World } from './world.ts'

/** Draws steps that mostly land, and every kind of one that does not. */
export function createSteps(world: World, random: Random) {
  const { members, patients } = world
  const { one, chance } = random
  const handles = createHandleActs(world, random)
  const consents = createConsentActs(world, random, handles.masterKey)
  const { councilStep, operatorStep } = createMemberSteps(world, random)
  const { drafts: h } = handles
  const { drafts: c } = consents

  /** Signs as it should be, or in one of the ways in which it should not. */
  function signatureOf({ key, digest }: Draft, { keys }: Story): Signed {
    const odd = chance(5) ? one(['another key', 'high s', 'altered', 'signer'] as const) : undefined
    const good = signedBy(key, odd === 'altered' ? (hash('something else') as Hex) : digest)
    if (odd === 'high s') return withHighS(good)
    if (odd === 'another key') {
      const other = one(keys.filter((each) => each !== key))
      return { ...signedBy(other, digest), signer: good.signer }
    }
    return odd === 'signer' ? { ...good, signer: `0x${'ab'.repeat(one([0, 19, 21, 32, 116]))}` } : good
  }

  /** Who signs: mostly whoever should; else a helper who has been appointed, the new key, or anybody. */
  function sign(draft: Draft, story: Story, at: At): Step {
    const helper = story.keys[1]
    const helps = patients.rightsOf(story.handle, signerHashOf(addressOf(helper))).kind !== KIND.none
    const key = helps && chance(35) ? helper : chance(93) ? draft.key : one(story.keys)
    const signed = signatureOf({ ...draft, key }, story)
    const data = draft.encode(signed) as Hex
    const past: PastAct = { what: draft.what, to: draft.to, data, model: (then) => draft.model(then, signed) }
    story.past.push(past)
    return { what: draft.what, to: draft.to, data, model: () => draft.model(at, signed) }
  }

  function again(story: Story, at: At): Step {
    const past = one(story.past)
    return { what: `${past.what} again`, to: past.to, data: past.data, model: () => past.model(at) }
  }

  function consentStep(story: Story, at: At): Step {
    const states = story.scopes.map((scope) => world.consents.stateOf(story.handle, scope).state)
    const kinds: (keyof typeof c)[] = ['grant', 'grant', 'grantWith', 'revoke', 'revokeMany', 'object']
    // What needs something in the slot is drawn where it is there, and now and then where it is not.
    if (states.includes(PERMIT) || chance(8)) kinds.push('renew', 'renew', 'renew')
    if (states.includes(OBJECTION) || chance(8)) kinds.push('withdraw', 'withdraw', 'withdraw')
    return sign(c[one(kinds)](story, at), story, at)
  }

  function batchStep(story: Story, at: At): Step {
    const { consentRegistry } = world.contracts
    const items = Array.from({ length: 1 + random.below(3) }, () => {
      const pastOnes = story.past.filter(({ to }) => to === consentRegistry)
      if (pastOnes.length > 0 && chance(25)) return again({ ...story, past: pastOnes }, at)
      return chance(15) ? consents.anchorReferral(story, at) : consentStep(story, at)
    })
    return consents.batchOf(items)
  }

  /** What a recovery waits for. */
  function recoveryStep(story: Story, at: At, own: boolean): Step {
    const { recovery } = patients.handleOf(story.handle)
    if (recovery === RECOVERY.vetoed) {
      const proposed = story.past.filter(({ what }) => what === 'RecoveryOverride')
      if (proposed.length > 0 && chance(80)) return again({ ...story, past: proposed }, at)
      return sign(h.overrideVeto(story, at), story, at)
    }
    if (own && chance(20)) return handles.unsigned('cancelRecovery', story, at)
    return chance(55) ? handles.unsigned('completeRecovery', story, at) : sign(h.veto(story), story, at)
  }

  function patientStep(story: Story, at: At): Step {
    const { handle } = story
    if (story.past.length > 0 && chance(9)) return again(story, at)
    const member = members.memberOf(at.sender)
    const registrar = (members.stateOf(member).roles & 4) !== 0
    if (!patients.isBound(handle) && chance(registrar ? 95 : 5))
      return sign(chance(80) ? h.bind(story, at) : h.bindGuardian(story, at), story, at)
    // Nothing but refusals comes of a handle that is not bound.
    if (!patients.isBound(handle) && chance(80)) return operatorStep(story, at.sender, at.now)
    const { locked, recovery, custodian } = patients.handleOf(handle)
    const own = patients.isBound(handle) && custodian === member
    if (recovery !== RECOVERY.none && chance(own ? 75 : 35)) return recoveryStep(story, at, own)
    if (locked && chance(50)) return sign(h.unlock(story, at), story, at)
    if (own && chance(12)) return sign(h.startRecovery(story, at), story, at)
    const permitted = story.scopes.some((scope) => world.consents.stateOf(handle, scope).state === PERMIT)
    if (own && chance(permitted ? 40 : 4)) return consents.anchorReferral(story, at)
    if (chance(14)) return batchStep(story, at)
    if (chance(62)) return consentStep(story, at)
    const usual = [
      'lock',
      'unlock',
      'appoint',
      'appoint',
      'appoint',
      'endDelegation',
      'switchOff',
      'switchOn',
    ] as const
    const rare = ['bind', 'bindGuardian', 'startRecovery', 'overrideVeto', 'veto'] as const
    return sign(h[one<keyof typeof h>(chance(94) ? usual : rare)](story, at), story, at)
  }

  /** The next step of a story, by whom it falls to. */
  return function draw(story: Story, sender: string, now: number): Step {
    const [council] = world.accounts
    if (sender === council ? chance(90) : chance(2)) return councilStep(sender, now)
    return chance(22) ? operatorStep(story, sender, now) : patientStep(story, { sender, now })
  }
}

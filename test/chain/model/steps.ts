import type { Hex } from '../../../src/domain/hex.ts'
import { createConsentActs, mayBeReferred, type Where } from './consent-acts.ts'
import { OBJECTION, PERMIT } from './consents.ts'
import { createHandleActs } from './handle-acts.ts'
import { type At, KIND, RECOVERY } from './handle-words.ts'
import { isPasskey, type Signed } from './keys.ts'
import { createMemberSteps } from './member-steps.ts'
import { createSuccessorSteps } from './successor-steps.ts'
import type { Draft, PastAct, Random, Registry, Step, Story, World } from './world.ts'

/** Draws steps that mostly land, and every kind of one that does not. */
export function createSteps(world: World, random: Random) {
  const { members, patients, first, next } = world
  const { one, chance } = random
  const handles = createHandleActs(world, random)
  const consents = createConsentActs(world, random, handles.masterKey)
  const { isBehind, takeOver } = createSuccessorSteps(world, random)
  const { councilStep, operatorStep } = createMemberSteps(world, random)
  const { drafts: h } = handles
  const { drafts: c } = consents

  /** Signs as it should be, or in one of the ways in which it should not. */
  function signatureOf({ key, digest }: Draft, { keys }: Story): Signed {
    const passkey = isPasskey(key)
    const odd = chance(passkey ? 25 : 5)
      ? one(['spoilt', 'spoilt', 'another key', 'signer'] as const)
      : 'none'
    if (odd === 'spoilt') return key.spoil(random, digest)
    const good = key.sign(digest)
    if (odd === 'another key')
      return { ...one(keys.filter((each) => each !== key)).sign(digest), signer: key.signer }
    if (odd === 'none') return good
    const { signer } = key
    const flipped = (at: number): Hex =>
      `0x${signer.slice(2, at)}${signer[at] === '0' ? '1' : '0'}${signer.slice(at + 1)}`
    const none: Hex = `0x${'ab'.repeat(one([0, 19, 21, 32, 115, 116, 117]))}`
    // Of a passkey: another verifier, a key off the curve, another relying party.
    return { ...good, signer: passkey && chance(60) ? flipped(one([9, 60, 200])) : none }
  }

  /** Who signs: mostly whoever should; else a helper who has been appointed, the new key, or anybody. */
  function sign(draft: Draft, story: Story, at: At): Step {
    const { to, registry } = draft
    const helper = story.keys[1]
    const helps = patients.rightsOf(story.handle, helper.signerHash).kind !== KIND.none
    const key = helps && chance(35) ? helper : chance(93) ? draft.key : one(story.keys)
    const signed = signatureOf({ ...draft, key }, story)
    const what = isPasskey(key) ? `${draft.what} by passkey` : draft.what
    const data = draft.encode(signed) as Hex
    const past: PastAct = {
      what,
      to,
      data,
      registry,
      model: (then, there) => draft.model(then, signed, there),
    }
    story.past.push(past)
    return { what, to, data, model: () => draft.model(at, signed) }
  }

  /** What was signed before, as it was sent or, where the story has moved, to the other registry. */
  function again(past: PastAct, at: At, sentTo: Registry | undefined): Step {
    const moved = sentTo !== past.registry
    const what = moved
      ? `${past.what}, again at the ${sentTo === next ? 'successor' : 'predecessor'}`
      : `${past.what} again`
    return { what, to: sentTo?.to ?? past.to, data: past.data, model: () => past.model(at, sentTo) }
  }
  function againOf(story: Story, pasts: PastAct[], at: At): Step {
    const past = one(pasts)
    return again(
      past,
      at,
      past.registry && story.moves === 'now' ? one([past.registry, first, next, next]) : past.registry,
    )
  }

  /** For which registry something is signed, and to which it is sent. */
  function whereOf({ moves }: Story): Where {
    if (moves !== 'now') return { signedFor: first, sentTo: first }
    return one([
      { signedFor: next, sentTo: next },
      { signedFor: next, sentTo: next },
      { signedFor: next, sentTo: next },
      { signedFor: first, sentTo: first },
      { signedFor: first, sentTo: first },
      { signedFor: first, sentTo: first },
      { signedFor: first, sentTo: next },
      { signedFor: first, sentTo: next },
      { signedFor: one([first, next]), sentTo: one([first, next]) },
    ])
  }

  function consentStep(story: Story, at: At, where: Where): Step {
    const states = story.scopes.map((scope) => where.sentTo.model.stateOf(story.handle, scope).state)
    const kinds: (keyof typeof c)[] = ['grant', 'grant', 'grantWith', 'revoke', 'revokeMany', 'object']
    // Nothing that widens lands where it was not signed for.
    if (where.signedFor !== where.sentTo) kinds.push('revoke', 'revoke', 'revokeMany', 'object')
    // What needs something in the slot is drawn where it is there, and now and then where it is not.
    if (states.includes(PERMIT) || chance(8)) kinds.push('renew', 'renew', 'renew')
    if (states.includes(OBJECTION) || chance(8)) kinds.push('withdraw', 'withdraw', 'withdraw')
    return sign(c[one(kinds)](story, at, where), story, at)
  }

  function batchStep(story: Story, at: At): Step {
    const { sentTo } = whereOf(story)
    const items = Array.from({ length: 1 + random.below(3) }, () => {
      const pasts = story.past.filter(
        ({ registry }) => registry === sentTo || (registry && story.moves === 'now'),
      )
      if (pasts.length > 0 && chance(25)) return again(one(pasts), at, sentTo)
      if (sentTo === next && chance(20)) return takeOver(story, at.now)
      if (chance(15)) return consents.anchorReferral(story, at, sentTo)
      const { signedFor } = whereOf(story)
      return consentStep(story, at, { signedFor: chance(70) ? sentTo : signedFor, sentTo })
    })
    return consents.batchOf(items, sentTo)
  }

  /** What a recovery waits for. */
  function recoveryStep(story: Story, at: At, own: boolean): Step {
    const { recovery } = patients.handleOf(story.handle)
    if (recovery === RECOVERY.vetoed) {
      const proposed = story.past.filter(({ what }) => what.startsWith('RecoveryOverride'))
      if (proposed.length > 0 && chance(80)) return againOf(story, proposed, at)
      return sign(h.overrideVeto(story, at), story, at)
    }
    if (own && chance(20)) return handles.unsigned('cancelRecovery', story, at)
    return chance(55) ? handles.unsigned('completeRecovery', story, at) : sign(h.veto(story), story, at)
  }

  function patientStep(story: Story, at: At): Step {
    const { handle } = story
    if (story.past.length > 0 && chance(9)) return againOf(story, story.past, at)
    if (story.moves === 'now' && chance(isBehind(story) ? 55 : 15)) return takeOver(story, at.now)
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
    const where = whereOf(story)
    const { sentTo } = where
    const refers = story.scopes.some((scope) => mayBeReferred(story, scope, sentTo))
    if (chance(own ? (refers ? 55 : 4) : refers ? 4 : 0)) return consents.anchorReferral(story, at, sentTo)
    if (chance(14)) return batchStep(story, at)
    if (chance(62)) return consentStep(story, at, where)
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

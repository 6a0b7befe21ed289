import type { Hex } from '../../../src/domain/hex.ts'
import { type Backing, type Item, MAY_REFER, OBJECTION, PERMIT } from './consents.ts'
import { hashes } from './digests.ts'
import { ELSEWHERE } from './handle-acts.ts'
import { type At, LAST_VERSION, today } from './handle-words.ts'
import { addressOf } from './keys.ts'
import { bytesOf, INTERFACES, Refused } from './outcome.ts'

import {
  type Draft,
  deadlineFrom,
  hash,
  near,
  type Random,
  type Registry,
  type Step,
  type Story,
  type World,
} from './world.ts'

const LAST_EPOCH = 2 ** 32 - 1
const calls = INTERFACES.consentRegistry

/** For which registry an act is signed, and to which it is sent. */
export type Where = { signedFor: Registry; sentTo: Registry }

/** Whether what stands in a slot lets the custodian refer the patient on. */
export const mayBeReferred = ({ handle }: Story, scope: Hex, { model }: Registry): boolean =>
  (model.stateOf(handle, scope).flags & MAY_REFER) !== 0

/** Draws acts about consents, to be signed by whom the caller says. */
export function createConsentActs(world: World, random: Random, masterKey: (story: Story) => Draft['key']) {
  const { members, patients, first } = world
  const { one, chance, below } = random

  /** What a kind of step is called: what goes to the first registry has no more than its name. */
  function named(what: string, { signedFor, sentTo }: Where): string {
    if (sentTo === first) return signedFor === first ? what : `${what} of the successor's`
    return signedFor === first ? `${what} of the predecessor's, at the successor` : `${what} at the successor`
  }
  const draft = (
    what: string,
    story: Story,
    where: Where,
    structHash: Hex,
    more: Pick<Draft, 'encode'> & {
      model: (model: Registry['model'], ...args: Parameters<Draft['model']>) => ReturnType<Draft['model']>
    },
  ): Draft => ({
    ...{ what: named(what, where), to: where.sentTo.to, registry: where.sentTo },
    ...{ digest: where.signedFor.digest(structHash), key: masterKey(story), encode: more.encode },
    model: (at, signed, registry = where.sentTo) => more.model(registry.model, at, signed),
  })
  const encode = (name: string, args: (signer: Hex, bytes: Hex) => unknown[]): Draft['encode'] => {
    return ({ signer, bytes }) => calls.encodeFunctionData(name, args(signer, bytes))
  }
  const terms = () => hash(`terms ${below(1000)}`)
  const slotIn = ({ handle, scopes }: Story, { model }: Registry, wanted: number) => {
    const fitting = scopes.filter((scope) => model.stateOf(handle, scope).state === wanted)
    return one(fitting.length > 0 ? fitting : scopes)
  }
  const upTo = (version: number) =>
    chance(97) ? near(random, version + below(2), LAST_VERSION) : one([LAST_VERSION - 1, LAST_VERSION])
  const nextAt = ({ handle }: Story, { model }: Registry, scope: Hex, now: number) => ({
    version: near(random, Math.min(model.stateOf(handle, scope).version + 1, LAST_VERSION), LAST_VERSION),
    epoch: near(random, patients.handleOf(handle).epoch, LAST_EPOCH),
    deadline: deadlineFrom(random, now),
  })
  const proof = () => (chance(60) ? [ELSEWHERE] : chance(80) ? [] : [hash('no proof')])

  function grantOf(story: Story, { sentTo }: Where, now: number) {
    const { handle } = story
    const scope = one(story.scopes)
    const fromDay = today(now) + one([-30, 0, 0, 0, 7])
    const length = chance(94) ? one([0, 30, 365, 3653]) : one([-1, -40, 3654, 4000])
    const flags = chance(96) ? one([0, 1, 2, 2, 3, 8, 10, 11, below(16)]) : 16 + below(240)
    const next = nextAt(story, sentTo, scope, now)
    return { handle, scope, terms: terms(), fromDay, untilDay: fromDay + length, flags, ...next }
  }

  /** What goes with a grant: a custodian's approval where it asks for one, mostly. */
  function backingOf(g: ReturnType<typeof grantOf>, { signedFor }: Where, now: number): Backing {
    const approvalDeadline = deadlineFrom(random, now)
    const { custodian } = patients.handleOf(g.handle)
    const own = world.desks.filter((desk) => members.memberOf(addressOf(desk)) === custodian)
    const desk = own.length > 0 && chance(90) ? one(own) : one(world.desks)
    const asked = (g.flags & 4) !== 0 ? chance(94) : chance(4)
    const over = hashes.approval(chance(96) ? hashes.grant(g) : hash('another grant'), approvalDeadline)
    const good = () => desk.sign(signedFor.digest(over)).serialized as Hex
    const approval: Hex = !asked ? '0x' : chance(97) ? good() : `0x${'00'.repeat(65)}`
    return { proof: proof(), approvalDeadline, approval }
  }

  const drafts = {
    grant(story: Story, { now }: At, where: Where): Draft {
      const g = grantOf(story, where, now)
      return draft('Grant', story, where, hashes.grant(g), {
        encode: encode('grant', (signer, bytes) => [g, signer, bytes]),
        model: (model, at, signed) => model.grant(at, g, signed),
      })
    },
    grantWith(story: Story, { now }: At, where: Where): Draft {
      const drawn = grantOf(story, where, now)
      const g = { ...drawn, flags: chance(60) ? drawn.flags | 4 : drawn.flags & 11 }
      const backing = backingOf(g, where, now)
      return draft('GrantWith', story, where, hashes.grant(g), {
        encode: encode('grantWith', (signer, bytes) => [g, backing, signer, bytes]),
        model: (model, at, signed) => model.grantWith(at, g, backing, signed),
      })
    },
    renew(story: Story, { now }: At, where: Where): Draft {
      const { handle } = story
      const scope = slotIn(story, where.sentTo, PERMIT)
      const kept = where.sentTo.model.stateOf(handle, scope).terms.toString(16).padStart(40, '0')
      // The slot holds 160 bits of the terms; the others may be any.
      const same: Hex = `0x${below(2 ** 32)
        .toString(16)
        .padStart(24, '0')}${kept}`
      const untilDay = today(now) + one([30, 365, 3653, 0, 1, -1, 3660])
      const next = nextAt(story, where.sentTo, scope, now)
      const r = { handle, scope, terms: chance(94) ? same : terms(), untilDay, ...next }
      const given = proof()
      return draft('Renewal', story, where, hashes.renewal(r), {
        encode: encode('renew', (signer, bytes) => [r, given, signer, bytes]),
        model: (model, at, signed) => model.renew(at, r, given, signed),
      })
    },
    revoke(story: Story, _: At, where: Where): Draft {
      const { handle } = story
      const scope = one(story.scopes)
      const r = { handle, scope, upToVersion: upTo(where.sentTo.model.stateOf(handle, scope).version) }
      return draft('Revocation', story, where, hashes.revocation(r), {
        encode: encode('revoke', (signer, bytes) => [r, signer, bytes]),
        model: (model, at, signed) => model.revoke(at, r, signed),
      })
    },
    revokeMany(story: Story, _: At, where: Where): Draft {
      const { handle } = story
      const count = chance(98) ? one([0, 1, 2, 2, 3]) : 257
      const items = Array.from({ length: count }, () => {
        const scope = one(story.scopes)
        return { scope, upToVersion: upTo(where.sentTo.model.stateOf(handle, scope).version) }
      })
      const r = { handle, items }
      return draft('RevocationList', story, where, hashes.revocationList(r), {
        encode: encode('revokeMany', (signer, bytes) => [r, signer, bytes]),
        model: (model, at, signed) => model.revokeMany(at, r, signed),
      })
    },
    object(story: Story, _: At, where: Where): Draft {
      const { handle } = story
      const scope = one(story.scopes)
      const { version } = where.sentTo.model.stateOf(handle, scope)
      const o = { handle, scope, terms: terms(), upToVersion: upTo(version) }
      return draft('Objection', story, where, hashes.objection(o), {
        encode: encode('object', (signer, bytes) => [o, signer, bytes]),
        model: (model, at, signed) => model.object(at, o, signed),
      })
    },
    withdraw(story: Story, { now }: At, where: Where): Draft {
      const { handle } = story
      const scope = slotIn(story, where.sentTo, OBJECTION)
      const w = { handle, scope, ...nextAt(story, where.sentTo, scope, now) }
      return draft('Withdrawal', story, where, hashes.withdrawal(w), {
        encode: encode('withdrawObjection', (signer, bytes) => [w, signer, bytes]),
        model: (model, at, signed) => model.withdraw(at, w, signed),
      })
    },
  }

  /** What the custodian sends by itself. */
  function anchorReferral(story: Story, at: At, registry: Registry): Step {
    const { handle, referrals } = story
    const { to, model: consents } = registry
    const referred = story.scopes.filter((each) => mayBeReferred(story, each, registry))
    const scope = referred.length > 0 && chance(85) ? one(referred) : slotIn(story, registry, PERMIT)
    const again = referrals.length > 0 && chance(10) ? one(referrals).referral : undefined
    const referral = again ?? hash(`referral ${below(1e9)}`)
    referrals.push({ scope, referral })
    const parent = consents.stateOf(handle, scope)
    const untilDay = chance(60) ? today(at.now) + one([0, 1, -1]) : parent.untilDay + one([0, 0, 1])
    const data = calls.encodeFunctionData('anchorReferral', [handle, scope, referral, untilDay])
    const model: Step['model'] = () => consents.anchorReferral(at, handle, scope, referral, untilDay)
    return { what: named('anchorReferral', { signedFor: registry, sentTo: registry }), to, data, model }
  }

  function batchOf(steps: Step[], registry: Registry): Step {
    const garbage: Item = {
      data: '0xab',
      model: () => {
        throw new Refused('', [])
      },
    }
    const items = steps.map(({ data, model }) => ({ data: data as Hex, model }))
    const odd = below(100)
    const given =
      odd < 4 ? [...items, garbage] : odd === 4 ? Array.from({ length: 101 }, () => garbage) : items
    const nested = odd === 5
    const all = [
      ...(nested ? [calls.encodeFunctionData('batch', [[]])] : []),
      ...given.map((item) => item.data),
    ]
    const data = calls.encodeFunctionData('batch', [all.map(bytesOf)])
    const what = named('batch', { signedFor: registry, sentTo: registry })
    return { what, to: registry.to, data, model: () => registry.model.batch(given, nested) }
  }

  return { drafts, anchorReferral, batchOf }
}

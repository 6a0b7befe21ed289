import type { Hex } from '../../../src/domain/hex.ts'
import { INTERFACES } from './outcome.ts'
import { hash, type Random, type Step, type Story, type World } from './world.ts'

const calls = INTERFACES.consentSuccessor

/** Draws how a successor takes over from its predecessor, which anybody may send. */
export function createSuccessorSteps(world: World, random: Random) {
  const { first } = world
  const { to, model } = world.next
  const { one, chance, below } = random
  const tooMany = () => Array.from({ length: 257 }, (_, i) => hash(`of nobody ${i}`))

  function adopt({ handle, scopes }: Story, now: number): Step {
    const [a, b] = scopes
    const drawn: Hex[] = one([[a], [b], [a, b], [a, b, a], [hash('a scope of nobody'), a], []])
    const given = chance(99) ? drawn : tooMany()
    const data = calls.encodeFunctionData('adopt', [handle, given])
    return { what: 'adopt', to, data, model: () => model.adopt(now, handle, given) }
  }

  function adoptReferrals(story: Story, now: number): Step {
    const { handle, scopes, referrals } = story
    const anchored = referrals.filter((each) => first.model.anchored(handle, each.scope, each.referral))
    const scope = anchored.length > 0 && chance(90) ? one(anchored).scope : one(scopes)
    const fitting = referrals.filter((each) => each.scope === scope).map(({ referral }) => referral)
    const more = one([[], [hash(`referral of nobody ${below(9)}`)], fitting.slice(0, 1)])
    const given = chance(98) ? [...fitting, ...more] : tooMany()
    const data = calls.encodeFunctionData('adoptReferrals', [handle, scope, given])
    return { what: 'adoptReferrals', to, data, model: () => model.adoptReferrals(now, handle, scope, given) }
  }

  /** Whether the predecessor has gone on in a slot that is the successor's already. */
  function isBehind({ handle, scopes }: Story): boolean {
    return scopes.some((scope) => {
      const own = model.ownWordOf(handle, scope)
      return own && own.version < first.model.stateOf(handle, scope).version
    })
  }

  function takeOver(story: Story, now: number): Step {
    const { handle, referrals } = story
    const anchored = referrals.some((each) => first.model.anchored(handle, each.scope, each.referral))
    return chance(anchored ? 70 : 5) ? adoptReferrals(story, now) : adopt(story, now)
  }

  return { isBehind, takeOver }
}

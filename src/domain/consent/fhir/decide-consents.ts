/** The decision on FHIR Consents: pure, total, and independent of their order. docs/decide.md states the rules. */
import type { SensitiveKind } from '../sensitivities.ts'
import { permittingEntry } from './anything.ts'
import { isUnfiltered, matchesData, type Verdict } from './data-filter.ts'
import { createDirectory, type Directory } from './directory.ts'
import { type Effect, effectsOf } from './effects.ts'
import { type Features, featuresOf } from './features.ts'
import { compare, comparePlain, type Entry, lastMatch, type Order, orderOf, winnerOf } from './order.ts'
import { type ParsedConsent, parseConsent } from './parse-consent.ts'
import { raisedFeatures } from './raised-features.ts'
import { flattenResources, type JsonObject, textOf } from './read.ts'
import { identify } from './recipient.ts'
import type { ConsentRequest } from './request.ts'
import { type Obligation, obligationsOf, type ResidualEntry, residualOf } from './residual.ts'
import { describeSpecificity, type Specificity } from './specificity.ts'

/** Consents and directory, read once; any number of requests can be decided on them. */
export type CompiledConsents = { readonly consents: readonly ParsedConsent[]; readonly directory: Directory }

/** The provision that decided, or was beaten: which consent, where in it, and how specific it is for the request. */
export type ProvisionRule = {
  readonly consent: string
  /** From the Consent, such as `provision.provision[0]`; `policyRule` where a policy stands in for the root's type. */
  readonly path: string
  readonly specificity: string[]
}

export type ResourceVerdict = {
  /** `Type/id`. */
  readonly id: string
  readonly decision: Verdict
  readonly rule: ProvisionRule | null
  /** Why it is withheld: a provision denies it, none permits it, no consent applies, or one cannot be enforced. */
  readonly withheld?: 'denied' | 'not-permitted' | 'no-consent' | 'unenforceable'
}

export type ConsentDecision = {
  readonly decision: Verdict | 'no-consent' | 'unenforceable'
  readonly rule: ProvisionRule | null
  readonly beaten: readonly (ProvisionRule & { readonly decision: Verdict })[]
  readonly residual: readonly ResidualEntry[]
  readonly obligations: readonly Obligation[]
  readonly resources: readonly ResourceVerdict[]
}

/**
 * Reads consents and directory out of R4 resources, arrays and Bundles of them. Whatever is neither is passed over;
 * whatever in a consent cannot be enforced is kept, and refuses.
 */
export function compileConsents(resources: unknown): CompiledConsents {
  const all = flattenResources(resources)
  const directory = createDirectory(all)
  const consents = all
    .filter(({ resourceType }) => resourceType === 'Consent')
    .map((consent) => parseConsent(consent, directory))
  return { consents, directory }
}

/** What the provisions that take effect say together, before anything is asked about a resource. */
type Weighed = {
  readonly weighed: readonly Effect[]
  readonly order: Order
  readonly decider: (resource: Features) => Entry | undefined
  readonly permitting: Entry | undefined
  /** The most specific of what cannot be enforced, where nothing more specific than it decides. */
  readonly barredBy: Effect | undefined
}

/** Undefined where no consent applies. */
function weigh({ consents, directory }: CompiledConsents, request: ConsentRequest): Weighed | undefined {
  const who = identify(request.recipient, directory, request.at)
  const effects: Effect[] = []
  const defective: Effect[] = []
  for (const consent of consents) {
    const found = effectsOf(consent, request, who, directory)
    effects.push(...found.effects)
    defective.push(...found.defective)
  }
  const barrier = defective.reduce<Effect | undefined>(
    (most, one) =>
      !most || one.rank > most.rank || (one.rank === most.rank && isBefore(one, most)) ? one : most,
    undefined,
  )
  if (effects.length === 0 && !barrier) return undefined
  const weighed = barrier ? [...effects, everythingDenied(barrier)] : effects
  const order = orderOf(weighed)
  const decider = deciderOf(order, weighed)
  const permitting = permittingEntry(order.entries, decider, request.classes)
  const isBarred = !permitting && barrier && !order.entries.some((entry) => isAbove(entry, barrier))
  return { weighed, order, decider, permitting, barredBy: isBarred ? barrier : undefined }
}

/** What the consents say of one resource that is known by its features alone. */
export type FeaturesVerdict =
  | { readonly says: Verdict; readonly specificity: Specificity }
  /** No provision is about it. */
  | { readonly says: 'silent' }
  /** One that cannot be enforced might be. */
  | { readonly says: 'unenforceable' }

/** Decides one request for one resource. */
export function judgeFeatures(
  compiled: CompiledConsents,
  request: ConsentRequest,
  resource: Features,
): FeaturesVerdict {
  const found = weigh(compiled, request)
  if (!found) return { says: 'silent' }
  if (found.barredBy) return { says: 'unenforceable' }
  const entry = found.decider(resource)
  if (!entry) return { says: 'silent' }
  if (entry.effect.isDefective) return { says: 'unenforceable' }
  return { says: entry.type, specificity: entry.effect.specificity }
}

/** What a request comes to, and the judge of single resources that goes with it. */
export type ConsentJudge = {
  readonly decision: Omit<ConsentDecision, 'resources'>
  /**
   * Whether one resource may be disclosed; for any number of them. `kinds` are what its custodian's rules find in it, beside
   * the labels that it has.
   */
  readonly judge: (resource: JsonObject, kinds?: readonly SensitiveKind[]) => ResourceVerdict
}

/** Decides one request, and says for each of the resources whether it may be disclosed. */
export function decideConsents(
  compiled: CompiledConsents,
  request: ConsentRequest,
  resources: readonly JsonObject[] = [],
): ConsentDecision {
  const { decision, judge } = judgeByConsents(compiled, request)
  return { ...decision, resources: resources.map((resource) => judge(resource)) }
}

/** Decides one request; its resources may come later, one by one. */
export function judgeByConsents(compiled: CompiledConsents, request: ConsentRequest): ConsentJudge {
  const found = weigh(compiled, request)
  if (!found) return refusal('no-consent', null)
  const { weighed, order, decider, permitting, barredBy } = found
  if (barredBy) return refusal('unenforceable', ruleOf(barredBy))

  const deciding = permitting ?? denyingEntry(order.entries)
  const residual = residualOf(order.entries)
  return {
    decision: {
      decision: permitting ? 'permit' : 'deny',
      rule: deciding ? ruleOf(deciding.effect) : null,
      beaten: deciding ? beatenBy(deciding.effect, weighed) : [],
      residual,
      obligations: permitting ? obligationsOf(residual) : [],
    },
    judge: (resource, kinds = []) => judge(resource, kinds, decider),
  }
}

const isBefore = (a: Effect, b: Effect) =>
  a.consent.id === b.consent.id ? a.path < b.path : a.consent.id < b.consent.id

/** A consent that cannot be enforced might deny everything at its own rank; it is a consent of its own here. */
function everythingDenied(effect: Effect): Effect {
  return { ...effect, consent: { ...effect.consent }, type: 'deny', filter: {}, depth: 0, isDefective: true }
}

/** Whether an entry denies everything and is more specific than what cannot be enforced. */
const isAbove = ({ effect, filter }: Entry, barrier: Effect) =>
  effect.rank > barrier.rank && effect.type === 'deny' && isUnfiltered(filter)

function deciderOf(
  { entries, isExact }: Order,
  effects: readonly Effect[],
): (resource: Features) => Entry | undefined {
  if (isExact) return (resource) => lastMatch(entries, resource)
  return (resource) => {
    const said = lastMatch(entries, resource)
    if (said?.type !== 'permit') return said
    const winner = winnerOf(effects.filter(({ filter, type }) => matchesData(filter, resource, type)))
    return winner && { type: winner.type, filter: winner.filter, effect: winner }
  }
}

/** Of a request that is denied: what denies everything, or else the strongest denial. */
function denyingEntry(entries: readonly Entry[]): Entry | undefined {
  const denials = entries.filter(({ type }) => type === 'deny')
  return denials.findLast(({ filter }) => isUnfiltered(filter)) ?? denials.at(-1)
}

/** Every provision that takes effect and gives way to the one that decided, the strongest first. */
function beatenBy(deciding: Effect, effects: readonly Effect[]): ConsentDecision['beaten'] {
  const seen = new Set<string>([nameOf(deciding)])
  return effects
    .filter((effect) => effect !== deciding && compare(effect, deciding) <= 0)
    .sort((a, b) => comparePlain(b, a))
    .flatMap((effect) => {
      if (seen.has(nameOf(effect))) return []
      seen.add(nameOf(effect))
      return [{ ...ruleOf(effect), decision: effect.type }]
    })
}

const nameOf = ({ consent, path }: Effect) => `${consent.id} ${path}`

const ruleOf = ({ consent, path, specificity }: Effect): ProvisionRule => ({
  consent: consent.id,
  path,
  specificity: describeSpecificity(specificity),
})

function judge(
  resource: JsonObject,
  kinds: readonly SensitiveKind[],
  decider: (resource: Features) => Entry | undefined,
): ResourceVerdict {
  const entry = decider(raisedFeatures(featuresOf(resource), kinds))
  const rule = entry ? ruleOf(entry.effect) : null
  const id = idOf(resource)
  if (entry?.type === 'permit') return { id, decision: 'permit', rule }
  return { id, decision: 'deny', rule, withheld: reasonOf(entry) }
}

function reasonOf(entry: Entry | undefined): NonNullable<ResourceVerdict['withheld']> {
  if (!entry) return 'not-permitted'
  return entry.effect.isDefective ? 'unenforceable' : 'denied'
}

function refusal(decision: 'no-consent' | 'unenforceable', rule: ProvisionRule | null): ConsentJudge {
  return {
    decision: { decision, rule, beaten: [], residual: [], obligations: [] },
    judge: (resource) => ({ id: idOf(resource), decision: 'deny', rule, withheld: decision }),
  }
}

function idOf({ resourceType, id }: JsonObject): string {
  const type = textOf(resourceType) ?? ''
  const own = textOf(id)
  return own === undefined ? type : `${type}/${own}`
}

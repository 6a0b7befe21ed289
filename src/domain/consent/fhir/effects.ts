/** Which provisions of one consent take effect for a request, and which cannot be enforced. */
import { fitActor } from './actor.ts'
import type { DataFilter, Verdict } from './data-filter.ts'
import { contains } from './dates.ts'
import type { Directory } from './directory.ts'
import type { ParsedConsent, Provision } from './parse-consent.ts'
import { fitPurposes } from './purpose-fit.ts'
import type { ActorLevel, Identity } from './recipient.ts'
import { areComparable, knownOf, type Named, namesOf } from './references.ts'
import type { ConsentRequest } from './request.ts'
import { rankOf, type Specificity } from './specificity.ts'

/** A provision that takes effect for a request: whatever its filter matches, it permits or denies. */
export type Effect = {
  readonly consent: ParsedConsent
  readonly path: string
  readonly depth: number
  readonly type: Verdict
  readonly filter: DataFilter
  readonly specificity: Specificity
  readonly rank: number
  /** Stands for one that cannot be enforced. */
  readonly isDefective?: true
}

export type Effects = {
  readonly effects: readonly Effect[]
  /** Provisions that might meet the request and cannot be enforced, as if each denied everything. */
  readonly defective: readonly Effect[]
}

const NONE: Effects = { effects: [], defective: [] }

/** How a provision meets the request; `maybe` where nothing at hand can tell. */
type Meeting = {
  readonly meets: 'yes' | 'maybe'
  /** Whether each purpose and each action claimed is covered, by it and by all above it: without that no permit. */
  readonly allCovered: boolean
  readonly recipient: ActorLevel
  readonly purpose?: number
}

const EVERYTHING: DataFilter = {}

export function effectsOf(
  consent: ParsedConsent,
  request: ConsentRequest,
  who: Identity,
  directory: Directory,
): Effects {
  if (!consent.isActive || !isCategoryAsked(consent, request)) return NONE
  const patient = fitPatient(consent.patient, request.patient)
  if (patient === 'no') return NONE
  const effects: Effect[] = []
  const defective: Effect[] = []
  /** What would still deny, should the consent as a whole not be enforceable. */
  const denying: Effect[] = []
  const meetings: (Meeting | undefined)[] = []
  for (const provision of consent.provisions) {
    const above = provision.parent < 0 ? AT_ROOT : meetings[provision.parent]
    const meeting = above && meet(provision, above, request, who, directory)
    meetings.push(meeting)
    if (!meeting) continue
    const effect = effectOf(consent, provision, meeting)
    if (provision.type !== 'permit') denying.push(effect)
    if (provision.defects.length > 0) defective.push(effect)
    else if (effect.type === 'deny') (meeting.meets === 'yes' ? effects : defective).push(effect)
    else if (meeting.meets === 'yes' && meeting.allCovered) effects.push(effect)
  }
  const root = consent.provisions[0]
  if (!meetings[0] || !root) return NONE
  if (patient === 'unknown') return { effects: [], defective: [...denying, ...defective] }
  const hasRootDefect = root.defects.length > 0 || isCategoryDoubtful(consent, request)
  if (!hasRootDefect && defective.length === 0) return { effects, defective }
  // Not enforceable as a whole: it permits nothing, and what it denies by itself stands.
  const atRoot = hasRootDefect ? [effectOf(consent, root, meetings[0]), ...denying] : []
  return { effects: effects.filter(({ type }) => type === 'deny'), defective: [...defective, ...atRoot] }
}

const AT_ROOT: Meeting = { meets: 'yes', allCovered: true, recipient: 0 }

function effectOf(consent: ParsedConsent, provision: Provision, { recipient, purpose }: Meeting): Effect {
  const specificity = { recipient, ...(purpose === undefined ? {} : { purpose }), data: provision.level }
  return {
    consent,
    path: provision.path,
    depth: provision.depth,
    type: provision.type ?? 'deny',
    filter: provision.defects.length > 0 ? EVERYTHING : provision.filter,
    specificity,
    rank: rankOf(specificity),
  }
}

function meet(
  { actors, actions, purposes, period, doubtful }: Provision,
  above: Meeting,
  request: ConsentRequest,
  who: Identity,
  directory: Directory,
): Meeting | undefined {
  let { meets, allCovered, recipient, purpose } = above
  if (period && !contains(period, request.at)) return undefined
  if (purposes && !doubtful.has('purpose')) {
    const fit = fitPurposes(purposes, request.purposes)
    if (!fit.any) return undefined
    allCovered &&= fit.all
    purpose = fit.farthest
  }
  if (actions && !doubtful.has('action')) {
    const covered = request.actions.filter((action) => actions.has(action)).length
    if (covered === 0) return undefined
    allCovered &&= covered === request.actions.length
  }
  if (actors && !doubtful.has('actor')) {
    const fit = fitActors(actors, request.at, who, directory)
    if (fit.fits === 'no') return undefined
    if (fit.fits === 'unknown') meets = 'maybe'
    // Naming anybody is naming nobody in particular.
    if (fit.level > 0) recipient = fit.level
  }
  // What cannot be read might have named this very request: it fits, and as closely as anything can.
  if (CONDITIONS.some((element) => doubtful.has(element))) meets = 'maybe'
  if (doubtful.has('purpose')) purpose = 0
  if (doubtful.has('actor')) recipient = 2
  return { meets, allCovered, recipient, ...(purpose === undefined ? {} : { purpose }) }
}

const CONDITIONS = ['actor', 'purpose', 'action', 'period']

function fitActors(
  actors: NonNullable<Provision['actors']>,
  at: number,
  who: Identity,
  directory: Directory,
) {
  let best: ReturnType<typeof fitActor> = { fits: 'no', level: 0 }
  for (const actor of actors) {
    const fit = fitActor(actor, who, directory, at)
    const better = ORDER[fit.fits] - ORDER[best.fits] || fit.level - best.level
    if (better > 0) best = fit
  }
  return best
}

const ORDER = { no: 0, unknown: 1, yes: 2 } as const

/** `unknown` where one side is known by reference and the other by identifier, or the consent names no patient. */
function fitPatient(named: Named, asked: Named | undefined): 'yes' | 'unknown' | 'no' {
  if (!asked) return 'yes'
  const names = namesOf(named)
  const wanted = namesOf(asked)
  if (names.some((name) => wanted.includes(name))) return 'yes'
  // Numbers of two systems may be one patient's.
  return areComparable(knownOf(names, false), knownOf(wanted, false)) ? 'no' : 'unknown'
}

const isCategoryNamed = ({ categories }: ParsedConsent, request: ConsentRequest) =>
  !request.categories || request.categories.some((category) => categories.has(category))

const isCategoryAsked = (consent: ParsedConsent, request: ConsentRequest) =>
  isCategoryNamed(consent, request) || consent.categoryDoubtful

const isCategoryDoubtful = (consent: ParsedConsent, request: ConsentRequest) =>
  !isCategoryNamed(consent, request) && consent.categoryDoubtful

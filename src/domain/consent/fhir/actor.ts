/** Actors of provisions, and whether a recipient is one of them. */
import { codingKey, keyOfCoding } from './codings.ts'
import type { Directory } from './directory.ts'
import { isObject, type JsonObject, listOf } from './read.ts'
import { type ActorLevel, type Identity, isKnownOutside } from './recipient.ts'
import {
  areComparable,
  type Known,
  knownOf,
  type Named,
  namesOf,
  readIdentifiers,
  readReference,
} from './references.ts'

const PARTICIPATION = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType'

/** Information recipient, and the kind of it to whom information goes first: whoever asks is both. */
const RECIPIENTS: ReadonlySet<unknown> = new Set(['IRCP', 'PRCP'])

export type Actor = {
  /** `recipient`: met by whoever asks. Otherwise the keys of which the recipient must claim one. */
  readonly role: 'recipient' | { readonly keys: readonly string[]; readonly participation: boolean }
  /** Absent where the actor names a role only. */
  readonly who?: {
    readonly names: readonly string[]
    readonly known: Known
    readonly isGroup: boolean
  }
}

export type Fit = { readonly fits: 'yes' | 'unknown' | 'no'; readonly level: ActorLevel }

export type ReadActor = { actor: Actor; reasons: string[] }

/**
 * Reads `provision.actor[i]`. `contained` are the resources in the same Consent. A reason says what can never be
 * understood, whoever asks.
 */
export function readActor(value: unknown, directory: Directory, contained: readonly JsonObject[]): ReadActor {
  if (!isObject(value)) return { actor: unreadable(), reasons: ['not an actor'] }
  const { role, reasons } = readRole(value.role)
  if (listOf(value.modifierExtension).length > 0) reasons.push('a modifier extension that is not known')
  for (const name of Object.keys(value)) if (!ELEMENTS.has(name)) reasons.push(`no element of R4: ${name}`)
  if (value.reference === undefined && value.role !== undefined) return { actor: { role }, reasons }
  return { actor: { role, who: readWho(readReference(value.reference), directory, contained) }, reasons }
}

const ELEMENTS: ReadonlySet<string> = new Set(['id', 'extension', 'modifierExtension', 'role', 'reference'])

const unreadable = (): Actor => ({
  role: 'recipient',
  who: { names: [], known: knownOf([], false), isGroup: false },
})

function readRole(value: unknown): { role: Actor['role']; reasons: string[] } {
  if (value === undefined) return { role: 'recipient', reasons: [] }
  const codings = isObject(value) ? listOf(value.coding) : []
  // These need no system: no other has a code of that name for anything else.
  if (codings.some((coding) => isObject(coding) && RECIPIENTS.has(coding.code)))
    return { role: 'recipient', reasons: [] }
  const keys = codings.flatMap((coding) => keyOfCoding(coding) ?? [])
  const malformed = !isObject(value) || keys.length < codings.length
  const participation = keys.some((key) => key.startsWith(codingKey(PARTICIPATION, '')))
  return { role: { keys, participation }, reasons: malformed ? ['a role that is no coding'] : [] }
}

function readWho(
  named: Named,
  directory: Directory,
  contained: readonly JsonObject[],
): NonNullable<Actor['who']> {
  const resource =
    named.contained === undefined ? undefined : contained.find(({ id }) => id === named.contained)
  const ids = [...named.ids, ...(resource ? readIdentifiers(resource.identifier) : [])]
  const names = directory.aliases(namesOf({ ...named, ids }))
  const isGroup =
    named.isGroup || resource?.resourceType === 'Group' || names.some((name) => name.startsWith('Group/'))
  return { names, known: knownOf(names, ids.length > 0), isGroup }
}

/** Whether the actor names anybody in particular, by reference or identifier, or a role. */
export const isIdentified = ({ who }: Actor): boolean => !who || who.names.length > 0

/** Whether the actor takes part in the consent as something else than recipient, such as custodian or author. */
export const takesOtherPart = ({ role }: Actor): boolean => role !== 'recipient' && role.participation

/** Whether the recipient is the actor, and as what. `unknown` where nothing at hand can tell. */
export function fitActor(actor: Actor, who: Identity, directory: Directory, at: number): Fit {
  const fit = fitReference(actor, who, directory, at)
  if (actor.role === 'recipient') return fit
  if (actor.role.keys.some((key) => who.roles?.has(key))) return fit
  // How somebody takes part in the consent (as custodian, as author) is no trait of whoever asks: nobody can tell.
  if (actor.role.participation) return { fits: 'unknown', level: fit.level }
  const open = fit.fits !== 'no' && (who.roles === undefined || actor.role.keys.length === 0)
  return { fits: open ? 'unknown' : 'no', level: fit.level }
}

function fitReference({ role, who: named }: Actor, who: Identity, directory: Directory, at: number): Fit {
  if (!named) return { fits: 'yes', level: role === 'recipient' ? 0 : 1 }
  const level = named.isGroup ? 1 : 2
  let best: 0 | 1 | 2 = 0
  for (const name of named.names) best = Math.max(best, who.names.get(name) ?? 0) as 0 | 1 | 2
  if (best > 0) return { fits: 'yes', level: Math.min(best, level) as ActorLevel }
  return { fits: isOther(named, who, directory, at) ? 'no' : 'unknown', level }
}

function isOther(named: NonNullable<Actor['who']>, who: Identity, directory: Directory, at: number): boolean {
  if (named.names.length === 0) return false
  if (named.isGroup) return isKnownOutside(named.names, who, directory, at)
  return areComparable(named.known, who.known)
}

/** Who asks, under every name by which a consent may mean it. */
import type { Directory } from './directory.ts'
import { areComparable, type Known, knownOf, type Named, namesOf } from './references.ts'

/** What a request says of whoever asks. */
export type Recipient = {
  readonly named: Named
  /** Keys of codings; absent where the request names no role. */
  readonly roles?: ReadonlySet<string>
  /** Complete where given: whoever asks is in no other group. */
  readonly groups?: readonly Named[]
}

/** How a consent's actor fits: as a named party (2), by role or group (1), as anybody (0). */
export type ActorLevel = 0 | 1 | 2

export type Identity = Recipient & {
  /** Every name of the recipient and of what it belongs to. */
  readonly names: ReadonlyMap<string, 1 | 2>
  readonly known: Known
}

export function identify(recipient: Recipient, directory: Directory, at: number): Identity {
  const stated = namesOf(recipient.named)
  const own = directory.aliases(stated)
  const names = new Map<string, 1 | 2>()
  const open: { name: string; level: 1 | 2; last: boolean }[] = []
  const add = (named: readonly string[], level: 1 | 2, last = false) => {
    for (const name of directory.aliases(named)) {
      if ((names.get(name) ?? 0) >= level) continue
      names.set(name, level)
      open.push({ name, level, last })
    }
  }
  const isRole = own.some((name) => name.startsWith('PractitionerRole/'))
  add(own, 2)
  for (const group of recipient.groups ?? []) add(namesOf(group), 1)
  for (const next of open) {
    if (next.last) continue
    const { organizations, groups } = directory.above([next.name], at)
    for (const above of organizations) {
      // Whoever acts in one role does not act in the person's other roles.
      const isPerson = isRole && (above.key?.startsWith('Practitioner/') ?? false)
      add(namesOf(above), next.level, isPerson)
    }
    for (const group of groups) add(namesOf(group), 1)
  }
  return { ...recipient, names, known: knownOf(own, recipient.named.ids.length > 0) }
}

/** Whether a group is known not to hold the recipient, by the request's own list or by the directory's. */
export function isKnownOutside(
  group: readonly string[],
  who: Identity,
  directory: Directory,
  at: number,
): boolean {
  const known = knownOf(group, false)
  if (who.groups)
    return who.groups.every((other) =>
      areComparable(known, knownOf(directory.aliases(namesOf(other)), false)),
    )
  const open: (readonly string[])[] = [group]
  const seen = new Set(group)
  for (const names of open) {
    const members = directory.members(names, at)
    if (!members) return false
    for (const member of members) {
      const others = directory.aliases(namesOf(member))
      if (!areComparable(knownOf(others, member.ids.length > 0), who.known)) return false
      if (!member.isGroup || others.some((name) => seen.has(name))) continue
      for (const name of others) seen.add(name)
      open.push(others)
    }
  }
  return true
}

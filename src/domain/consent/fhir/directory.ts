/**
 * Who belongs to whom, from the Group, Organization and PractitionerRole resources that came with the consents. Built
 * once; asked with the instant of the request, since memberships have periods.
 */
import { contains, readPeriod } from './dates.ts'
import { isObject, type JsonObject, listOf, textOf, wordOf } from './read.ts'
import { type Named, namesOf, readIdentifiers, readReference } from './references.ts'

type Member = { readonly entity: Named; readonly inForce: (at: number) => boolean | undefined }

type Entry = {
  readonly names: readonly string[]
  readonly isGroup: boolean
  /** Undefined where the group's members are not listed, so that nobody can tell from it who is in. */
  readonly members?: readonly Member[]
  readonly partOf?: Named
  readonly practitioner?: Named
  readonly organization?: Named
  readonly inForce: (at: number) => boolean | undefined
}

export type Directory = {
  /** Every name of the same party, the given ones included. */
  aliases(names: readonly string[]): string[]
  /** Those listed as in the group at the time; undefined where the directory cannot tell all of them. */
  members(names: readonly string[], at: number): readonly Named[] | undefined
  /** What a party belongs to directly, through organisations and roles, and through groups. */
  above(names: readonly string[], at: number): { organizations: Named[]; groups: Named[] }
}

const TYPES: ReadonlySet<unknown> = new Set(['Group', 'Organization', 'PractitionerRole'])

export function createDirectory(resources: readonly JsonObject[]): Directory {
  const entries = resources.filter(({ resourceType }) => TYPES.has(resourceType)).map(readEntry)
  const byName = indexed(entries, ({ names }) => names)
  const groupsOf = indexed(entries, ({ members }) => members?.flatMap(({ entity }) => namesOf(entity)) ?? [])
  const rolesOf = indexed(entries, ({ practitioner }) => (practitioner ? namesOf(practitioner) : []))

  const aliases = (names: readonly string[]): string[] => {
    if (entries.length === 0) return [...names]
    const found = new Set(names)
    for (const name of found) {
      for (const entry of byName.get(name) ?? []) for (const other of entry.names) found.add(other)
    }
    return [...found]
  }

  return {
    aliases,
    members(names, at) {
      const groups = aliases(names).flatMap((name) => (byName.get(name) ?? []).filter((e) => e.isGroup))
      const told = groups.filter((group) => group.members && group.inForce(at))
      if (told.length === 0) return undefined
      const members = told.flatMap((group) => group.members ?? [])
      if (members.some(({ inForce }) => inForce(at) === undefined)) return undefined
      return members.filter(({ inForce }) => inForce(at)).map(({ entity }) => entity)
    },
    above(names, at) {
      const organizations: Named[] = []
      const groups: Named[] = []
      if (entries.length === 0) return { organizations, groups }
      for (const name of names) {
        for (const entry of byName.get(name) ?? []) {
          if (entry.partOf) organizations.push(entry.partOf)
          if (!entry.inForce(at)) continue
          if (entry.practitioner) organizations.push({ ...entry.practitioner, isGroup: false })
          if (entry.organization) organizations.push(entry.organization)
        }
        for (const role of rolesOf.get(name) ?? []) {
          if (!role.inForce(at)) continue
          organizations.push(named(role.names))
          if (role.organization) organizations.push(role.organization)
        }
        for (const group of groupsOf.get(name) ?? []) {
          const isMember = group.members?.some(
            ({ entity, inForce }) => inForce(at) && namesOf(entity).includes(name),
          )
          if (isMember && group.inForce(at)) groups.push(named(group.names))
        }
      }
      return { organizations, groups }
    },
  }
}

function indexed(entries: readonly Entry[], namesIn: (entry: Entry) => readonly string[]) {
  const index = new Map<string, Entry[]>()
  for (const entry of entries) {
    for (const name of new Set(namesIn(entry))) {
      const there = index.get(name)
      if (there) there.push(entry)
      else index.set(name, [entry])
    }
  }
  return index
}

const named = (names: readonly string[]): Named => {
  const key = names.find((name) => !name.startsWith('='))
  const ids = names.filter((name) => name.startsWith('='))
  return { ...(key === undefined ? {} : { key }), ids, isGroup: false }
}

function readEntry(resource: JsonObject): Entry {
  const id = textOf(resource.id)
  const names = [
    ...(id === undefined ? [] : [`${wordOf(resource.resourceType)}/${id}`]),
    ...readIdentifiers(resource.identifier),
  ]
  const isGroup = resource.resourceType === 'Group'
  const reference = (value: unknown) => (isObject(value) ? readReference(value) : undefined)
  const partOf = resource.resourceType === 'Organization' ? reference(resource.partOf) : undefined
  const isRole = resource.resourceType === 'PractitionerRole'
  const practitioner = isRole ? reference(resource.practitioner) : undefined
  const organization = isRole ? reference(resource.organization) : undefined
  const members = isGroup ? readMembers(resource) : undefined
  const period = periodOf(isRole ? resource.period : undefined)
  return {
    names,
    isGroup,
    ...(members ? { members } : {}),
    ...(partOf ? { partOf } : {}),
    ...(practitioner ? { practitioner } : {}),
    ...(organization ? { organization } : {}),
    // What is marked as no longer in use, or says something that is not understood, vouches for nothing.
    inForce: resource.active === false || hasModifier(resource) ? () => false : period,
  }
}

/** The members of a group that lists them. One that only describes them (`actual` is not true) does not tell. */
function readMembers(group: JsonObject): Member[] | undefined {
  if (hasModifier(group)) return undefined
  if (!Array.isArray(group.member)) return group.actual === true ? [] : undefined
  return group.member.map((member: unknown) => {
    if (!isObject(member) || hasModifier(member))
      return { entity: readReference(undefined), inForce: () => undefined }
    const inForce = member.inactive === true ? () => false : periodOf(member.period)
    return { entity: readReference(member.entity), inForce }
  })
}

/** Whether a period contains an instant; undefined where it cannot be read. */
function periodOf(value: unknown): (at: number) => boolean | undefined {
  if (value === undefined) return () => true
  const period = readPeriod(value)
  return (at) => (period ? contains(period, at) : undefined)
}

const hasModifier = (resource: JsonObject) => listOf(resource.modifierExtension).length > 0

/** Who or what a Reference or an Identifier names. */
import { isObject, listOf, textOf } from './read.ts'

/**
 * A party or thing by every name that was given for it. `key` is `Type/id` (or a whole URN), `ids` are identifiers.
 * With neither, it is named in words only.
 */
export type Named = {
  readonly key?: string
  readonly ids: readonly string[]
  /** `#id` of a resource contained in the one that refers to it. */
  readonly contained?: string
  /** A Group or CareTeam: who is in it has to be told from elsewhere. */
  readonly isGroup: boolean
}

const GROUP_TYPES: ReadonlySet<string> = new Set(['Group', 'CareTeam'])

/** Identifiers and keys share maps; no `Type/id` begins like this. */
const idKey = (system: string, value: string) => `=${system}\n${value}`

/** The part of an identifier's key that two of them must share to be compared. */
const systemOf = (id: string): string => id.slice(0, id.indexOf('\n'))

/** Identifiers that have a value; one without a system is a system of its own. */
export function readIdentifiers(value: unknown): string[] {
  return listOf(value).flatMap((identifier) => {
    const text = isObject(identifier) ? textOf(identifier.value) : undefined
    return isObject(identifier) && text !== undefined ? [idKey(textOf(identifier.system) ?? '', text)] : []
  })
}

/** `Type/id` of a literal reference, of an absolute URL the last two parts; a URN as it is; undefined for others. */
export function keyOfReference(reference: unknown): string | undefined {
  const text = textOf(reference)
  if (text === undefined) return undefined
  if (text.startsWith('urn:')) return text
  const parts = text.split('/')
  // A version of a resource is that resource.
  if (parts.at(-2) === '_history') parts.splice(-2)
  const [type = '', id = ''] = parts.slice(-2)
  return parts.length > 1 && /^[A-Za-z]+$/.test(type) && /^[^\s?#]+$/.test(id) ? `${type}/${id}` : undefined
}

/** Reads a Reference; anything else names nobody. */
export function readReference(value: unknown): Named {
  if (!isObject(value)) return { ids: [], isGroup: false }
  const reference = textOf(value.reference)
  const key = keyOfReference(reference)
  const type = key?.startsWith('urn:') ? undefined : key?.split('/')[0]
  return {
    ...(key === undefined ? {} : { key }),
    ...(reference?.startsWith('#') ? { contained: reference.slice(1) } : {}),
    ids: readIdentifiers([value.identifier]),
    isGroup: GROUP_TYPES.has(type ?? textOf(value.type) ?? ''),
  }
}

export const isNamed = ({ key, ids }: Named): boolean => key !== undefined || ids.length > 0

/** Every name as a key of a map. */
export const namesOf = ({ key, ids }: Named): string[] => (key === undefined ? [...ids] : [key, ...ids])

/** What is known of one side, for asking whether it could be the other. */
export type Known = {
  /** A literal reference, stated or found in the directory. */
  readonly refs: boolean
  /** Whether an identifier was stated, rather than found in the directory. */
  readonly statesIds: boolean
  readonly ids: readonly string[]
}

export const knownOf = (names: Iterable<string>, statesIds: boolean): Known => {
  const all = [...names]
  return {
    refs: all.some((name) => !name.startsWith('=')),
    statesIds,
    ids: all.filter((name) => name.startsWith('=')),
  }
}

/**
 * Whether two that share no name are known to be two. One by reference and one by identifier may be the same;
 * identifiers that only the directory gives tell them apart where they are of one system.
 */
export function areComparable(a: Known, b: Known): boolean {
  if ((a.refs && b.refs) || (a.statesIds && b.statesIds)) return true
  const systems = new Set(a.ids.map(systemOf))
  return b.ids.some((id) => systems.has(systemOf(id)))
}

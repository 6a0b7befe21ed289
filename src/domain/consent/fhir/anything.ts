/**
 * Whether a list of provisions lets anything through at all: looks for a resource that it would permit. For each permit
 * it tries the least that matches, one alternative of each kind, since what a resource has besides can only bring more
 * denials upon it; its confidentiality, type and date it must have, so those that tell denials apart are tried.
 */

import { isResourceType, RESOURCE_TYPES } from '../resource-types.ts'
import { CONFIDENTIALITY_SYSTEM } from '../sensitivities.ts'
import { BELOW_NORMAL, classCode, codingKey, isConfidentiality } from './codings.ts'
import { isUnfiltered, matchesData } from './data-filter.ts'
import type { Span } from './dates.ts'
import type { Features } from './features.ts'
import type { Entry } from './order.ts'

/** More combinations than a person writes; beyond them the answer is no. */
const MAX_TRIED = 20_000

type Decider = (resource: Features) => Entry | undefined

/**
 * The entry that lets something through, of the classes asked for if any are: of the strongest consent that has one, the
 * shallowest. Undefined where nothing is let through.
 */
export function permittingEntry(
  entries: readonly Entry[],
  decider: Decider,
  classes: readonly string[] | undefined,
): Entry | undefined {
  const tries = { left: MAX_TRIED }
  let hasDenial = false
  for (const entry of entries.toReversed()) {
    const all = isUnfiltered(entry.filter)
    if (entry.type === 'permit') {
      const found = all && !hasDenial ? entry : letThrough(entry, entries, decider, classes, tries)
      if (found) return shallowest(found, entries, decider, classes, tries)
    }
    hasDenial ||= entry.type === 'deny'
    if (all) return undefined
  }
  return undefined
}

/** What permits the first resource found that matches the entry and is let through. */
function letThrough(
  entry: Entry,
  entries: readonly Entry[],
  decider: Decider,
  classes: readonly string[] | undefined,
  tries: { left: number },
): Entry | undefined {
  for (const witness of witnesses(entry, entries, classes)) {
    if (--tries.left < 0) return undefined
    const decided = matchesData(entry.filter, witness, 'permit') ? decider(witness) : undefined
    if (decided?.type === 'permit') return decided
  }
  return undefined
}

function shallowest(
  found: Entry,
  entries: readonly Entry[],
  ...rest: [Decider, readonly string[] | undefined, { left: number }]
) {
  const { consent, depth } = found.effect
  if (depth === 0) return found
  const others = entries.filter(
    ({ type, effect }) => type === 'permit' && effect.consent === consent && effect.depth < depth,
  )
  return (
    others
      .sort((a, b) => a.effect.depth - b.effect.depth)
      .find((other) => letThrough(other, entries, ...rest)?.effect === other.effect) ?? found
  )
}

const NOTHING: ReadonlySet<string> = new Set()

function* witnesses(
  { filter }: Entry,
  entries: readonly Entry[],
  classes: readonly string[] | undefined,
): Generator<Features> {
  const dates = datesToTry(entries)
  for (const data of filter.data ?? [undefined]) {
    const isItself = data?.meaning === 'instance'
    const own = isItself ? data.key.split('/')[0] : undefined
    for (const kind of kindsToTry([...(filter.class?.codes ?? [])], classes, entries, own)) {
      for (const labels of labelsToTry(filter.securityLabel?.keys ?? [undefined], entries)) {
        for (const code of filter.code?.keys ?? [undefined]) {
          for (const date of dates) {
            const key = data ? new Set([data.key]) : NOTHING
            yield {
              ...kind,
              labels,
              codes: code === undefined ? NOTHING : new Set([code]),
              ...(date ? { date } : {}),
              ...(isItself ? { self: data.key } : {}),
              // Naming an author is pointing at it.
              references: () => (isItself ? NOTHING : key),
              authors: () => (data?.meaning === 'authoredby' ? key : NOTHING),
            }
          }
        }
      }
    }
  }
}

type Kind = { type: string; profiles: string[] }

/** Types and profiles that are named, asked for and, for one instance, its own; else one that nothing names. */
function kindsToTry(
  named: readonly string[],
  asked: readonly string[] | undefined,
  entries: readonly Entry[],
  own: string | undefined,
): Kind[] {
  const kinds: Kind[] = []
  const free = own === undefined ? typesToTry(entries) : [own]
  for (const code of named.length > 0 ? named : [undefined]) {
    for (const wanted of asked?.map(classCode) ?? [undefined]) {
      const both = [code, wanted].filter((one) => one !== undefined)
      const types = [...new Set(both.filter(isResourceType))]
      const profiles = both.filter((one) => !isResourceType(one))
      if (types.length > 1 || profiles.some((one) => !one.includes(':'))) continue
      for (const type of types.length > 0 ? types : free) kinds.push({ type, profiles })
    }
  }
  return own === undefined ? kinds : kinds.filter(({ type }) => type === own)
}

const TYPES = Object.keys(RESOURCE_TYPES)

/** One type that no filter names stands for all of them; where all are named, all have to be tried. */
function typesToTry(entries: readonly Entry[]): readonly string[] {
  const named = new Set(entries.flatMap(({ filter }) => [...(filter.class?.codes ?? [])]))
  const free = TYPES.find((type) => !named.has(type))
  return free === undefined ? TYPES : [free]
}

const CONFIDENTIALITIES = [
  ...['N', 'R', 'V'].map((code) => codingKey(CONFIDENTIALITY_SYSTEM, code)),
  ...BELOW_NORMAL.map(({ code = '' }) => codingKey(CONFIDENTIALITY_SYSTEM, code)),
]

function* labelsToTry(
  named: Iterable<string | undefined>,
  entries: readonly Entry[],
): Generator<ReadonlySet<string>> {
  const matter = entries.some(({ filter }) => filter.securityLabel)
  for (const label of named) {
    if (label !== undefined && isConfidentiality(label)) yield new Set([label])
    else {
      for (const level of matter ? CONFIDENTIALITIES : CONFIDENTIALITIES.slice(0, 1))
        yield new Set(label === undefined ? [level] : [label, level])
    }
  }
}

/** At, just before and just after every bound: between two of those no period tells dates apart. */
function datesToTry(entries: readonly Entry[]): (Span | undefined)[] {
  const bounds = entries.flatMap(({ filter: { dataPeriod } }) =>
    dataPeriod ? [dataPeriod.from, dataPeriod.from - 1, dataPeriod.until, dataPeriod.until + 1] : [],
  )
  const found = [...new Set(bounds.filter(Number.isFinite))].map((at) => ({ from: at, until: at }))
  return entries.some(({ filter }) => filter.dataPeriod) ? [...found, { from: 0, until: 0 }] : [undefined]
}

import type { ConsentBody } from './body-hash.ts'

/** What has happened to a consent, as programs are told it; the codes of CodeSystem/consent-change. */
export const CONSENT_CHANGES = [
  'granted',
  'narrowed',
  'revoked',
  'ended',
  'objected',
  'objection-withdrawn',
  'locked',
  'unlocked',
] as const

export type ConsentChange = (typeof CONSENT_CHANGES)[number]

/** What a permit opens, by what is compared of it. Days since 1970-01-01. */
export type Extent = {
  dataClasses: readonly string[]
  sensitivities: readonly string[]
  fromDay: number
  untilDay: number
  body?: ConsentBody | string | undefined
}

/**
 * What a permit that takes another's place is: `narrowed` where it opens nothing that the other did not, and something less;
 * undefined where both open the same; otherwise `granted`. A body only narrows, so one where there was none is less; how two
 * bodies compare is not known.
 */
export function changeOf(before: Extent, after: Extent): 'granted' | 'narrowed' | undefined {
  const bodies = [before.body, after.body].map((body) => JSON.stringify(body ?? null))
  const isSame = sizeOf(before) === sizeOf(after) && isWithin(after, before) && bodies[0] === bodies[1]
  if (isSame) return undefined
  const isLess = isWithin(after, before) && (bodies[0] === 'null' || bodies[0] === bodies[1])
  return isLess ? 'narrowed' : 'granted'
}

const isSubset = (of: readonly string[], all: readonly string[]) => of.every((item) => all.includes(item))

const isWithin = (one: Extent, other: Extent) =>
  isSubset(one.dataClasses, other.dataClasses) &&
  isSubset(one.sensitivities, other.sensitivities) &&
  one.fromDay >= other.fromDay &&
  one.untilDay <= other.untilDay

const sizeOf = ({ dataClasses, sensitivities, fromDay, untilDay }: Extent) =>
  [new Set(dataClasses).size, new Set(sensitivities).size, fromDay, untilDay].join()

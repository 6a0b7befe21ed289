/** What may be disclosed of a request, as a list to be read in order, the last that matches deciding. */
import type { CodeableConcept, Coding, ConsentProvisionData, Period } from 'fhir/r4.js'
import { keyOfCoding } from './codings.ts'
import { type DataFilter, isUnfiltered, type Verdict, writeFilter } from './data-filter.ts'
import type { Entry } from './order.ts'

export type ResidualEntry = {
  readonly type: 'forbid' | 'permit'
  readonly securityLabel?: Coding[]
  readonly dataPeriod?: Period
  readonly data?: ConsentProvisionData[]
  readonly class?: Coding[]
  readonly code?: CodeableConcept[]
}

export type Obligation = {
  readonly id: { readonly system: string; readonly code: string }
  readonly parameters: { readonly codes: Coding[] } | { readonly exceptAnyOfCodes: Coding[] }
}

/** Without what cannot change any outcome. A list without a line for everything begins with one that forbids it. */
export function residualOf(entries: readonly Entry[]): ResidualEntry[] {
  const base = entries.findLastIndex(({ filter }) => isUnfiltered(filter))
  const permitsAll = entries[base]?.type === 'permit'
  const kept = withoutIdle(withoutShadowed(entries.slice(base + 1)), permitsAll ? 'permit' : 'deny')
  return [...(permitsAll ? [] : [{ type: 'forbid' } as const]), ...kept.map(({ written }) => written)]
}

type Line = { type: Verdict; written: ResidualEntry; text: string }

const lines = { permit: new WeakMap<DataFilter, Line>(), deny: new WeakMap<DataFilter, Line>() }

/** Provisions take effect in many decisions; each is put into words once. */
function lineOf({ type, filter }: Entry): Line {
  const known = lines[type].get(filter)
  if (known) return known
  const rest = writeFilter(filter, type)
  const written: ResidualEntry = { type: type === 'deny' ? 'forbid' : 'permit', ...rest }
  // A permit and a denial match the same only where no date is looked at.
  const line = { type, written, text: JSON.stringify(filter.dataPeriod ? written : rest) }
  lines[type].set(filter, line)
  return line
}

/** An entry is idle where a later one has the same filter. */
function withoutShadowed(entries: readonly Entry[]): Line[] {
  const all = entries.map(lineOf)
  return all.filter(({ text }, index) => !all.some((later, at) => at > index && later.text === text))
}

/** The first lines are idle as long as they say what goes without saying. */
function withoutIdle(all: readonly Line[], base: Verdict): Line[] {
  const first = all.findIndex(({ type }) => type !== base)
  return first < 0 ? [] : all.slice(first)
}

const REDACT = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'REDACT' } as const

/**
 * The labels of a residual for a CDS Hooks client, which knows of nothing else: to redact what carries a label that is
 * forbidden anywhere, and, where the list begins by forbidding all, what carries no label that is permitted anywhere.
 */
export function obligationsOf(residual: readonly ResidualEntry[]): Obligation[] {
  const labels = (wanted: ResidualEntry['type']) => {
    const found = residual.flatMap(({ type, securityLabel }) =>
      type === wanted ? (securityLabel ?? []) : [],
    )
    return [...new Map(found.map((coding) => [keyOfCoding(coding), coding])).values()]
  }
  const forbidsAll = residual[0]?.type === 'forbid' && Object.keys(residual[0]).length === 1
  const permitted = forbidsAll ? labels('permit') : []
  const forbidden = labels('forbid')
  return [
    ...(permitted.length > 0 ? [{ id: REDACT, parameters: { exceptAnyOfCodes: permitted } }] : []),
    ...(forbidden.length > 0 ? [{ id: REDACT, parameters: { codes: forbidden } }] : []),
  ]
}

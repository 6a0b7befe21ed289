import { AUDIT_KINDS } from '../../domain/audit/audit-entry.ts'
import { AUDIT_KIND_SYSTEM } from '../../domain/audit/audit-shapes.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { identifierText } from '../../domain/identity/member-id.ts'
import type { Named } from './references.ts'

/** By what the console searches the trail, each as it stands in an address; nobody is named in it but by a reference. */
const FILTERS = ['kind', 'outcome', 'purpose', 'from', 'to', 'of', 'with', 'sort', 'gaps'] as const
export type Filter = Partial<Record<(typeof FILTERS)[number], string>>

const FORMS: Readonly<Record<keyof Filter, RegExp>> = {
  kind: /^[a-z]+(-[a-z]+)*(,[a-z]+(-[a-z]+)*){0,19}$/,
  outcome: /^(0|4|8|12)(,(0|4|8|12)){0,3}$/,
  purpose: /^[A-Z]{1,12}$/,
  // a day, or an instant
  from: /^\d{4}-\d\d-\d\d(T[\d:.]{5,18}Z)?$/,
  to: /^\d{4}-\d\d-\d\d(T[\d:.]{5,18}Z)?$/,
  of: /^[A-Za-z0-9]{1,16}$/,
  with: /^[A-Za-z0-9]{1,16}$/,
  sort: /^-?date$/,
  gaps: /^yes$/,
}

/** @throws WayleaveError `request-invalid` that names the field, `unsupported-parameter` */
export function readFilter(given: unknown): Filter {
  const filter: Filter = {}
  for (const [name, value] of Object.entries((given ?? {}) as object)) {
    const known = FILTERS.find((one) => one === name)
    if (!known) throw wayleaveError('unsupported-parameter')
    if (typeof value !== 'string' || !FORMS[known].test(value)) throw wayleaveError('request-invalid', name)
    filter[known] = value
  }
  const kinds = filter.kind?.split(',') ?? []
  if (!kinds.every((kind) => AUDIT_KINDS.some((one) => one === kind)))
    throw wayleaveError('request-invalid', 'kind')
  return filter
}

/**
 * The same question in the words of ITI-81, which the trail is searched by.
 * @param named what the references in it stand for
 * @param exchanges that the filter is about, where it is about gaps
 */
export function trailParameters(
  { kind, outcome, purpose, from, to, sort = '-date' }: Filter,
  named: { of?: Named | undefined; with?: Named | undefined },
  exchanges: readonly string[] | undefined,
): Record<string, string | string[]> {
  const dates = [...(from ? [`ge${from}`] : []), ...(to ? [`le${to}`] : [])]
  return {
    _sort: sort,
    ...(kind
      ? {
          _tag: kind
            .split(',')
            .map((one) => `${AUDIT_KIND_SYSTEM}|${one}`)
            .join(','),
        }
      : {}),
    ...(outcome ? { outcome } : {}),
    ...(purpose ? { purpose } : {}),
    ...(dates.length > 0 ? { date: dates } : {}),
    ...(exchanges ? { 'entity.identifier': exchanges.join(',') } : {}),
    ...about(named.of),
    ...(named.with?.kind === 'organisation'
      ? { 'agent.identifier': escaped(identifierText(named.with.identifier)) }
      : {}),
  }
}

function about(named: Named | undefined): Record<string, string> {
  switch (named?.kind) {
    case undefined:
      return {}
    case 'patient':
      return { patient: named.patientId }
    case 'person':
      return { 'patient.identifier': identifierText(named.identifier) }
    case 'consent':
      return { policy: named.policy }
    case 'request':
      return { entity: named.task }
    case 'organisation':
      throw wayleaveError('request-invalid', 'of')
  }
}

/** What FHIR R4 §3.1.1.4.14 has a meaning for; the bar between system and value keeps its own. */
const escaped = (text: string) => text.replace(/[\\,$]/g, (found) => `\\${found}`)

/**
 * The rules of docs/decide.md once more, as plainly as they can be written and sharing nothing with the engine, for
 * consents of a small vocabulary: what each consent says of a resource, and how a residual is read.
 */
import type { Coding, Consent, ConsentProvision, FhirResource, Period } from 'fhir/r4.js'

type Verdict = 'permit' | 'deny'
type Asked = { at: string; recipient: string; groups: string[]; purposes: string[] }
type Filters = Pick<ConsentProvision, 'securityLabel' | 'class' | 'code' | 'dataPeriod' | 'data'>
export type Line = { type: string } & Filters
type Found = { depth: number; type: Verdict; rank: number[] }

const PARENTS: Record<string, string> = {
  BTG: 'ETREAT',
  ETREAT: 'TREAT',
  TREAT: 'PurposeOfUse',
  HRESCH: 'PurposeOfUse',
}

/** Steps from a purpose up to one that is named; undefined where none is met. */
function steps(claimed: string, named: string[]): number | undefined {
  for (let at: string | undefined = claimed, n = 0; at; at = PARENTS[at], n++)
    if (named.includes(at)) return n
  return undefined
}

type Context = { all: boolean; actor: number; purpose: number }

function* found(
  provision: ConsentProvision,
  asked: Asked,
  depth: number,
  above: Context,
  inherited: Filters,
): Generator<Found & { filters: Filters }> {
  const context = { ...above }
  if (provision.period && !inDays(asked.at, provision.period)) return
  if (provision.purpose?.length) {
    const named = provision.purpose.map(({ code = '' }) => code)
    const met = asked.purposes.flatMap((claimed) => steps(claimed, named) ?? [])
    if (met.length === 0) return
    if (met.length < asked.purposes.length) context.all = false
    context.purpose = 100 - Math.max(...met)
  }
  if (provision.actor?.length) {
    const levels = provision.actor.flatMap(({ reference }) => {
      const name = reference?.reference
      if (name === undefined) return [0]
      if (name === asked.recipient) return [2]
      return asked.groups.includes(name) ? [1] : []
    })
    if (levels.length === 0) return
    if (Math.max(...levels) > 0) context.actor = Math.max(...levels)
  }
  const filters: Filters = { ...inherited }
  if (provision.securityLabel) filters.securityLabel = provision.securityLabel
  if (provision.class) filters.class = provision.class
  if (provision.code) filters.code = provision.code
  if (provision.dataPeriod) filters.dataPeriod = provision.dataPeriod
  if (provision.data) filters.data = provision.data
  const type = provision.type ?? 'deny'
  if (type === 'deny' || context.all) {
    const levels = (filters.data ?? []).map(({ meaning }) => (meaning === 'instance' ? 3 : 2))
    const others = Object.keys(filters).length > 0 ? 1 : 0
    const data = levels.length === 0 ? others : type === 'deny' ? Math.max(...levels) : Math.min(...levels)
    yield { depth, type, rank: [context.actor, context.purpose, data], filters }
  }
  for (const nested of provision.provision ?? []) yield* found(nested, asked, depth + 1, context, filters)
}

const inDays = (at: string, { start = '0000', end = '9999' }: Period) =>
  start <= at.slice(0, 10) && at.slice(0, 10) <= end

/** Each consent's own verdict on a resource with its specificity; none where it is silent. */
function verdictOf(consent: Consent, asked: Asked, resource: FhirResource): Found | undefined {
  const all = [...found(consent.provision ?? {}, asked, 0, { all: true, actor: 0, purpose: 0 }, {})]
  const matching = all.filter(({ filters, type }) => matches(filters, resource, type))
  const deepest = matching.filter(({ depth }) => depth === Math.max(...matching.map((one) => one.depth)))
  const denials = deepest.filter(({ type }) => type === 'deny')
  return (denials.length > 0 ? denials : deepest).toSorted((a, b) => byRank(b.rank, a.rank))[0]
}

const byRank = (a: number[], b: number[]) =>
  a.reduce((order, one, i) => (order === 0 ? one - (b[i] ?? 0) : order), 0)

/** The more specific consent wins; at equal specificity a denial. What none permits is withheld. */
export function readRules(consents: Consent[], asked: Asked, resource: FhirResource): Verdict {
  const verdicts = consents.flatMap((consent) => verdictOf(consent, asked, resource) ?? [])
  const best = verdicts.filter((one) => verdicts.every((other) => byRank(one.rank, other.rank) >= 0))
  return best.length > 0 && best.every(({ type }) => type === 'permit') ? 'permit' : 'deny'
}

/** Whether any provision of any consent takes effect at all. */
export const anyTakesEffect = (consents: Consent[], asked: Asked): boolean =>
  consents.some(
    ({ provision }) =>
      [...found(provision ?? {}, asked, 0, { all: true, actor: 0, purpose: 0 }, {})].length > 0,
  )

/** A residual is read in order; the last line that matches decides, and without any the resource is open. */
export function readResidual(lines: readonly Line[], resource: FhirResource): Verdict {
  const line = lines.findLast((one) => matches(one, resource, one.type === 'permit' ? 'permit' : 'deny'))
  return line?.type === 'forbid' ? 'deny' : 'permit'
}

type Reference = { reference: string }
type Plain = {
  resourceType: string
  id?: string
  meta?: { security?: Coding[]; profile?: string[] }
  code?: { coding?: Coding[] }
} & { [element: string]: unknown }

const DATES =
  'effectiveDateTime effectivePeriod onsetDateTime onsetAge performedDateTime occurrenceDateTime period authoredOn date'

/** First and last day of a resource; none where it is not dated. */
function daysOf(resource: Plain): [string, string] | undefined {
  const name = DATES.split(' ').find((one) => resource[one] !== undefined) ?? ''
  const date = resource[name]
  if (typeof date === 'string')
    return [date.padEnd(10, '-01').slice(0, 10), date.padEnd(10, '-31').slice(0, 10)]
  const { start, end } = (date ?? {}) as Period
  return start === undefined ? undefined : [start, end ?? '9999']
}

const authorsOf = (resource: Plain) =>
  ['author', 'performer', 'asserter', 'recorder']
    .flatMap((name) => [resource[name]].flat() as (Reference & { actor?: Reference })[])
    .map((one) => (one?.actor ?? one)?.reference)

function matches(
  { securityLabel, class: classes, code, dataPeriod, data }: Filters,
  it: FhirResource,
  type: Verdict,
) {
  const resource = it as unknown as Plain
  const labels = resource.meta?.security ?? []
  const levels = labels.filter(({ system }) => system?.endsWith('v3-Confidentiality'))
  const system = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality'
  const carried = levels.length > 0 ? labels : [...labels, { system, code: 'N' }]
  if (securityLabel && !securityLabel.some((label) => carried.some((one) => coversLabel(label, one))))
    return false
  if (
    classes &&
    !classes.some((one) =>
      [resource.resourceType, ...(resource.meta?.profile ?? []).map((url) => url.split('|')[0])].includes(
        one.code ?? '',
      ),
    )
  )
    return false
  const codes = (resource.code?.coding ?? []).map(keyOf)
  if (code && !code.some(({ coding }) => coding?.some((one) => codes.includes(keyOf(one))))) return false
  if (dataPeriod) {
    const { start = '0000', end = '9999' } = dataPeriod
    const [first, last] = daysOf(resource) ?? ['9999', '0000']
    const isIn = start <= first && last <= `${end}-99`
    const isOut = last < start || first > `${end}-99`
    if (type === 'permit' ? !isIn || first > last : isOut && first <= last) return false
  }
  const self = `${resource.resourceType}/${resource.id}`
  return (
    !data ||
    data.some(({ meaning, reference: { reference = '' } }) => {
      const object = reference.split('/').slice(-2).join('/')
      if (meaning === 'authoredby') return authorsOf(resource).includes(object)
      return (
        self === object ||
        (meaning === 'related' && new RegExp(`[/"]${object}"`).test(JSON.stringify(resource)))
      )
    })
  )
}

const keyOf = ({ system, code }: Coding) => `${system} ${code}`

const coversLabel = (named: Coding, carried: Coding) =>
  (keyOf(named) === keyOf(carried) && named.code !== 'HTEST') ||
  (named.code === 'N' && ['U', 'L', 'M'].includes(carried.code ?? ''))

import { list, number, object, text } from '../loose.ts'
import { allWordsOf, codesOf, wordsOf } from './concepts.ts'
import { isFhirDate, type Resource, titleOf } from './own-entry.ts'

/** How a value lies to what is usual: as its range says, or as its source said. */
export type Verdict = 'below' | 'above' | 'inside' | 'unusual'

export type Measured = {
  /** With its comparator, where it has one; `<5`. */
  value: number
  comparator?: string
  unit?: string
  range?: { low?: number; high?: number }
  verdict?: Verdict
}

/** What a layperson can use of a resource: words of its source, codes of FHIR, dates and measurements. */
export type FactValue =
  | { is: 'text'; text: string }
  | { is: 'code'; code: string }
  | { is: 'date'; date: string }
  | ({ is: 'measured' } & Measured)
  | { is: 'parts'; parts: Part[] }

/** One of several things that a record tells together. */
export type Part = { title?: string; value?: FactValue }

export type FactName =
  | 'amount'
  | 'answer'
  | 'author'
  | 'dose'
  | 'end'
  | 'found'
  | 'goal'
  | 'hands'
  | 'lot'
  | 'made'
  | 'note'
  | 'parts'
  | 'people'
  | 'place'
  | 'reaction'
  | 'reason'
  | 'results'
  | 'risk'
  | 'start'
  | 'state'
  | 'steps'
  | 'value'

export type Fact = { name: FactName; value: FactValue }

export type Resolve = (reference: unknown) => Resource | undefined

/** The facts of a resource, in the order in which they are read. */
export function factsOf(resource: Resource, resolve: Resolve): Fact[] {
  const own = OF_TYPE[resource.resourceType]?.(resource, resolve) ?? []
  return [...own, ...common(resource)]
}

const OF_TYPE: Readonly<Record<string, (resource: Resource, resolve: Resolve) => Fact[]>> = {
  Observation: (r) => [
    ...one('value', foundIn(r)),
    ...parts(
      'parts',
      list(r.component).map((part) => partOf(object(part))),
    ),
  ],
  DiagnosticReport: (r, resolve) => [
    ...parts(
      'results',
      list(r.result).flatMap((reference): Part[] => {
        const found = resolve(object(reference).reference)
        return found ? [resultOf(found, resolve)] : allWordsOf(reference).map((title) => ({ title }))
      }),
    ),
    ...texts('found', [r.conclusion]),
    ...texts('found', allWordsOf(r.conclusionCode)),
  ],
  MedicationRequest: medicine,
  MedicationStatement: medicine,
  MedicationDispense: (r, resolve) => [
    ...medicine(r, resolve),
    ...one('amount', measured(r.quantity)),
    ...dates('hands', r.whenHandedOver),
  ],
  MedicationAdministration: (r) => {
    const { text: written, dose, route } = object(r.dosage)
    return [...texts('dose', [written, wordsOf(route)]), ...one('amount', measured(dose))]
  },
  AllergyIntolerance: (r) => [
    ...codes('risk', r.criticality),
    ...texts(
      'reaction',
      list(r.reaction).flatMap((reaction) => allWordsOf(object(reaction).manifestation)),
    ),
  ],
  Condition: (r) => [...dates('end', r.abatementDateTime), ...texts('place', allWordsOf(r.bodySite))],
  Immunization: (r) => [...texts('lot', [r.lotNumber])],
  Encounter: (r) => [
    ...period(r.period),
    ...texts(
      'place',
      list(r.location).flatMap((one_) => wordsOf(object(one_).location) ?? []),
    ),
    ...texts(
      'people',
      list(r.participant).flatMap((one_) => wordsOf(object(one_).individual) ?? []),
    ),
    ...texts('author', [wordsOf(r.serviceProvider)]),
  ],
  Procedure: (r) => [...period(r.performedPeriod), ...texts('place', [wordsOf(r.location)])],
  DocumentReference: (r) => texts('author', allWordsOf(r.author)),
  CareTeam: (r) => [
    ...period(r.period),
    ...texts(
      'people',
      list(r.participant).flatMap((one_) => wordsOf(object(one_).member) ?? []),
    ),
  ],
  CarePlan: (r) => [
    ...period(r.period),
    ...parts(
      'steps',
      list(r.activity).flatMap((activity) => {
        const { code, status, description } = object(object(activity).detail)
        const title = wordsOf(code) ?? text(description)
        const [state] = codesOf(status)
        return title === undefined
          ? []
          : [{ title, ...(state ? { value: { is: 'code', code: state } as const } : {}) }]
      }),
    ),
  ],
  Goal: (r) => texts('goal', [wordsOf(r.description)]),
  Device: (r) => [
    ...dates('made', r.manufactureDate),
    ...dates('end', r.expirationDate),
    ...texts('lot', [r.lotNumber]),
  ],
  ImagingStudy: (r) => texts('place', [wordsOf(r.location)]),
  Patient: (r) => dates('start', r.birthDate),
  QuestionnaireResponse: (r) =>
    parts(
      'answer',
      list(r.item).flatMap((item) => {
        const { text: title, answer } = object(item)
        const given = list(answer).flatMap((each) => answerOf(object(each)) ?? [])
        return given.map((value) => ({ ...(text(title) ? { title: text(title) ?? '' } : {}), value }))
      }),
    ),
}

/** What most resources have. */
function common(r: Resource): Fact[] {
  const state = r.clinicalStatus === undefined ? r.status : r.clinicalStatus
  return [
    ...codes('state', list(state).slice(0, 1)),
    ...texts('reason', [...allWordsOf(r.reasonCode), ...allWordsOf(r.reasonReference)]),
    ...texts(
      'note',
      list(r.note).map((note) => object(note).text),
    ),
  ]
}

function medicine(r: Resource, _resolve: Resolve): Fact[] {
  return list(r.dosageInstruction ?? r.dosage).flatMap((dosage) => {
    const { text: written, patientInstruction, timing, doseAndRate, asNeededBoolean } = object(dosage)
    const said = [patientInstruction, written].map(text).find((each) => each !== undefined)
    if (said !== undefined) return texts('dose', [said])
    const { frequency, period: every, periodUnit } = object(object(timing).repeat)
    const [dose] = list(doseAndRate).flatMap((each) => number(object(object(each).doseQuantity).value) ?? [])
    const times = number(frequency)
    const length = number(every)
    const unit = text(periodUnit)
    const isPlain =
      times !== undefined && length !== undefined && unit !== undefined && /^[a-z]{1,3}$/u.test(unit)
    if (!isPlain && asNeededBoolean !== true) return []
    // Told in the reader's language: `dose:amount:times:period:unit`, or that it is taken when needed.
    const code = isPlain ? `dose:${dose ?? 0}:${times}:${length}:${unit}` : 'as-needed'
    return [{ name: 'dose', value: { is: 'code', code } } satisfies Fact]
  })
}

/** What an Observation, or a part of one, has found. */
function foundIn(r: Readonly<Record<string, unknown>>): FactValue | undefined {
  const quantity = measured(r.valueQuantity, r.referenceRange, r.interpretation)
  if (quantity) return quantity
  const plain =
    text(r.valueString) ??
    wordsOf(r.valueCodeableConcept) ??
    (typeof r.valueBoolean === 'boolean' ? String(r.valueBoolean) : undefined) ??
    number(r.valueInteger)?.toString() ??
    wordsOf(r.dataAbsentReason)
  if (plain !== undefined) return { is: 'text', text: plain }
  const when = text(r.valueDateTime)
  return when !== undefined && isFhirDate(when) ? { is: 'date', date: when } : undefined
}

function answerOf(answer: Readonly<Record<string, unknown>>): FactValue | undefined {
  return foundIn({ ...answer, valueCodeableConcept: answer.valueCoding }) ?? measured(answer.valueDecimal)
}

/** @param ranges Observation.referenceRange @param said Observation.interpretation */
function measured(quantity: unknown, ranges?: unknown, said?: unknown): FactValue | undefined {
  const { value, unit, code, comparator } = object(quantity)
  const amount = number(value) ?? number(quantity)
  if (amount === undefined) return undefined
  const range = rangeIn(ranges, text(code) ?? text(unit))
  const verdict = verdictOf(amount, text(comparator), range, said)
  return {
    is: 'measured',
    value: amount,
    ...(text(comparator) ? { comparator: text(comparator) ?? '' } : {}),
    ...(text(unit) ? { unit: text(unit) ?? '' } : {}),
    ...(range ? { range } : {}),
    ...(verdict ? { verdict } : {}),
  }
}

/** The range that is usual for people like this one: in the same unit, and not that of another condition. */
function rangeIn(ranges: unknown, unit: string | undefined) {
  for (const each of list(ranges)) {
    const { low, high, type, appliesTo } = object(each)
    const [kind] = codesOf(type)
    if ((kind !== undefined && kind !== 'normal') || list(appliesTo).length > 0) continue
    const same = [low, high].every((limit) => {
      const { code, unit: name } = object(limit)
      const named = text(code) ?? text(name)
      return named === undefined || named === unit
    })
    const bounds = { low: number(object(low).value), high: number(object(high).value) }
    if (!same || (bounds.low === undefined && bounds.high === undefined)) continue
    return {
      ...(bounds.low === undefined ? {} : { low: bounds.low }),
      ...(bounds.high === undefined ? {} : { high: bounds.high }),
    }
  }
  return undefined
}

/** What the laboratory itself said goes first: it knows more than the range that it wrote down. */
function verdictOf(
  value: number,
  comparator: string | undefined,
  range: { low?: number; high?: number } | undefined,
  said: unknown,
): Verdict | undefined {
  for (const code of codesOf(said)) {
    const verdict = INTERPRETATIONS[code]
    if (verdict) return verdict
  }
  // Of `<5` nobody knows how far below it is.
  if (!range || comparator !== undefined) return undefined
  if (range.low !== undefined && value < range.low) return 'below'
  if (range.high !== undefined && value > range.high) return 'above'
  return 'inside'
}

/** HL7 v3 ObservationInterpretation, as far as it tells a side. */
const INTERPRETATIONS: Readonly<Record<string, Verdict>> = {
  ...{ L: 'below', LL: 'below', LU: 'below', '<': 'below' },
  ...{ H: 'above', HH: 'above', HU: 'above', '>': 'above' },
  ...{ N: 'inside', A: 'unusual', AA: 'unusual' },
}

function partOf(part: Readonly<Record<string, unknown>>) {
  const title = wordsOf(part.code)
  const value = foundIn(part)
  return { ...(title ? { title } : {}), ...(value ? { value } : {}) }
}

function resultOf(found: Resource, resolve: Resolve) {
  const title = titleOf(found, resolve)
  const value = foundIn(found)
  return { ...(title ? { title } : {}), ...(value ? { value } : {}) }
}

function one(name: FactName, value: FactValue | undefined): Fact[] {
  return value ? [{ name, value }] : []
}

/** All of them as one text, each once. */
function texts(name: FactName, values: unknown[]): Fact[] {
  const said = [...new Set(values.flatMap((each) => text(each) ?? []))]
  return said.length > 0 ? [{ name, value: { is: 'text', text: said.join(', ') } }] : []
}

function codes(name: FactName, value: unknown): Fact[] {
  const [code] = codesOf(value)
  return code === undefined ? [] : [{ name, value: { is: 'code', code } }]
}

function dates(name: FactName, value: unknown): Fact[] {
  const date = text(value)
  return date !== undefined && isFhirDate(date) ? [{ name, value: { is: 'date', date } }] : []
}

function period(value: unknown): Fact[] {
  const { start, end } = object(value)
  return [...dates('start', start), ...dates('end', end)]
}

function parts(name: FactName, all: Part[]): Fact[] {
  const telling = all.filter(({ title, value }) => title !== undefined || value !== undefined)
  return telling.length > 0 ? [{ name, value: { is: 'parts', parts: telling } }] : []
}

/** Answers of a FHIR server and what is asked about them, in few words. */
import { compileConsents, judgeByConsents } from '../../../../src/domain/consent/fhir/decide-consents.ts'

import { readConsentRequest } from '../../../../src/domain/consent/fhir/request.ts'
import {
  type Filtered,
  type FilterRules,
  filterAnswer,
} from '../../../../src/domain/consent/filtering/filter-answer.ts'
import { verdictByConsents } from '../../../../src/domain/consent/filtering/verdict-by-consents.ts'
import { DEFAULT_RULES } from '../../../../src/domain/records/labels/default-rules.ts'
import { compileRules, labelResource } from '../../../../src/domain/records/labels/label-resource.ts'
import { consent, deny, permit, request } from '../fhir/builders.ts'

export type Resource = { resourceType: string; id?: string; [element: string]: unknown }

export const BASE = 'https://hospital.example/fhir'
export const BSN = 'http://fhir.nl/fhir/NamingSystem/bsn'
export const ours = { reference: 'Patient/p' }
export const theirs = { reference: 'Patient/q' }

export const thePatient: Resource = {
  resourceType: 'Patient',
  id: 'p',
  identifier: [{ system: BSN, value: '999900006' }],
}

const compiledRules = compileRules(DEFAULT_RULES)

/** All is permitted, except what is denied or of these classes only. */
export function rulesOf({
  denies = ['PSY', 'HIV', 'ETH', 'SDV', 'GDIS', 'R', 'V'],
  classes = [],
  labels = [],
  about = [],
  ...rest
}: Partial<FilterRules> & {
  denies?: string[]
  classes?: string[]
  labels?: string[]
  about?: string[]
} = {}): FilterRules {
  const compiled = compileConsents([
    consent(
      permit({
        ...(classes.length > 0 ? { classes } : {}),
        ...(labels.length > 0 ? { labels } : {}),
        but: [
          deny({ labels: denies }),
          ...about.map((reference) => deny({ about: [['instance', reference]] })),
        ],
      }),
    ),
  ])
  return {
    patient: { reference: 'Patient/p', identifiers: [] },
    base: BASE,
    tellsRedactions: false,
    label: (resource) => labelResource(resource, compiledRules),
    verdict: verdictByConsents(judgeByConsents(compiled, readConsentRequest(request()))),
    ...rest,
  }
}

export const observation = (id: string, more: object = {}): Resource => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '2339-0', display: 'Glucose' }] },
  subject: ours,
  ...more,
})

/** Denied by `rulesOf`, by its label at the source. */
export const secret = (id: string, more: object = {}): Resource =>
  observation(id, {
    meta: {
      security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' }],
    },
    ...more,
  })

export const entryOf = (resource: unknown, mode?: string): object => ({
  resource,
  ...(mode === undefined ? {} : { search: { mode } }),
})

export const bundleOf = (type: string, entry: unknown[], more: object = {}): Resource => ({
  resourceType: 'Bundle',
  type,
  ...more,
  entry,
})

export const searchset = (...resources: Resource[]): Resource =>
  bundleOf(
    'searchset',
    resources.map((resource) => entryOf(resource, 'match')),
  )

/** `Type/id` of what is released, in its order, Bundles in Bundles opened; and why each of the others is not. */
export function outcome(answer: unknown, rules: FilterRules = rulesOf()) {
  const filtered = filterAnswer(answer, rules)
  return {
    released: namesIn(filtered.answer),
    withheld: Object.fromEntries(filtered.withheld.map(({ id, path, reason }) => [id ?? path, reason])),
  }
}

export function namesIn(answer: Filtered['answer']): string[] {
  if (!answer) return []
  if (answer.resourceType !== 'Bundle') return [`${String(answer.resourceType)}/${String(answer.id)}`]
  const entries = (answer.entry ?? []) as { resource?: Resource; request?: { url: string } }[]
  return entries.flatMap(({ resource, request: asked }) =>
    resource ? namesIn(resource) : [`deleted ${asked?.url ?? ''}`],
  )
}

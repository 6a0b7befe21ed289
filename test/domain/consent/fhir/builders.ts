/** Consents, requests and resources in few words. */
import type { Coding, Consent, ConsentProvision, ConsentProvisionActor } from 'fhir/r4.js'
import {
  type ConsentDecision,
  compileConsents,
  decideConsents,
} from '../../../../src/domain/consent/fhir/decide-consents.ts'
import { flattenResources } from '../../../../src/domain/consent/fhir/read.ts'
import { readConsentRequest } from '../../../../src/domain/consent/fhir/request.ts'

const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem'

const CONFIDENTIALITY = ['U', 'L', 'M', 'N', 'R', 'V']

/** A confidentiality code, or else a code of sensitive information. */
export const label = (code: string): Coding => ({
  system: `${TERMINOLOGY}/${CONFIDENTIALITY.includes(code) ? 'v3-Confidentiality' : 'v3-ActCode'}`,
  code,
})

export const purpose = (code: string): Coding => ({ system: `${TERMINOLOGY}/v3-ActReason`, code })
export const action = (code: string): Coding => ({ system: `${TERMINOLOGY}/consentaction`, code })
export const role = (code: string): Coding => ({ system: `${TERMINOLOGY}/v3-ParticipationType`, code })
export const category = (code: string): Coding => ({ system: 'http://loinc.org', code })
export const number = (value: string, system = 'urn:oid:1.2.3') => ({ system, value })
export const code = (value: string): Coding => ({ system: 'http://snomed.info/sct', code: value })

const recipientRole = { coding: [role('IRCP')] }

/** The actor who receives information: by reference, or anybody. */
export const access = (reference?: string): ConsentProvisionActor =>
  ({
    role: recipientRole,
    ...(reference === undefined ? {} : { reference: { reference } }),
  }) as ConsentProvisionActor

/** The actor who receives information, by identifier. */
export const numbered = (value: string, system?: string): ConsentProvisionActor => ({
  role: recipientRole,
  reference: { identifier: number(value, system) },
})

/** Without the fields that hold nothing. */
export function withoutEmpty(value: object): object {
  return Object.fromEntries(
    Object.entries(value).filter(([, one]) => one !== undefined && !(Array.isArray(one) && one.length === 0)),
  )
}

/** What a provision says, in short; whatever else it holds goes in as it is. */
type Terms = {
  to?: string | string[]
  for?: string | string[]
  actions?: string[]
  labels?: string[]
  classes?: string[]
  codes?: string[]
  about?: [meaning: string, reference: string][]
  dated?: object
  but?: ConsentProvision[]
} & { [element: string]: unknown }

const all = <T>(value: T | T[] | undefined): T[] => (value === undefined ? [] : ([value].flat() as T[]))

function provision(type: 'permit' | 'deny' | undefined, terms: Terms): ConsentProvision {
  const { to, for: purposes, actions, labels, classes, codes, about, dated, but, ...rest } = terms
  return withoutEmpty({
    type,
    actor: all(to).map(access),
    purpose: all(purposes).map(purpose),
    action: all(actions).map((one) => ({ coding: [action(one)] })),
    securityLabel: all(labels).map(label),
    class: all(classes).map((one) => ({ system: 'http://hl7.org/fhir/resource-types', code: one })),
    code: all(codes).map((one) => ({ coding: [code(one)] })),
    dataPeriod: dated,
    data: all(about).map(([meaning, reference]) => ({ meaning, reference: { reference } })),
    provision: but,
    ...rest,
  }) as ConsentProvision
}

export const permit = (terms: Terms = {}): ConsentProvision => provision('permit', terms)
export const deny = (terms: Terms = {}): ConsentProvision => provision('deny', terms)
export const untyped = (terms: Terms = {}): ConsentProvision => provision(undefined, terms)

/** A consent in force, with its own id so that several can be told apart. */
export function consent(root?: ConsentProvision, more: object = {}): Consent {
  return {
    resourceType: 'Consent',
    id: 'consent',
    status: 'active',
    scope: { coding: [{ system: `${TERMINOLOGY}/consentscope`, code: 'patient-privacy' }] },
    category: [{ coding: [category('59284-0')] }],
    patient: { reference: 'Patient/p' },
    ...(root ? { provision: root } : {}),
    ...more,
  } as Consent
}

export const policy = (...codes: string[]) => ({ policyRule: { coding: codes.map(label) } })

/** Organisation a asks for treatment on 1 June 2025, unless told. */
export const request = (more: object = {}): object => ({
  at: '2025-06-01T12:00:00Z',
  recipient: { reference: 'Organization/a' },
  purposeOfUse: [purpose('TREAT')],
  ...more,
})

export const claiming = (...codes: string[]) => ({ purposeOfUse: codes.map(purpose) })
export const by = (recipient: object) => ({ recipient })
export const at = (instant: string) => ({ at: instant })

type Resource = { resourceType: string; id: string; [element: string]: unknown }

/** An observation, with labels. */
export const observation = (labels: string[] = [], more: object = {}): Resource => ({
  resourceType: 'Observation',
  id: 'o',
  ...(labels.length > 0 ? { meta: { security: labels.map(label) } } : {}),
  ...more,
})

export const resource = (resourceType: string, more: object = {}): Resource => ({
  resourceType,
  id: 'r',
  ...more,
})

export function decide(consents: unknown, asked: object, resources: unknown[] = []): ConsentDecision {
  return decideConsents(compileConsents(consents), readConsentRequest(asked), flattenResources(resources))
}

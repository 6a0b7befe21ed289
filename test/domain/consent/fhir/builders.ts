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

/** The actor who receives information: by reference, or anybody. */
export const access = (reference?: string): ConsentProvisionActor =>
  ({
    role: { coding: [role('IRCP')] },
    ...(reference === undefined ? {} : { reference: { reference } }),
  }) as ConsentProvisionActor

/** Without the fields that hold nothing. */
export function withoutEmpty(value: object): object {
  return Object.fromEntries(
    Object.entries(value).filter(([, one]) => one !== undefined && !(Array.isArray(one) && one.length === 0)),
  )
}

export function decide(consents: unknown, request: object, resources: unknown[] = []): ConsentDecision {
  return decideConsents(compileConsents(consents), readConsentRequest(request), flattenResources(resources))
}

export type { Consent, ConsentProvision }

/**
 * A slot as an R4 Consent in the shape of IHE Privacy Consent on FHIR (PCF, https://profiles.ihe.net/ITI/PCF): what
 * scope, word and terms say together, in one root provision and, for what is kept back of it, one nested deny. It claims
 * no profile of PCF's: they ask for `dateTime` and `source`, and know no `provision.class`.
 */
import type { CodeableConcept, Coding, Consent, ConsentProvision, FhirResource } from 'fhir/r4.js'
import { parseIdentifierText } from '../../identity/member-id.ts'
import type { Identifier } from '../../identity/national-ids.ts'
import type { ConsentBody } from '../body-hash.ts'
import { isDataClass, resourceTypesOf } from '../data-classes.ts'
import { PURPOSE_SYSTEM, purposeDisplay } from '../purposes.ts'
import type { Scope } from '../scope.ts'
import { isKindAllowed, SENSITIVE_KINDS, type SensitiveKind } from '../sensitivities.ts'
import type { Terms } from '../terms.ts'

export const GROUP_SYSTEM = 'https://wayleave.example/fhir/NamingSystem/group'
export const RESOURCE_TYPES_SYSTEM = 'http://hl7.org/fhir/resource-types'
/** Whether the patient's signature is still to come: filed, in force, or ended. */
export const SLOT_STATE_SYSTEM = 'https://wayleave.example/fhir/CodeSystem/consent-state'

/** `filed` waits for the patient's signature; `in-force` and `ended` are what the chain says. */
type SlotState = 'filed' | 'in-force' | 'ended'

export type SlotConsent = {
  /** The first 16 bytes of the slot's hash, in hex. */
  id: string
  state: SlotState
  scope: Scope
  effect: 'permit' | 'deny'
  /** Absent where they are not known here: then nothing is released under it. */
  terms?: Pick<Terms, 'dataClasses' | 'sensitivities'>
  /** YYYY-MM-DD, both included. */
  from?: string
  until?: string
  /** What waits for the patient's signature while this stands: another consent in its place, or its end. */
  pending?: 'change' | 'end'
  /** The body that the terms name: what the patient signed, word for word. */
  body?: ConsentBody
  patient: { reference: string }
  custodian: { name: string; identifier: Identifier }
}

const STATUS = { filed: 'proposed', 'in-force': 'active', ended: 'inactive' } as const

const concept = (system: string, code: string): CodeableConcept => ({ coding: [{ system, code }] })

export function consentOfSlot(slot: SlotConsent): Consent {
  const { id, state, scope, patient, custodian, body, pending } = slot
  return {
    resourceType: 'Consent',
    id,
    meta: {
      profile: ['https://wayleave.example/fhir/StructureDefinition/wayleave-consent'],
      tag: [state, ...(pending ? [`${pending}-filed`] : [])].map((code) => ({
        ...{ system: SLOT_STATE_SYSTEM, code },
      })),
    },
    status: STATUS[state],
    scope: concept('http://terminology.hl7.org/CodeSystem/consentscope', 'patient-privacy'),
    category: [concept('http://loinc.org', '59284-0')],
    patient,
    // Filed only, nobody has agreed to it yet.
    ...(state === 'filed' ? {} : { performer: [patient] }),
    organization: [{ identifier: custodian.identifier, display: custodian.name }],
    policy: [{ uri: 'https://wayleave.example/fhir/policy/patient-signed' }],
    ...(body
      ? { ...containedIn(body), provision: body.provision as ConsentProvision }
      : { provision: provisionOf(slot, scope) }),
  }
}

const containedIn = ({ contained }: ConsentBody): Pick<Consent, 'contained'> =>
  contained === undefined ? {} : { contained: contained as FhirResource[] }

function provisionOf({ effect, terms, from, until }: SlotConsent, scope: Scope): ConsentProvision {
  const period = { ...(from ? { start: from } : {}), ...(until ? { end: until } : {}) }
  const types = (terms?.dataClasses ?? []).filter(isDataClass).flatMap(resourceTypesOf)
  return {
    type: effect,
    ...(from || until ? { period } : {}),
    ...actorOf(scope),
    purpose: [{ system: PURPOSE_SYSTEM, code: scope.purpose, display: purposeDisplay(scope.purpose) }],
    ...(types.length > 0 ? { class: types.map((code) => ({ system: RESOURCE_TYPES_SYSTEM, code })) } : {}),
    ...(effect === 'permit'
      ? { provision: [{ type: 'deny', securityLabel: keptBack(terms?.sensitivities ?? []) }] }
      : {}),
  }
}

function actorOf({ granteeType, grantee }: Scope): Pick<ConsentProvision, 'actor'> {
  if (granteeType === 'Everyone') return {}
  const identifier =
    granteeType === 'Group' ? { system: GROUP_SYSTEM, value: grantee } : parseIdentifierText(grantee)
  const role = concept('http://terminology.hl7.org/CodeSystem/v3-ParticipationType', 'IRCP')
  return { actor: [{ role, reference: { type: granteeType, identifier } }] }
}

/** The labels that a permit does not open: every kind that was not allowed by name. */
function keptBack(allowed: readonly string[]): Coding[] {
  return (Object.keys(SENSITIVE_KINDS) as SensitiveKind[])
    .filter((kind) => !isKindAllowed(kind, allowed))
    .map((code) => ({ system: SENSITIVE_KINDS[code].system, code }))
}

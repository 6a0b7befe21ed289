/**
 * How each kind of entry is coded: the types and subtypes of the IHE BALP patterns (ITI Basic Audit Log Patterns
 * 1.1, https://profiles.ihe.net/ITI/BALP) where one fits, DICOM and ISO 21089 codes of the R4 value sets where none
 * does, and a code of our own where neither would be true.
 */
import type { AuditEvent, Coding } from 'fhir/r4.js'
import type { AuditEntry, AuditKind, AuditParty } from './audit-entry.ts'

export const AUDIT_KIND_SYSTEM = 'https://wayleave.example/fhir/CodeSystem/audit-kind'

const DCM = 'http://dicom.nema.org/resources/ontology/DCM'
const LIFECYCLE = 'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle'
const BALP = 'https://profiles.ihe.net/ITI/BALP'

const coding = (system: string, code: string, display: string): Coding => ({ system, code, display })

/** Roles of agents, as the BALP profiles fix them. */
export const AGENT = {
  source: coding(DCM, '110153', 'Source Role ID'),
  destination: coding(DCM, '110152', 'Destination Role ID'),
  application: coding(DCM, '110150', 'Application'),
  user: coding('http://terminology.hl7.org/CodeSystem/v3-ParticipationType', 'IRCP', 'information recipient'),
  organisation: coding('http://terminology.hl7.org/CodeSystem/v3-RoleClass', 'PROV', 'healthcare provider'),
  patient: coding('http://terminology.hl7.org/CodeSystem/v3-RoleClass', 'PAT', 'patient'),
  authorizer: coding(
    'http://terminology.hl7.org/CodeSystem/extra-security-role-type',
    'authserver',
    'authorization server',
  ),
} as const

const ENTITY_TYPE = 'http://terminology.hl7.org/CodeSystem/audit-entity-type'
const OBJECT_ROLE = 'http://terminology.hl7.org/CodeSystem/object-role'

/** Types and roles of entities. */
export const ENTITY = {
  person: coding(ENTITY_TYPE, '1', 'Person'),
  systemObject: coding(ENTITY_TYPE, '2', 'System Object'),
  consent: coding('http://hl7.org/fhir/resource-types', 'Consent', 'Consent'),
  task: coding('http://hl7.org/fhir/resource-types', 'Task', 'Task'),
  /** BALP's entity of a transaction that both ends know by one name. */
  exchange: coding(`${BALP}/CodeSystem/BasicAuditEntityType`, 'XrequestId', 'X-Request-Id'),
  patientRole: coding(OBJECT_ROLE, '1', 'Patient'),
  domainResourceRole: coding(OBJECT_ROLE, '4', 'Domain Resource'),
  queryRole: coding(OBJECT_ROLE, '24', 'Query'),
} as const

export const PROFILE = {
  query: `${BALP}/StructureDefinition/IHE.BasicAudit.PatientQuery`,
  source: `${BALP}/StructureDefinition/IHE.BasicAudit.PrivacyDisclosure.Source`,
  recipient: `${BALP}/StructureDefinition/IHE.BasicAudit.PrivacyDisclosure.Recipient`,
  authorization: `${BALP}/StructureDefinition/IHE.BasicAudit.AuthZconsent`,
} as const

export type Shape = {
  readonly type: Coding
  readonly subtype: readonly Coding[]
  readonly action: NonNullable<AuditEvent['action']>
  /** Whose agents take part, beside the user: see audit-event.ts. */
  readonly agents: 'query' | 'transfer' | 'decision' | 'patient' | 'member'
  /** Who usually writes such an entry, where both parties are named. */
  readonly observer: 'custodian' | 'requester'
}

const EXPORT = coding(DCM, '110106', 'Export')
const IMPORT = coding(DCM, '110107', 'Import')
const ALERT = coding(DCM, '110113', 'Security Alert')
const ATTRIBUTES_CHANGED = coding(DCM, '110135', 'Object Security Attributes Changed')
const USER_CHANGED = coding(DCM, '110137', 'User Security Attributes Changed')
const ROLES_CHANGED = coding(DCM, '110136', 'Security Roles Changed')
const DISCLOSE = coding(LIFECYCLE, 'disclose', 'Disclose Record Lifecycle Event')

const consentChange = (action: Shape['action']): Shape => ({
  type: ALERT,
  subtype: [ATTRIBUTES_CHANGED],
  action,
  agents: 'patient',
  observer: 'custodian',
})

/** The custodian's own word on what the patient signed. */
const custodianDecision = (action: Shape['action']): Shape => ({
  type: ALERT,
  subtype: [ATTRIBUTES_CHANGED],
  action,
  agents: 'decision',
  observer: 'custodian',
})

/** Whose records a patient's records are: the custodian's own word, about a Patient record (DICOM 110110). */
const identityChange = (code: AuditKind, display: string, action: Shape['action']): Shape => ({
  type: coding(DCM, '110110', 'Patient Record'),
  subtype: [coding(AUDIT_KIND_SYSTEM, code, display)],
  action,
  agents: 'member',
  observer: 'custodian',
})

/** What a patient did with their own rights, or others for them. */
const patientsAct = (code: AuditKind, display: string): Shape => ({
  type: ALERT,
  subtype: [USER_CHANGED, coding(AUDIT_KIND_SYSTEM, code, display)],
  action: 'U',
  agents: 'patient',
  observer: 'custodian',
})

const networkChange = (code: AuditKind, display: string): Shape => ({
  type: ALERT,
  subtype: [ROLES_CHANGED, coding(AUDIT_KIND_SYSTEM, code, display)],
  action: 'U',
  agents: 'member',
  observer: 'custodian',
})

/** Something was done to the audit trail itself. */
const trailChange = (code: AuditKind, display: string, action: Shape['action']): Shape => ({
  type: coding(AUDIT_KIND_SYSTEM, code, display),
  subtype: [],
  action,
  agents: 'member',
  observer: 'custodian',
})

/** What a patient says looks wrong, and what comes of it. */
const aboutCase = (
  code: AuditKind,
  display: string,
  action: Shape['action'],
  agents: Shape['agents'],
): Shape => ({
  type: coding(AUDIT_KIND_SYSTEM, code, display),
  subtype: [],
  action,
  agents,
  observer: 'custodian',
})

export const SHAPES: Readonly<Record<AuditKind, Shape>> = {
  query: {
    type: coding('http://terminology.hl7.org/CodeSystem/audit-event-type', 'rest', 'RESTful Operation'),
    subtype: [coding('http://hl7.org/fhir/restful-interaction', 'search-type', 'search-type')],
    action: 'E',
    agents: 'query',
    observer: 'requester',
  },
  // written before the first byte leaves (I4); what then left is a disclosure of its own
  intent: {
    type: ALERT,
    subtype: [
      coding(
        `${BALP}/CodeSystem/AuthZsubType`,
        'AuthZ-Consent',
        'Authorization Decision using Roles and Consent',
      ),
    ],
    action: 'E',
    agents: 'decision',
    observer: 'custodian',
  },
  disclosure: { type: EXPORT, subtype: [DISCLOSE], action: 'R', agents: 'transfer', observer: 'custodian' },
  receipt: { type: IMPORT, subtype: [DISCLOSE], action: 'C', agents: 'transfer', observer: 'requester' },
  refusal: {
    type: ALERT,
    subtype: [
      coding(
        `${BALP}/CodeSystem/AuthZsubType`,
        'AuthZ-Consent',
        'Authorization Decision using Roles and Consent',
      ),
    ],
    action: 'E',
    agents: 'decision',
    observer: 'custodian',
  },
  'consent-granted': consentChange('C'),
  'consent-revoked': consentChange('D'),
  'consent-objected': consentChange('C'),
  'objection-withdrawn': consentChange('D'),
  'consent-unchanged': consentChange('E'),
  locked: consentChange('U'),
  unlocked: consentChange('U'),
  bound: { type: ALERT, subtype: [USER_CHANGED], action: 'C', agents: 'patient', observer: 'custodian' },
  'share-sent': {
    type: EXPORT,
    subtype: [coding(LIFECYCLE, 'transmit', 'Transmit Record Lifecycle Event')],
    action: 'R',
    agents: 'transfer',
    observer: 'custodian',
  },
  'share-received': {
    type: IMPORT,
    subtype: [coding(LIFECYCLE, 'receive', 'Receive/Retain Record Lifecycle Event')],
    action: 'C',
    agents: 'transfer',
    observer: 'requester',
  },
  list: {
    type: EXPORT,
    subtype: [coding(AUDIT_KIND_SYSTEM, 'list', 'A member is told which records it may see')],
    action: 'R',
    agents: 'transfer',
    observer: 'custodian',
  },
  'request-sent': {
    type: EXPORT,
    subtype: [coding(AUDIT_KIND_SYSTEM, 'request-sent', 'The patient is asked for access')],
    action: 'C',
    agents: 'query',
    observer: 'requester',
  },
  'request-received': {
    type: IMPORT,
    subtype: [coding(AUDIT_KIND_SYSTEM, 'request-received', 'The patient is asked for access')],
    action: 'C',
    agents: 'query',
    observer: 'custodian',
  },
  'request-step': {
    type: coding(AUDIT_KIND_SYSTEM, 'request-step', 'A request for access was answered or decided on'),
    subtype: [],
    action: 'U',
    agents: 'member',
    observer: 'custodian',
  },
  'request-closed': {
    type: coding(AUDIT_KIND_SYSTEM, 'request-closed', 'A request for access closed at its deadline'),
    subtype: [],
    action: 'U',
    agents: 'member',
    observer: 'custodian',
  },
  'consent-approved': custodianDecision('C'),
  'approval-refused': custodianDecision('E'),
  'identity-event': identityChange('identity-event', 'Something happened to the identity of a patient', 'E'),
  'identity-confirmed': identityChange('identity-confirmed', 'A person confirmed an identity event', 'E'),
  'identity-rejected': identityChange('identity-rejected', 'A person rejected an identity event', 'E'),
  'identity-moved': identityChange(
    'identity-moved',
    'What was confirmed of an identity was carried out',
    'U',
  ),
  alarm: {
    type: ALERT,
    subtype: [coding(AUDIT_KIND_SYSTEM, 'alarm', 'Something that must not happen has happened')],
    action: 'E',
    agents: 'member',
    observer: 'requester',
  },
  // not dressed up as anything: the member sees that something happened, not what, nor to whom
  anchor: {
    type: coding(AUDIT_KIND_SYSTEM, 'anchor', 'Chain event that this member cannot open'),
    subtype: [],
    action: 'E',
    agents: 'member',
    observer: 'custodian',
  },
  'log-read': {
    type: coding(DCM, '110101', 'Audit Log Used'),
    subtype: [],
    action: 'R',
    agents: 'member',
    observer: 'custodian',
  },
  'consents-read': {
    type: coding(AUDIT_KIND_SYSTEM, 'consents-read', 'Consents of a patient were read'),
    subtype: [],
    action: 'R',
    agents: 'member',
    observer: 'custodian',
  },
  'client-changed': {
    type: ALERT,
    subtype: [USER_CHANGED],
    action: 'U',
    agents: 'member',
    observer: 'custodian',
  },
  window: {
    type: coding(AUDIT_KIND_SYSTEM, 'window', 'Window of the audit trail anchored on the chain'),
    subtype: [],
    action: 'C',
    agents: 'member',
    observer: 'custodian',
  },
  'record-registered': {
    type: coding(DCM, '110110', 'Patient Record'),
    subtype: [coding(LIFECYCLE, 'link', 'Link Record Lifecycle Event')],
    action: 'C',
    agents: 'member',
    observer: 'custodian',
  },
  'document-published': {
    type: coding('http://terminology.hl7.org/CodeSystem/audit-event-type', 'rest', 'RESTful Operation'),
    subtype: [coding('http://hl7.org/fhir/restful-interaction', 'transaction', 'transaction')],
    action: 'C',
    agents: 'member',
    observer: 'custodian',
  },
  'own-record-read': {
    type: coding('http://terminology.hl7.org/CodeSystem/audit-event-type', 'rest', 'RESTful Operation'),
    subtype: [coding('http://hl7.org/fhir/restful-interaction', 'read', 'read')],
    action: 'R',
    agents: 'patient',
    observer: 'custodian',
  },
  'own-trail-read': {
    type: coding(DCM, '110101', 'Audit Log Used'),
    subtype: [],
    action: 'R',
    agents: 'patient',
    observer: 'custodian',
  },
  // what a decision would be, asked by one of the hospital's own programs; nothing leaves
  'consents-consulted': {
    type: coding(AUDIT_KIND_SYSTEM, 'consents-consulted', 'A program asked what the consents permit'),
    subtype: [],
    action: 'E',
    agents: 'member',
    observer: 'custodian',
  },
  'representative-changed': patientsAct('representative-changed', 'Who may act for a patient changed'),
  recovery: patientsAct('recovery', 'A patient is getting a new key'),
  'emergency-access': patientsAct('emergency-access', 'Something about access in emergencies'),
  governance: networkChange('governance', 'The council or the contracts changed something'),
  'hold-placed': trailChange('hold-placed', 'A legal hold was placed on the trail', 'C'),
  'hold-lift-asked': trailChange('hold-lift-asked', 'The lifting of a legal hold was asked for', 'U'),
  'hold-lifted': trailChange('hold-lifted', 'A legal hold was lifted', 'D'),
  'trail-expired': trailChange('trail-expired', 'Lines were deleted at the end of their retention', 'D'),
  'case-opened': aboutCase('case-opened', 'A patient said that something looks wrong', 'C', 'patient'),
  'case-answered': aboutCase('case-answered', 'What a patient said looks wrong was answered', 'U', 'member'),
  'case-withdrawn': aboutCase('case-withdrawn', 'A patient took back what they said', 'U', 'patient'),
  'cases-read': aboutCase('cases-read', 'What patients say looks wrong was read', 'R', 'member'),
  'staff-changed': {
    type: ALERT,
    subtype: [USER_CHANGED, coding(AUDIT_KIND_SYSTEM, 'staff-changed', 'Who may use the console changed')],
    action: 'U',
    agents: 'member',
    observer: 'custodian',
  },
  'staff-signed-in': {
    type: coding(DCM, '110114', 'User Authentication'),
    subtype: [coding(DCM, '110122', 'Login')],
    action: 'E',
    agents: 'member',
    observer: 'custodian',
  },
  'patient-looked-up': {
    type: coding(AUDIT_KIND_SYSTEM, 'patient-looked-up', 'Somebody looked a person up by an identifier'),
    subtype: [],
    action: 'R',
    agents: 'member',
    observer: 'custodian',
  },
  'handle-resolved': {
    type: coding(AUDIT_KIND_SYSTEM, 'handle-resolved', 'Somebody found out whose handle it is'),
    subtype: [],
    action: 'R',
    agents: 'member',
    observer: 'custodian',
  },
  'member-changed': {
    type: ALERT,
    subtype: [ROLES_CHANGED],
    action: 'U',
    agents: 'member',
    observer: 'custodian',
  },
}

/** The organisation whose trail an entry stands in; undefined for a foreign chain event. */
export function recorderOf({ kind, recordedBy, custodian, requester }: AuditEntry): AuditParty | undefined {
  return (recordedBy ?? SHAPES[kind].observer) === 'custodian'
    ? (custodian ?? requester)
    : (requester ?? custodian)
}

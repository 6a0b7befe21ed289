/**
 * Dresses an audit entry as a FHIR R4 AuditEvent in the IHE BALP patterns. The agents are the clinical organisations,
 * the person and the role, never the broker that acted for them (BALP §3:5.7). A profile is claimed in `meta.profile`
 * only when everything that it requires is there.
 */
import type {
  AuditEvent,
  AuditEventAgent,
  AuditEventEntity,
  CodeableConcept,
  Coding,
  Reference,
} from 'fhir/r4.js'
import { PURPOSE_SYSTEM, purposeDisplay } from '../consent/purposes.ts'
import type { AuditEntry, AuditParty } from './audit-entry.ts'
import { AGENT, AUDIT_KIND_SYSTEM, ENTITY, PROFILE, recorderOf, SHAPES } from './audit-shapes.ts'
import { describeAuditEntry } from './describe-audit-entry.ts'
import { describeReason } from './reasons.ts'

export type { AuditEntry, AuditKind, AuditParty } from './audit-entry.ts'

const CHAIN_EVENT_EXTENSION = 'https://wayleave.example/fhir/StructureDefinition/chain-event'
const REASON_EXTENSION = 'https://wayleave.example/fhir/StructureDefinition/reason'
/** Handles as the chain has them, 0x-hex. */
const HANDLE_SYSTEM = 'urn:wayleave:handle'
const REASON_SYSTEM = 'https://wayleave.example/fhir/CodeSystem/reason'

/** The AuditEvent of an entry. Pure: the same entry gives the same event. */
export function buildAuditEvent(entry: AuditEntry): AuditEvent {
  const shape = SHAPES[entry.kind]
  const profile = profileOf(entry)
  const outcomeDesc = [entry.reason && describeReason(entry.reason), entry.note].filter(Boolean).join(' ')
  const extension = [...chainExtension(entry), ...reasonExtension(entry)]
  const entities = entitiesOf(entry)
  return {
    resourceType: 'AuditEvent',
    id: entry.id,
    meta: {
      ...(profile === undefined ? {} : { profile: [profile] }),
      tag: [{ system: AUDIT_KIND_SYSTEM, code: entry.kind }],
    },
    text: { status: 'generated', div: narrative(describeAuditEntry(entry)) },
    ...(extension.length > 0 ? { extension } : {}),
    type: { ...shape.type },
    ...(shape.subtype.length > 0 ? { subtype: shape.subtype.map((code) => ({ ...code })) } : {}),
    action: shape.action,
    recorded: entry.recorded,
    outcome: entry.outcome,
    ...(outcomeDesc === '' ? {} : { outcomeDesc }),
    ...(entry.purpose === undefined ? {} : { purposeOfEvent: [purposeConcept(entry.purpose)] }),
    agent: agentsOf(entry),
    source: { observer: observerOf(entry) },
    ...(entities.length > 0 ? { entity: entities } : {}),
  }
}

/** The BALP profile that the event fulfils, if any. */
function profileOf(entry: AuditEntry): string | undefined {
  const { kind, outcome, custodian, requester, patient, record, user, client, policy } = entry
  if (patient === undefined || requester === undefined) return undefined
  // BALP's query pattern is for successful queries only
  if (kind === 'query') return outcome === '0' ? PROFILE.query : undefined
  if (custodian === undefined) return undefined
  // in each, the recorder must be the agent that the profile names
  const byCustodian = recorderOf(entry) === custodian
  if (kind === 'disclosure') return record !== undefined && byCustodian ? PROFILE.source : undefined
  if (kind === 'receipt') return record !== undefined && !byCustodian ? PROFILE.recipient : undefined
  // its entities are closed: patient, consent and token, and no record
  const decided = client !== undefined && user !== undefined && policy !== undefined && record === undefined
  return kind === 'refusal' && decided && byCustodian ? PROFILE.authorization : undefined
}

function agentsOf(entry: AuditEntry): AuditEventAgent[] {
  const { custodian, requester, patient } = entry
  const user = userAgent(entry)
  const agents: AuditEventAgent[] = []
  switch (SHAPES[entry.kind].agents) {
    case 'query':
      // BALP: the query flows from the client (source) to the server (destination)
      if (requester) agents.push(networkAgent(AGENT.source, requester))
      if (custodian ?? requester)
        agents.push(networkAgent(AGENT.destination, (custodian ?? requester) as AuditParty))
      break
    case 'transfer':
      if (custodian) agents.push(networkAgent(AGENT.source, custodian))
      if (requester) agents.push(networkAgent(AGENT.destination, requester))
      break
    case 'decision':
      if (entry.client) agents.push(applicationAgent(entry.client.id, requester))
      if (requester) agents.push(partyAgent(AGENT.organisation, requester))
      if (custodian) agents.push(partyAgent(AGENT.authorizer, custodian))
      break
    case 'patient':
      if (patient) agents.push(agent(AGENT.patient, patientReference(patient), user === undefined))
      if (custodian) agents.push(partyAgent(AGENT.organisation, custodian))
      if (requester) agents.push(partyAgent(AGENT.destination, requester))
      break
    case 'member':
      for (const party of [custodian, requester])
        if (party) agents.push(partyAgent(AGENT.organisation, party))
  }
  if (user) agents.push(user)
  // AuditEvent.agent is 1..*: of a foreign chain event nothing is known but that some member sent it
  return agents.length > 0 ? agents : [{ who: { display: 'A member of the network' }, requestor: false }]
}

const agent = (type: Coding, who: Reference, requestor = false): AuditEventAgent => ({
  type: { coding: [{ ...type }] },
  who,
  requestor,
})

const partyAgent = (type: Coding, party: AuditParty): AuditEventAgent =>
  agent(type, organisationReference(party))

/** BALP wants a network address of both ends; a member's is its name in the network, whichever machine answered. */
const networkAgent = (type: Coding, party: AuditParty): AuditEventAgent => ({
  ...partyAgent(type, party),
  network: { address: memberUrn(party), type: '5' },
})

const applicationAgent = (clientId: string, requester: AuditParty | undefined): AuditEventAgent => ({
  ...agent(AGENT.application, { type: 'Device', identifier: { value: clientId } }),
  ...(requester === undefined ? {} : { network: { address: memberUrn(requester), type: '5' } }),
})

function userAgent({ user, purpose }: AuditEntry): AuditEventAgent | undefined {
  if (user === undefined) return undefined
  return {
    ...agent(
      AGENT.user,
      { identifier: { value: user.id }, ...(user.name ? { display: user.name } : {}) },
      true,
    ),
    ...(user.role === undefined ? {} : { role: [{ text: user.role }] }),
    ...(user.name === undefined ? {} : { name: user.name }),
    ...(purpose === undefined ? {} : { purposeOfUse: [purposeConcept(purpose)] }),
  }
}

function entitiesOf(entry: AuditEntry): AuditEventEntity[] {
  const { kind, patient, record, policy } = entry
  const entities: AuditEventEntity[] = []
  if (patient) {
    entities.push({ type: ENTITY.person, role: ENTITY.patientRole, what: patientReference(patient) })
  }
  if (kind === 'query') {
    entities.push({
      type: ENTITY.systemObject,
      role: ENTITY.queryRole,
      description: 'The parameters hold a national identifier and are never logged.',
      // BALP wants the raw query; without its parameters this is what remains of it (I6)
      query: btoa(entry.operation ?? 'DocumentReference/_search'),
    })
  }
  if (record) entities.push(recordEntity(record))
  if (entry.exchange !== undefined)
    entities.push({ type: ENTITY.exchange, what: { identifier: { value: entry.exchange } } })
  if (entry.request !== undefined)
    entities.push({ type: ENTITY.task, what: { type: 'Task', reference: entry.request } })
  if (entry.handle !== undefined)
    entities.push({
      type: ENTITY.systemObject,
      what: { identifier: { system: HANDLE_SYSTEM, value: entry.handle } },
    })
  if (policy !== undefined)
    entities.push({ type: ENTITY.consent, what: { type: 'Consent', reference: policy } })
  return entities.map((entity) => structuredClone(entity))
}

function recordEntity({
  id,
  resourceType,
  dataClass,
  hash,
}: NonNullable<AuditEntry['record']>): AuditEventEntity {
  const detail = [
    ...(dataClass === undefined ? [] : [{ type: 'data-class', valueString: dataClass }]),
    ...(hash === undefined ? [] : [{ type: 'sha-256', valueString: hash }]),
  ]
  return {
    type: ENTITY.systemObject,
    role: ENTITY.domainResourceRole,
    what: { ...(resourceType === undefined ? {} : { type: resourceType }), identifier: { value: id } },
    ...(detail.length > 0 ? { detail } : {}),
  }
}

/** The organisation whose trail this is; BALP demands that it is one of the agents, in the same words. */
function observerOf(entry: AuditEntry): Reference {
  const party = recorderOf(entry)
  return party ? organisationReference(party) : { display: 'A member of the network' }
}

const memberUrn = (party: AuditParty): string => `urn:wayleave:member:${party.id}`

const organisationReference = (party: AuditParty): Reference => ({
  type: 'Organization',
  identifier: party.identifier
    ? { ...party.identifier }
    : { system: 'urn:ietf:rfc:3986', value: memberUrn(party) },
  display: party.name,
})

const patientReference = ({ identifier, reference }: NonNullable<AuditEntry['patient']>): Reference => ({
  type: 'Patient',
  ...(reference === undefined ? {} : { reference }),
  ...(identifier === undefined ? {} : { identifier: { ...identifier } }),
})

const purposeConcept = (code: string): CodeableConcept => ({
  coding: [{ system: PURPOSE_SYSTEM, code, display: purposeDisplay(code) }],
})

const reasonExtension = ({ reason }: AuditEntry) =>
  reason === undefined
    ? []
    : [{ url: REASON_EXTENSION, valueCoding: { system: REASON_SYSTEM, code: reason } }]

const chainExtension = ({ chain }: AuditEntry) =>
  chain === undefined
    ? []
    : [
        {
          url: CHAIN_EVENT_EXTENSION,
          extension: [
            { url: 'block', valueUnsignedInt: chain.block },
            { url: 'transaction', valueString: chain.transaction },
            { url: 'log-index', valueUnsignedInt: chain.logIndex },
          ],
        },
      ]

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

const narrative = (text: string): string =>
  `<div xmlns="http://www.w3.org/1999/xhtml">${text.replace(/[&<>"]/g, (c) => ESCAPES[c] ?? c)}</div>`

import type { AuditEvent, Coding } from 'fhir/r4.js'
import { describe, expect, it } from 'vitest'
import { AUDIT_KINDS, type AuditEntry } from '../../../src/domain/audit/audit-entry.ts'
import { buildAuditEvent } from '../../../src/domain/audit/audit-event.ts'
import { AUDIT_KIND_SYSTEM } from '../../../src/domain/audit/audit-shapes.ts'

const custodian = {
  id: '0xaa',
  name: 'Hospital A',
  identifier: { system: 'http://fhir.nl/fhir/NamingSystem/ura', value: '1' },
}
const requester = {
  id: '0xbb',
  name: 'Hospital B',
  identifier: { system: 'http://fhir.nl/fhir/NamingSystem/ura', value: '2' },
}
const full: Omit<AuditEntry, 'kind'> = {
  id: 'e1',
  recorded: '2026-11-21T14:00:00.000Z',
  outcome: '0',
  custodian,
  requester,
  user: { id: 'u7', name: 'Dr. Vos', role: 'physician' },
  client: { id: 'his-b' },
  patient: { identifier: { system: 'http://fhir.nl/fhir/NamingSystem/bsn', value: '999990019' } },
  purpose: 'TREAT',
  record: { id: 'r1', resourceType: 'Condition', dataClass: 'problems', hash: 'ab12' },
  policy: 'Consent/c1',
}
const build = (kind: AuditEntry['kind'], change: Partial<AuditEntry> = {}) =>
  buildAuditEvent({ ...full, ...change, kind })

const BALP = 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit'
const DCM = 'http://dicom.nema.org/resources/ontology/DCM'
const short = ({ system, code }: Coding) => `${system}|${code}`
const agent = (event: AuditEvent, code: string) =>
  event.agent.find(({ type }) => type?.coding?.some((coding) => coding.code === code))
const entity = (event: AuditEvent, display: string) =>
  event.entity?.find(({ type }) => type?.display === display)

describe('a disclosure', () => {
  const event = build('disclosure')

  it('fulfils BALP PrivacyDisclosure.Source: export, disclose, source and recipient, patient and data', () => {
    expect(event.meta?.profile).toEqual([`${BALP}.PrivacyDisclosure.Source`])
    expect(short(event.type)).toBe(`${DCM}|110106`)
    expect(event.subtype?.map(short)).toEqual([
      'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle|disclose',
    ])
    expect([event.action, event.outcome]).toEqual(['R', '0'])
    for (const code of ['110153', '110152'])
      expect(agent(event, code)?.network?.address).toMatch(/^urn:wayleave:member:/)
    expect(entity(event, 'Person')?.role?.code).toBe('1')
    expect(entity(event, 'Person')?.what?.type).toBe('Patient')
    expect(entity(event, 'System Object')?.what).toEqual({ type: 'Condition', identifier: { value: 'r1' } })
  })

  it('is recorded by its source (BALP val-audit-source)', () => {
    expect(event.source.observer).toEqual(agent(event, '110153')?.who)
    expect(event.source.observer.display).toBe('Hospital A')
  })

  it('names the organisations, the person, the role and the purpose, and no broker', () => {
    expect(agent(event, 'IRCP')).toMatchObject({
      requestor: true,
      name: 'Dr. Vos',
      role: [{ text: 'physician' }],
      purposeOfUse: [{ coding: [{ code: 'TREAT', display: 'treatment' }] }],
    })
    expect(event.agent.filter(({ requestor }) => requestor).length).toBe(1)
    expect(JSON.stringify(event)).not.toContain('broker')
    expect(event.purposeOfEvent?.[0]?.coding?.[0]?.code).toBe('TREAT')
  })

  it('holds the hash of what was handed on, and the consent that decided', () => {
    expect(entity(event, 'System Object')?.detail).toEqual([
      { type: 'data-class', valueString: 'problems' },
      { type: 'sha-256', valueString: 'ab12' },
    ])
    expect(entity(event, 'Consent')?.what?.reference).toBe('Consent/c1')
  })
})

describe('a receipt', () => {
  it('fulfils BALP PrivacyDisclosure.Recipient and is recorded by its recipient', () => {
    const event = build('receipt')
    expect(event.meta?.profile).toEqual([`${BALP}.PrivacyDisclosure.Recipient`])
    expect([short(event.type), event.action]).toEqual([`${DCM}|110107`, 'C'])
    expect(event.source.observer).toEqual(agent(event, '110152')?.who)
  })
})

describe('a query', () => {
  it('fulfils BALP PatientQuery without ever holding its parameters', () => {
    const event = build('query', { record: undefined as never })
    expect(event.meta?.profile).toEqual([`${BALP}.PatientQuery`])
    expect(event.subtype?.map(({ code }) => code)).toEqual(['search-type'])
    const query = event.entity?.find(({ role }) => role?.code === '24')
    expect(atob(query?.query ?? '')).toBe('DocumentReference/_search')
  })

  it('that failed does not claim the profile, which is for successful ones', () => {
    expect(build('query', { outcome: '8' }).meta?.profile).toBeUndefined()
  })
})

describe('a refusal', () => {
  const { record, ...withoutRecord } = full

  it('fulfils BALP AuthZ consent decision with outcome 8, and says why to those who may know', () => {
    const event = buildAuditEvent({
      ...withoutRecord,
      kind: 'refusal',
      outcome: '8',
      reason: 'wrong-purpose',
    })
    expect(event.meta?.profile).toEqual([`${BALP}.AuthZconsent`])
    expect(short(event.type)).toBe(`${DCM}|110113`)
    expect(event.subtype?.map(short)).toEqual([
      'https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType|AuthZ-Consent',
    ])
    expect([event.action, event.outcome]).toEqual(['E', '8'])
    expect(event.outcomeDesc).toBe('The consent was given for another purpose.')
    expect(event.source.observer).toEqual(agent(event, 'authserver')?.who)
    for (const code of ['110150', 'IRCP', 'PROV', 'authserver'])
      expect(agent(event, code), code).toBeDefined()
    expect(event.entity?.map(({ type }) => type?.display)).toEqual(['Person', 'Consent'])
  })

  it('claims no profile when there is no consent to name, or a record to name beside it', () => {
    expect(build('refusal', { outcome: '8', ...(record ? { record } : {}) }).meta?.profile).toBeUndefined()
    expect(build('refusal', { outcome: '8', policy: undefined as never }).meta?.profile).toBeUndefined()
  })

  it('in the requester’s own trail is recorded by the requester', () => {
    const event = build('refusal', { outcome: '8', recordedBy: 'requester' })
    expect(event.source.observer.display).toBe('Hospital B')
    expect(event.meta?.profile).toBeUndefined()
  })
})

describe('a foreign chain event', () => {
  it('is honestly an anchor: where it stands on the chain, and nothing else', () => {
    const event = buildAuditEvent({
      id: 'a1',
      recorded: full.recorded,
      kind: 'anchor',
      outcome: '0',
      chain: { block: 12, transaction: '0xfeed', logIndex: 3 },
    })
    expect(event.type).toEqual({
      system: AUDIT_KIND_SYSTEM,
      code: 'anchor',
      display: 'Chain event that this member cannot open',
    })
    expect(event.meta?.profile).toBeUndefined()
    expect(event.entity).toBeUndefined()
    expect(event.extension?.[0]?.extension).toEqual([
      { url: 'block', valueUnsignedInt: 12 },
      { url: 'transaction', valueString: '0xfeed' },
      { url: 'log-index', valueUnsignedInt: 3 },
    ])
    expect(event.agent).toEqual([{ who: { display: 'A member of the network' }, requestor: false }])
  })
})

describe('every audit event', () => {
  const bare = (kind: AuditEntry['kind']): AuditEntry => ({
    id: 'e',
    recorded: full.recorded,
    kind,
    outcome: '0',
  })

  it.each(AUDIT_KINDS)('has what R4 requires, with all known or with nothing known: %s', (kind) => {
    for (const event of [build(kind), buildAuditEvent(bare(kind))]) {
      expect(event.resourceType).toBe('AuditEvent')
      expect(event.type.code).toBeTruthy()
      expect(event.recorded).toBe(full.recorded)
      expect(event.agent.length).toBeGreaterThan(0)
      for (const { requestor, who } of event.agent) {
        expect(typeof requestor).toBe('boolean')
        expect(who).toBeDefined()
      }
      expect(event.agent.filter(({ requestor }) => requestor).length).toBeLessThanOrEqual(1)
      expect(event.source.observer).toBeDefined()
      expect(event.meta?.tag).toEqual([{ system: AUDIT_KIND_SYSTEM, code: kind }])
      expect(JSON.stringify(event)).not.toMatch(/\[\]|undefined|null/)
    }
  })

  it('is told to people in a narrative that cannot break out of its markup', () => {
    const event = build('disclosure', { user: { id: 'x', name: '<script>&"' } })
    expect(event.text?.div).toContain('&lt;script&gt;&amp;&quot;')
    expect(event.text?.div).not.toContain('<script>')
  })

  it('is the same for the same entry, and shares no part with another', () => {
    const first = build('disclosure')
    expect(build('disclosure')).toEqual(first)
    first.type.code = 'changed'
    for (const item of first.entity ?? []) if (item.type) item.type.code = 'changed'
    expect(build('disclosure').type.code).toBe('110106')
    expect(JSON.stringify(build('disclosure'))).not.toContain('changed')
  })
})

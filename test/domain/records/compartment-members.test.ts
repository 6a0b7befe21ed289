import { describe, expect, it } from 'vitest'
import { isResourceType } from '../../../src/domain/consent/data-classes.ts'
import {
  isRecordType,
  patientOf as ownerOf,
  RECORD_TYPES,
} from '../../../src/domain/records/compartment-members.ts'

const patientOf = (resource: { resourceType: string; [element: string]: unknown }, base?: string) =>
  ownerOf(resource, base)

const patient = (id: string) => ({ reference: `Patient/${id}` })

describe('record types', () => {
  it('are the 67 types of the R4 Patient compartment less Patient, Provenance, Consent and AuditEvent', () => {
    // Subscription is no member of the compartment in the first place
    expect(RECORD_TYPES.length).toBe(67 - 4)
    for (const type of RECORD_TYPES) expect(isResourceType(type), type).toBe(true)
  })

  it.each(['Patient', 'Provenance', 'Consent', 'AuditEvent', 'Subscription'])('leave out %s', (type) => {
    expect(isRecordType(type)).toBe(false)
    expect(patientOf({ resourceType: type, patient: patient('1'), subject: patient('1') })).toBeUndefined()
  })

  it.each(['Device', 'Medication', 'Binary', 'Organization', 'constructor'])(
    'leave out %s, outside the compartment',
    (type) => {
      expect(isRecordType(type)).toBe(false)
    },
  )
})

describe('a record belongs to', () => {
  it.each([
    ['AllergyIntolerance', { patient: patient('p') }],
    ['Appointment', { participant: [{ actor: { reference: 'Practitioner/1' } }, { actor: patient('p') }] }],
    ['Coverage', { beneficiary: patient('p'), payor: [{ reference: 'Organization/1' }] }],
    ['EnrollmentRequest', { candidate: patient('p') }],
    ['Observation', { subject: patient('p') }],
    ['Person', { link: [{ target: patient('p') }] }],
    ['ResearchSubject', { individual: patient('p') }],
    ['SupplyRequest', { deliverTo: patient('p') }],
    ['Task', { for: patient('p'), focus: { reference: 'ServiceRequest/1' } }],
  ])('the patient that the compartment definition leads to: %s', (resourceType, content) => {
    expect(patientOf({ resourceType, ...content })).toBe('p')
  })

  it('its subject, whoever else takes part', () => {
    const resource = {
      resourceType: 'Observation',
      subject: patient('child'),
      performer: [patient('mother')],
    }
    expect(patientOf(resource)).toBe('child')
  })

  it('the one patient who takes part, when the subject is no patient', () => {
    const resource = {
      resourceType: 'Observation',
      subject: { reference: 'Location/1' },
      performer: [patient('p')],
    }
    expect(patientOf(resource)).toBe('p')
  })

  it('nobody, when two patients have the same claim to it', () => {
    const member = [{ entity: patient('a') }, { entity: patient('b') }]
    expect(patientOf({ resourceType: 'Group', member })).toBeUndefined()
    expect(
      patientOf({ resourceType: 'Group', member: [{ entity: patient('a') }, { entity: patient('a') }] }),
    ).toBe('a')
  })

  it('the patient of a version-specific reference', () => {
    expect(patientOf({ resourceType: 'Condition', subject: { reference: 'Patient/p/_history/3' } })).toBe('p')
  })

  it('nobody by a logical, contained, conditional or malformed reference', () => {
    const subjects: unknown[] = [
      { identifier: { system: 'http://fhir.nl/fhir/NamingSystem/bsn', value: '999999999' } },
      { reference: '#p' },
      { reference: 'urn:uuid:0fb13734-cb0d-0496-6a6f-b8bc2a01555e' },
      { reference: 'Patient?identifier=a|b' },
      { reference: 'Patient/' },
      { reference: 'Patient/../Patient/p' },
      { reference: 'Patient/p/extra' },
      { reference: `Patient/${'x'.repeat(65)}` },
      { reference: 7 },
      'Patient/p',
      null,
    ]
    for (const subject of subjects) {
      expect(patientOf({ resourceType: 'Condition', subject }), JSON.stringify(subject)).toBeUndefined()
    }
  })

  it('its own server only: the same id under another base is another person', () => {
    const resource = { resourceType: 'Condition', subject: { reference: 'https://a.example/fhir/Patient/7' } }
    expect(patientOf(resource, 'https://a.example/fhir')).toBe('7')
    expect(patientOf(resource, 'https://b.example/fhir')).toBeUndefined()
    expect(patientOf(resource)).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import { AUDIT_KINDS, type AuditEntry } from '../../../src/domain/audit/audit-entry.ts'
import { describeAuditEntry } from '../../../src/domain/audit/describe-audit-entry.ts'
import { describeReason, isReasonCode, REASONS } from '../../../src/domain/audit/reasons.ts'

const full: Omit<AuditEntry, 'kind'> = {
  id: 'e1',
  recorded: '2026-11-21T14:00:00.000Z',
  outcome: '0',
  custodian: { id: '0xaa', name: 'Hospital A' },
  requester: { id: '0xbb', name: 'Hospital B' },
  user: { id: 'u7', name: 'Dr. Vos', role: 'physician' },
  patient: { identifier: { system: 'http://fhir.nl/fhir/NamingSystem/bsn', value: '999990019' } },
  purpose: 'TREAT',
  record: { id: 'rec-1', resourceType: 'Condition', dataClass: 'problems' },
}

describe('an audit entry in plain words', () => {
  it('is one sentence for each kind, when everything is known', () => {
    const told = AUDIT_KINDS.map((kind) => `${kind}: ${describeAuditEntry({ ...full, kind })}`)
    expect(told.join('\n')).toMatchInlineSnapshot(`
      "query: Dr. Vos (physician) at Hospital B looked for records that other hospitals share about the patient for treatment.
      list: Hospital A told Dr. Vos (physician) at Hospital B which records it may see for treatment.
      intent: Hospital A decided to give a record (problems and diagnoses) to Dr. Vos (physician) at Hospital B for treatment.
      disclosure: Hospital A gave a record (problems and diagnoses) to Dr. Vos (physician) at Hospital B for treatment.
      receipt: Dr. Vos (physician) at Hospital B received a record (problems and diagnoses) from Hospital A for treatment and verified it.
      refusal: Hospital A refused a record (problems and diagnoses) to Dr. Vos (physician) at Hospital B for treatment.
      consent-granted: The patient allowed Hospital B to see records of Hospital A for treatment.
      consent-revoked: The patient stopped Hospital B from seeing records of Hospital A for treatment.
      consent-objected: The patient objected to Hospital B seeing records of Hospital A for treatment.
      objection-withdrawn: The patient withdrew an objection against Hospital B at Hospital A for treatment.
      consent-unchanged: A signed withdrawal reached Hospital A, but a newer consent stands, so nothing changed.
      locked: The patient locked all sharing from Hospital A.
      unlocked: The patient unlocked sharing from Hospital A.
      bound: The patient's key was bound at Hospital A.
      share-sent: Hospital A told Hospital B where the records are that it may see for treatment.
      share-received: Hospital B learnt from Hospital A where the records are that it may see for treatment.
      request-sent: Dr. Vos (physician) at Hospital B asked the patient for access to records of Hospital A for treatment.
      request-received: Hospital A received a request of Hospital B for access to records for treatment.
      request-step: Dr. Vos (physician) at Hospital A decided on a request of Hospital B for access to records for treatment.
      request-closed: Hospital A closed a request of Hospital B for access to records for treatment.
      consent-approved: Dr. Vos (physician) at Hospital A approved a consent of the patient for Hospital B for treatment.
      approval-refused: Dr. Vos (physician) at Hospital A did not approve a consent of the patient for Hospital B for treatment.
      identity-event: Hospital A is finding out whose records these are, and shares nothing meanwhile.
      identity-confirmed: Dr. Vos (physician) at Hospital A confirmed what happened to the identity of the patient.
      identity-rejected: Dr. Vos (physician) at Hospital A rejected what was said of the identity of the patient.
      identity-moved: Hospital A closed the handle of the patient.
      alarm: Alarm at Hospital B about a record (problems and diagnoses).
      anchor: Something was written on the chain that this member cannot open.
      log-read: Dr. Vos (physician) read the audit trail of Hospital A.
      consents-read: Dr. Vos (physician) at Hospital A read the patient's consents.
      client-changed: Dr. Vos (physician) at Hospital A changed what programs may call its broker.
      window: Hospital A anchored a window of its audit trail on the chain.
      record-registered: Hospital A registered a record (problems and diagnoses).
      member-changed: The membership of Hospital A changed.
      document-published: Dr. Vos (physician) at Hospital A added documents to the patient's record.
      own-record-read: The patient read their own record at Hospital A.
      handle-resolved: Dr. Vos (physician) at Hospital A found out whose handle this is.
      own-trail-read: The patient read at Hospital A who has seen what about them.
      consents-consulted: Dr. Vos (physician) at Hospital A asked whether Hospital B may see records of the patient for treatment.
      representative-changed: Who may act for the patient at Hospital A changed.
      recovery: The patient is getting a new key at Hospital A.
      emergency-access: The patient decided on access in emergencies at Hospital A.
      governance: The council or the contracts of the network changed something.
      hold-placed: Dr. Vos (physician) at Hospital A placed a legal hold on the audit trail.
      hold-lift-asked: Dr. Vos (physician) at Hospital A asked that a legal hold on the audit trail be lifted.
      hold-lifted: Dr. Vos (physician) at Hospital A lifted a legal hold on the audit trail.
      trail-expired: Hospital A deleted lines of its audit trail that it need not keep any longer.
      case-opened: The patient told Hospital A that something looks wrong.
      case-answered: Dr. Vos (physician) at Hospital A answered what the patient said looks wrong.
      case-withdrawn: The patient took back what they told Hospital A.
      cases-read: Dr. Vos (physician) at Hospital A read what patients say looks wrong.
      staff-changed: Hospital A changed who may use its console.
      staff-signed-in: Dr. Vos (physician) at Hospital A signed in to the console.
      patient-looked-up: Dr. Vos (physician) at Hospital A looked the patient up in the console."
    `)
  })

  it('is a sentence, too, when nothing but the kind is known', () => {
    for (const kind of AUDIT_KINDS) {
      const text = describeAuditEntry({ id: 'e', recorded: full.recorded, kind, outcome: '0' })
      expect(text, kind).toMatch(/^[A-Z].+\.$/)
      expect(text, kind).not.toMatch(/undefined|null|\s{2}/)
    }
  })

  it('says why a request was refused, to those who may read the trail', () => {
    expect(describeAuditEntry({ ...full, kind: 'refusal', outcome: '8', reason: 'locked' })).toBe(
      'Hospital A refused a record (problems and diagnoses) to Dr. Vos (physician) at Hospital B for treatment. ' +
        'The patient has locked all sharing from this hospital.',
    )
  })

  it('never holds the national identifier or the id of a record', () => {
    for (const kind of AUDIT_KINDS) {
      expect(describeAuditEntry({ ...full, kind })).not.toMatch(/999990019|rec-1/)
    }
  })
})

describe('a reason', () => {
  it('is a plain sentence for every code', () => {
    for (const [code, text] of Object.entries(REASONS)) {
      expect(text, code).toMatch(/^[A-Z].+\.$/)
      expect(describeReason(code)).toBe(text)
    }
  })

  it('that nobody knows is shown as itself rather than hidden', () => {
    expect(isReasonCode('toString')).toBe(false)
    expect(describeReason('future-reason')).toBe('Reason: future-reason.')
  })
})

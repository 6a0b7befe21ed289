import type { Bundle, Consent, DocumentReference } from 'fhir/r4.js'
import { PURPOSE_SYSTEM } from '../../domain/consent/purposes.ts'
import { identifierText } from '../../domain/identity/member-id.ts'
import type { PatientClient } from '../../patient/client.ts'
import type { HisClient } from '../his-client.ts'
import { NotYet, patiently } from '../patiently.ts'
import type { SandboxFile } from '../sandbox-file.ts'
import type { Step } from './step.ts'

type Hospital = SandboxFile['hospitals'][number]

/** A hospital writes down, as a FHIR Consent, what the patient tells it; the patient signs it, and it is kept to the letter. */
export function bodySteps(args: {
  custodian: Hospital
  grantee: Hospital
  /** Of the patient at the custodian, and of one of their ordinary records there: `Type/id`. */
  patient: string
  record: string
  device: PatientClient
  custodianHis: HisClient
  ordinary: number
  listUntil: (total: number) => Promise<Bundle<DocumentReference>>
}): Step[] {
  const { custodian, grantee, patient, record, device, custodianHis, ordinary, listUntil } = args
  const to = { granteeType: 'Organization' as const, grantee: identifierText(grantee.identifier) }

  return [
    {
      name: 'all-but-one',
      title: `${custodian.name} writes down a FHIR Consent that keeps one record back; the patient signs it`,
      async run() {
        await patiently(async () => {
          const { status, code } = await custodianHis.fhir('POST', 'Consent', consentFor())
          if (status >= 500) throw new NotYet(`filing answered ${status}`)
          if (status !== 201) throw new Error(`filing answered ${status} ${code ?? ''}`)
        })
        for (const proposal of await patiently(() => device.proposals()))
          await patiently(() => device.accept(proposal))
        await listUntil(ordinary - 1)
        const kept = await patiently(() =>
          device.explain({ requester: grantee.member, purpose: 'TREAT', record }),
        )
        if (kept.reason !== 'provision-denies') throw new Error(`${record}: ${kept.sentence}`)
        // It ends as it began.
        await patiently(() => device.revoke({ to, purpose: 'TREAT' }))
        await listUntil(0)
        return `${grantee.name} finds ${ordinary - 1} records, by asking ${custodian.name}; ${record} is not among them. The patient asks why: "${kept.sentence}"`
      },
    },
  ]

  function consentFor(): Consent {
    return {
      resourceType: 'Consent',
      status: 'proposed',
      scope: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
      },
      category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
      patient: { reference: patient },
      provision: {
        type: 'permit',
        actor: [
          {
            role: {
              coding: [
                { system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' },
              ],
            },
            reference: { type: 'Organization', identifier: grantee.identifier },
          },
        ],
        purpose: [{ system: PURPOSE_SYSTEM, code: 'TREAT' }],
        securityLabel: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }],
        provision: [{ type: 'deny', data: [{ meaning: 'instance', reference: { reference: record } }] }],
      },
    }
  }
}

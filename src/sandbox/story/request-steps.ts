import type { Bundle, DocumentReference } from 'fhir/r4.js'
import { dateOfDay, dayOf } from '../../domain/days.ts'
import { identifierText } from '../../domain/identity/member-id.ts'
import { requestTask } from '../../fhir/request-task.ts'
import type { PatientClient } from '../../patient/client.ts'
import type { HisClient } from '../his-client.ts'
import { NotYet, patiently } from '../patiently.ts'
import type { SandboxFile } from '../sandbox-file.ts'
import type { Step } from './step.ts'

type Hospital = SandboxFile['hospitals'][number]

const ASKED_FOR = ['problems', 'medications', 'allergies']
const GRANTED = ['problems', 'medications']

/**
 * A hospital asks, the patient answers with less, the custodian approves, and both signatures land in one transaction;
 * then the patient locks everything, and unlocks it again.
 */
export function requestSteps(args: {
  custodian: Hospital
  grantee: Hospital
  person: SandboxFile['patients'][number]
  device: PatientClient
  /** Of the hospital that asks, and of the custodian. */
  his: HisClient
  custodianHis: HisClient
  /** How many of the person's records are of these classes and not sensitive. */
  countOf: (classes: readonly string[]) => number
  listUntil: (total: number) => Promise<Bundle<DocumentReference>>
  refused: (recordId: string | undefined) => Promise<void>
}): Step[] {
  const { custodian, grantee, person, device, his, custodianHis, countOf, listUntil, refused } = args
  const to = { granteeType: 'Organization' as const, grantee: identifierText(grantee.identifier) }

  return [
    {
      name: 'request-approved',
      title: `${grantee.name} asks for access; the patient grants less than was asked for, and ${custodian.name} approves`,
      async run() {
        const request = await patiently(() => requestShown())
        const sent = await patiently(() => device.answer(request, { classes: GRANTED }))
        const digest = sent.receipt?.digest.slice(2) ?? ''
        await patiently(async () => {
          const { status, code } = await custodianHis.decide(digest, '$approve')
          if (status >= 500) throw new NotYet(`approving answered ${status}`)
          // A story that lost the answer finds it approved.
          if (status !== 204 && code !== 'task-closed')
            throw new Error(`approving answered ${status} ${code ?? ''}`)
        })
        await listUntil(countOf(GRANTED))
        return `Asked for ${ASKED_FOR.join(', ')}; granted ${GRANTED.join(', ')}. Both signatures in one transaction, which names no request; the request itself is closed at its deadline, whatever came of it.`
      },
    },
    {
      name: 'lock-and-unlock',
      title: 'The patient locks everything, and unlocks it again',
      async run() {
        const listed = await listUntil(countOf(GRANTED))
        const record = listed.entry?.[0]?.resource?.id
        await patiently(() => device.lock())
        await refused(record)
        await patiently(() => device.unlock())
        await patiently(async () => {
          const { status } = await his.open(record ?? '', 'TREAT')
          if (status !== 200) throw new NotYet(`opening answered ${status}`)
        })
        // It ends as it began.
        await patiently(() => device.revoke({ to, purpose: 'TREAT' }))
        await listUntil(0)
        return 'Locked, nothing was released, at once; unlocked by the patient’s signature, the consent from before counted again. Then it was revoked.'
      },
    },
  ]

  /** Asks, and waits until the request stands on the chain and with the patient. One of an earlier telling serves. */
  async function requestShown() {
    const open = (await device.requests()).find(
      (r) =>
        !r.answered && r.requester.name === grantee.name && GRANTED.every((c) => r.dataClasses.includes(c)),
    )
    if (open) return open
    const today = dayOf(Date.now())
    const task = requestTask({
      patient: person.nationalId,
      custodian: custodian.identifier,
      dataClasses: ASKED_FOR,
      sensitivities: [],
      from: dateOfDay(today),
      until: dateOfDay(today + 30),
      reason: 'Referred for an operation',
      answerUntil: dateOfDay(today + 2),
      patientNamedCustodian: true,
    })
    const { status, code, body } = await his.ask(task, 'TREAT')
    if (status >= 500) throw new NotYet(`asking answered ${status}`)
    if (status !== 201) throw new Error(`asking answered ${status} ${code ?? ''}`)
    return patiently(async () => {
      const request = (await device.requests()).find(({ id }) => id === `0x${body.id}`)
      if (!request) throw new NotYet('the request has not reached the patient')
      return request
    })
  }
}

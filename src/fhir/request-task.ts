import type { Coding, Identifier as FhirIdentifier, Task, TaskInput } from 'fhir/r4.js'
import type { AccessRequest } from '../domain/consent/access-request.ts'
import { isDataClass } from '../domain/consent/data-classes.ts'
import { PURPOSE_SYSTEM } from '../domain/consent/purposes.ts'
import { isGrantableKind } from '../domain/consent/sensitivities.ts'
import { dateOfDay, dayOf, dayOfDate } from '../domain/days.ts'
import { wayleaveError } from '../domain/errors.ts'
import { checkNationalId, type Identifier } from '../domain/identity/national-ids.ts'

const TASK_SYSTEM = 'https://wayleave.example/fhir/CodeSystem/task'

/** What a Task stands for: a patient asked for access, or a patient's grant that waits for the custodian's approval. */
export type TaskCode = 'request-access' | 'approve-grant'

const concept = (code: string) => ({ coding: [{ system: TASK_SYSTEM, code }] })

/** A request for access as a HIS writes it. */
export type RequestedTask = Pick<
  AccessRequest,
  'patient' | 'dataClasses' | 'sensitivities' | 'from' | 'until' | 'reason'
> & { custodian: Identifier; days: number }

/** The Task with which a HIS asks a patient for access; what `readRequestTask` reads. */
export function requestTask(
  wish: Omit<RequestedTask, 'days'> & { answerUntil: string; patientNamedCustodian: boolean },
): Task {
  return {
    resourceType: 'Task',
    status: 'requested',
    intent: 'proposal',
    code: concept('request-access'),
    ...(wish.reason ? { description: wish.reason } : {}),
    for: { identifier: wish.patient },
    owner: { identifier: wish.custodian },
    restriction: { period: { end: wish.answerUntil } },
    input: [
      { type: concept('patient-named-custodian'), valueBoolean: wish.patientNamedCustodian },
      ...whatInputs(wish),
    ],
  }
}

/**
 * Reads a FHIR R4 Task: `for.identifier` the patient's national identifier, `owner.identifier` the custodian,
 * `restriction.period.end` the last day to answer, `input` the rest (see docs/integrate.md).
 * @throws WayleaveError `request-invalid` with the path of what is wrong; `identifier-invalid`,
 * `identifier-system-unknown`
 */
export function readRequestTask(body: unknown, nowMs: number): RequestedTask {
  const task = (body ?? {}) as Partial<Task>
  if (task.resourceType !== 'Task') throw invalid('resourceType')
  if (task.status !== 'requested') throw invalid('status')
  if (task.intent !== 'proposal') throw invalid('intent')
  if (!isCode(task.code?.coding, 'request-access')) throw invalid('code')
  const input = inputsOf(task)
  // The national ID leaves this hospital only for a custodian that the patient has named (I6).
  if (input('patient-named-custodian')[0]?.valueBoolean !== true)
    throw invalid('input patient-named-custodian')
  const today = dayOf(nowMs)
  const last = dayOfDate(String(task.restriction?.period?.end))
  if (last === undefined) throw invalid('restriction.period.end')
  const dataClasses = input('data-class').map(({ valueCode }) => String(valueCode))
  const sensitivities = input('sensitivity').map(({ valueCode }) => String(valueCode))
  if (dataClasses.length === 0 || !dataClasses.every(isDataClass)) throw invalid('input data-class')
  if (!sensitivities.every(isGrantableKind)) throw invalid('input sensitivity')
  const from = input('from')[0]?.valueDate ?? dateOfDay(today)
  const until = input('until')[0]?.valueDate
  if (dayOfDate(from) === undefined || dayOfDate(String(until)) === undefined)
    throw invalid('input from or until')
  if (until === undefined || until < from || until < dateOfDay(today)) throw invalid('input until')
  const reason = task.description ?? ''
  if (typeof reason !== 'string' || reason.length > 500 || !reason.isWellFormed())
    throw invalid('description')
  const patient = checkNationalId(identifierOf(task.for?.identifier, 'for.identifier'))
  if (!patient.ok) throw wayleaveError(patient.code)
  return {
    patient: patient.identifier,
    custodian: identifierOf(task.owner?.identifier, 'owner.identifier'),
    days: last - today,
    ...{ dataClasses, sensitivities, from, until, reason },
  }
}

const invalid = (path: string) => wayleaveError('request-invalid', `Task.${path}`)

function isCode(codings: unknown, code: string): boolean {
  return Array.isArray(codings) && codings.some((c: Coding) => c?.system === TASK_SYSTEM && c.code === code)
}

function inputsOf(task: Partial<Task>): (code: string) => TaskInput[] {
  const all = Array.isArray(task.input) ? task.input.slice(0, 200) : []
  return (code) => all.filter((input) => isCode(input?.type?.coding, code))
}

function identifierOf(x: FhirIdentifier | undefined, path: string): Identifier {
  const { system, value } = x ?? {}
  if (typeof system !== 'string' || typeof value !== 'string' || system === '' || value === '')
    throw invalid(path)
  return { system, value }
}

/** What is asked for or granted, as `Task.input`. */
export function taskInputs(what: {
  purpose: string
  dataClasses: readonly string[]
  sensitivities: readonly string[]
  from: string
  until: string
}): TaskInput[] {
  return [
    { type: concept('purpose'), valueCoding: { system: PURPOSE_SYSTEM, code: what.purpose } },
    ...whatInputs(what),
  ]
}

function whatInputs(what: {
  dataClasses: readonly string[]
  sensitivities: readonly string[]
  from: string
  until: string
}): TaskInput[] {
  return [
    ...what.dataClasses.map((valueCode) => ({ type: concept('data-class'), valueCode })),
    ...what.sensitivities.map((valueCode) => ({ type: concept('sensitivity'), valueCode })),
    { type: concept('from'), valueDate: what.from },
    { type: concept('until'), valueDate: what.until },
  ]
}

/** The Task of a request or of a waiting grant. An id is 64 hex digits: the chain's 32 bytes without `0x`. */
export function buildTask(args: {
  id: string
  code: TaskCode
  status: Task['status']
  /** `Patient/ID` at this hospital, or the national identifier where it is another's. */
  patient: { reference: string } | { identifier: Identifier }
  requester?: Identifier
  owner: Identifier
  authoredOn: string
  /** Block time, in seconds, at which it ends. */
  deadline: number
  input: TaskInput[]
  description?: string
}): Task {
  const { id, code, status, patient, requester, owner, authoredOn, deadline, input, description } = args
  return {
    resourceType: 'Task',
    id: id.replace(/^0x/, ''),
    status,
    intent: 'proposal',
    code: concept(code),
    ...(description ? { description } : {}),
    for: patient,
    authoredOn,
    ...(requester ? { requester: { identifier: requester } } : {}),
    owner: { identifier: owner },
    restriction: { period: { end: new Date(deadline * 1000).toISOString() } },
    input,
  }
}

import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Bundle, Task } from 'fhir/r4.js'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { type Hex, isHex } from '../../domain/hex.ts'
import { parseIdentifierText } from '../../domain/identity/member-id.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { buildTask, readRequestTask, taskInputs } from '../../fhir/request-task.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { Approvals, Decider, Waiting } from '../requests/approvals.ts'
import type { ReceivedRequests, RequestState } from '../requests/received-requests.ts'
import type { SentRequest, SentRequests } from '../requests/sent-requests.ts'
import type { HisGrant } from './his-routes.ts'
import { assertMatch, sendVersion, withVersion } from './versions.ts'

type TaskStatus = Task['status']

/** Where a request, or a grant that waits, stands at the custodian, as Task.status says it. */
const STATES: Readonly<Record<RequestState, TaskStatus>> = {
  open: 'requested',
  approved: 'accepted',
  answered: 'in-progress',
  granted: 'completed',
  refused: 'rejected',
  'no-answer': 'failed',
}
const GRANT_STATES = {
  waiting: 'requested',
  approved: 'completed',
  rejected: 'rejected',
  lapsed: 'failed',
} as const
const STATUSES: ReadonlySet<TaskStatus> = new Set<TaskStatus>(Object.values(STATES))

const STATUS = { sending: 'requested', open: 'requested', closed: 'completed', lapsed: 'failed' } as const

/**
 * Requests for access as FHIR Tasks: a HIS asks, and finds at its own broker whether the request is open; staff of the
 * custodian find what waits for their approval, and decide.
 */
export function requestRoutes(
  app: FastifyInstance,
  deps: {
    base: () => string
    clock: Clock
    sent: SentRequests
    received: ReceivedRequests
    approvals: Approvals
    index: IndexQueries
    organization: Identifier
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  },
): void {
  const { sent, received, approvals, index, organization: owner } = deps

  /** Whoever asks or approves is a person, and is named. */
  async function person(request: FastifyRequest, scope: string) {
    const { asker, clientId } = await deps.authorise(request, scope)
    if (!asker) throw wayleaveError('user-missing')
    return { asker, clientId }
  }

  app.post('/fhir/Task', async (request, reply) => {
    const { asker, clientId } = await person(request, 'system/Task.c')
    const task = await taskOfSent(
      await sent.ask(readRequestTask(request.body, deps.clock.now()), asker, clientId),
    )
    reply.status(201).header('location', `${deps.base()}/fhir/Task/${task.id}`)
    return sendVersion(request, reply, task)
  })

  app.get<{ Params: { id: string } }>('/fhir/Task/:id', async (request, reply) => {
    await person(request, 'system/Task.rs')
    return sendVersion(request, reply, await taskOf(idOf(request.params.id)))
  })

  app.get<{ Querystring: Record<string, unknown> }>('/fhir/Task', async (request, reply) => {
    await person(request, 'system/Task.rs')
    const { status = 'requested', _format = 'json', ...rest } = request.query
    if (Object.keys(rest).length > 0) throw wayleaveError('unsupported-parameter')
    const wanted = (typeof status === 'string' ? status.split(',') : []) as TaskStatus[]
    if (wanted.length === 0 || !wanted.every((one) => STATUSES.has(one)))
      throw wayleaveError('request-invalid', 'status')
    const tasks = await tasksWith(new Set(wanted))
    const bundle: Bundle<Task> = {
      resourceType: 'Bundle',
      type: 'searchset',
      total: tasks.length,
      entry: tasks.map((resource) => ({
        fullUrl: `${deps.base()}/fhir/Task/${resource.id}`,
        resource,
        search: { mode: 'match' },
      })),
    }
    return reply.type('application/fhir+json').send(bundle)
  })

  for (const [operation, decision] of [
    ['$approve', 'approved'],
    ['$reject', 'rejected'],
  ] as const) {
    app.post<{ Params: { id: string } }>(`/fhir/Task/:id/${operation}`, async (request, reply) => {
      const { asker, clientId } = await person(request, 'system/Task.u')
      const user = { id: asker.userId, role: asker.role, ...(asker.userName ? { name: asker.userName } : {}) }
      const id = idOf(request.params.id)
      // Of two who decide at once one is told `task-closed`: what is decided is decided once, whatever was matched.
      if (request.headers['if-match'] !== undefined) assertMatch(request, await taskOf(id))
      await decide(id, decision, { user, client: { id: clientId } })
      return reply.status(204).send()
    })
  }

  /** A word on a request is one on the grant that answers it, whichever comes first. */
  async function decide(id: Hex, decision: 'approved' | 'rejected', by: Decider): Promise<void> {
    if (await approvals.knows(id)) return approvals.decide(id, decision, by)
    const { answer } = await received.decide(id, decision, by)
    if (answer && (await approvals.knows(answer))) await approvals.decide(answer, decision, by)
  }

  async function taskOf(id: Hex) {
    const waiting = (await tasksWith(STATUSES)).find((task) => `0x${task.id}` === id)
    return waiting ?? taskOfSent(await sent.byId(id))
  }

  /** What can be decided now, and where asked for what has been decided, or was answered by nobody. */
  async function tasksWith(wanted: ReadonlySet<TaskStatus>): Promise<VersionedTask[]> {
    const open = wanted.has('requested') ? await openTasks() : []
    if ([...wanted].every((status) => status === 'requested')) return open
    const over = async (status: TaskStatus, task: () => Promise<Task> | Task) =>
      status !== 'requested' && wanted.has(status) ? [withVersion({ ...(await task()), status })] : []
    const decided = [
      ...(await received.all()).map((one) => over(STATES[one.state], () => taskOfReceived(one))),
      ...(await approvals.all()).map((one) => over(GRANT_STATES[one.state], () => taskOfWaiting(one))),
    ]
    return [...open, ...(await Promise.all(decided)).flat()]
  }

  async function openTasks(): Promise<VersionedTask[]> {
    // One that the patient has answered shows as the grant that waits.
    const requests = (await received.open()).filter((r) => r.decision === undefined && r.answer === undefined)
    return Promise.all([
      ...requests.map(taskOfReceived),
      ...(await approvals.waiting()).map(async (waiting) => taskOfWaiting(waiting)),
    ])
  }

  async function taskOfSent({ commitment, request, custodian, askedAt, status }: SentRequest) {
    return versioned({
      id: commitment,
      code: 'request-access',
      status: STATUS[status],
      patient: { identifier: request.patient },
      requester: owner,
      owner: custodian,
      authoredOn: askedAt,
      deadline: request.deadline,
      input: taskInputs(request),
      description: request.reason,
    })
  }

  async function taskOfReceived({
    commitment,
    request,
    receivedAt,
    patient,
  }: Awaited<ReturnType<ReceivedRequests['open']>>[number]) {
    const requester = (await index.profile(request.requester))?.identifier
    return versioned({
      id: commitment,
      code: 'request-access',
      status: 'requested',
      patient: { reference: `Patient/${patient.secrets.fhirId}` },
      ...(requester ? { requester } : {}),
      owner,
      authoredOn: receivedAt,
      deadline: request.deadline,
      input: taskInputs(request),
      description: request.reason,
    })
  }

  function taskOfWaiting({ digest, patient, grant, filedAt }: Waiting) {
    const { scope, terms, from, until, deadline } = grant
    const organization = scope.granteeType === 'Organization' ? parseIdentifierText(scope.grantee) : undefined
    return versioned({
      id: digest,
      code: 'approve-grant',
      status: 'requested',
      patient: { reference: `Patient/${patient.secrets.fhirId}` },
      ...(organization ? { requester: organization } : {}),
      owner,
      authoredOn: filedAt,
      deadline,
      input: taskInputs({ purpose: scope.purpose, ...terms, from, until }),
    })
  }
}

type VersionedTask = ReturnType<typeof versioned>

const versioned = (parts: Parameters<typeof buildTask>[0]) => withVersion(buildTask(parts))

function idOf(text: string): Hex {
  const id = `0x${text}`
  if (!isHex(id, 32)) throw wayleaveError('task-unknown')
  return id
}

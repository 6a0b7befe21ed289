import type { Bundle, Task } from 'fhir/r4.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AccessRequests__factory, ConsentRegistry__factory } from '../../../src/chain/contracts.ts'
import { dateOfDay, dayOf } from '../../../src/domain/days.ts'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import { requestTask } from '../../../src/fhir/request-task.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { admit, passDays, relay, submit } from '../../support/acts.ts'
import { insideOf } from '../../support/inside.ts'
import { somebody } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let ANNA: Identifier
let anna: PatientClient

const today = () => dayOf(a.clock.now())

function wish(patient: Identifier, changes: object = {}) {
  return requestTask({
    patient,
    custodian: a.config.identifier,
    dataClasses: ['problems', 'observations'],
    sensitivities: [],
    from: dateOfDay(today()),
    until: dateOfDay(today() + 90),
    reason: 'For the operation on Monday',
    answerUntil: dateOfDay(today() + 3),
    patientNamedCustodian: true,
    ...changes,
  })
}

const asked = async (patient = ANNA, purpose = 'TREAT') => {
  const { status, body } = await b.his.ask(wish(patient), purpose)
  expect(status).toBe(201)
  return body.id ?? ''
}

/** The request as the patient's device shows it, once the chain has it. */
async function shown(id: string) {
  await eventually(async () => (await anna.requests()).some((request) => request.id === `0x${id}`))
  const request = (await anna.requests()).find((one) => one.id === `0x${id}`)
  if (!request) throw new Error('the request went')
  return request
}

const listed = async () => (await b.his.list(ANNA, 'TREAT')).body.total
const waitingAt = async (hospital: TestHospital) => {
  const { body } = await hospital.his.tasks()
  return (body.entry ?? []).flatMap(({ resource }) => (resource ? [resource] : []))
}

async function over(): Promise<void> {
  await anna.revoke({ to: party(), purpose: 'TREAT' })
  await eventually(async () => (await listed()) === 0)
}
const party = () => ({
  granteeType: 'Organization' as const,
  grantee: `${b.config.identifier.system}|${b.config.identifier.value}`,
})

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  ANNA = await admit(a, 'anna', 0)
  await a.settled()
  anna = await world.enrol(a, ANNA)
}, 60_000)

afterAll(() => world?.close())

describe('A request is answered by the patient and approved by the custodian:', () => {
  test('with both, in this order, the asking hospital sees what was granted', async () => {
    const request = await shown(await asked())
    expect(request).toMatchObject({
      requester: { name: 'Hospital B' },
      purpose: 'TREAT',
      dataClasses: ['problems', 'observations'],
      reason: 'For the operation on Monday',
      answered: false,
    })
    const sent = await anna.answer(request, { classes: ['problems'] })
    expect(sent.receipt).toMatchObject({ counts: 'when approved' })
    expect(sent.signed.typedData.message).toMatchObject({ needsApproval: true, deadline: request.deadline })
    expect(await listed()).toBe(0)
    const task = (await waitingAt(a)).find(({ code }) => code?.coding?.[0]?.code === 'approve-grant')
    expect(task?.for).toEqual({ reference: 'Patient/anna' })
    expect(await a.his.decide(task?.id ?? '', '$approve')).toMatchObject({ status: 204 })
    await eventually(async () => (await listed()) === 1)
    const [shown1] = (await b.his.list(ANNA, 'TREAT')).body.entry ?? []
    const record = shown1?.resource?.id ?? ''
    expect((await b.his.open(record, 'TREAT')).status).toBe(200)
    const kinds = (await insideOf(a).trail()).map(({ kind }) => kind)
    for (const kind of [
      'request-received',
      'request-step',
      'consent-approved',
      'consent-granted',
      'disclosure',
    ])
      expect(kinds).toContain(kind)
    const asking = (await insideOf(b).trail()).map(({ kind }) => kind)
    for (const kind of ['request-sent', 'share-received', 'receipt']) expect(asking).toContain(kind)
    await over()
    expect((await b.his.open(record, 'TREAT')).code).toBe('not-available')
  })

  test('both approvals are in one transaction of the ConsentRegistry, which names no request', async () => {
    const granted = await insideOf(a)
      .index()
      .selectFrom('events')
      .selectAll()
      .where('name', '=', 'ConsentGranted')
      .execute()
    expect(granted.length).toBe(1)
    const sent = await world.provider.getTransaction(granted[0]?.transaction ?? '')
    const call = ConsentRegistry__factory.createInterface().parseTransaction({ data: sent?.data ?? '' })
    expect(call?.name).toBe('grantWith')
    expect(sent?.to?.toLowerCase()).toBe(world.chain.contracts.consentRegistry.toLowerCase())
    const requests = await insideOf(a).db().selectFrom('requests_received').select('commitment').execute()
    expect(requests.length).toBeGreaterThan(0)
    for (const { commitment } of requests) expect(sent?.data).not.toContain(commitment.slice(2))
    const alone = await insideOf(a)
      .index()
      .selectFrom('events')
      .select('name')
      .where('transaction', '=', sent?.hash ?? '')
      .execute()
    expect(alone.map(({ name }) => name)).toEqual(['ConsentGranted'])
  })

  test('the custodian may say yes first: then the grant lands as soon as the patient gives it', async () => {
    const id = await asked()
    const request = await shown(id)
    expect(await a.his.decide(id, '$approve')).toMatchObject({ status: 204 })
    expect(await listed()).toBe(0)
    await anna.answer(await shown(id))
    await eventually(async () => (await listed()) === 2)
    expect((await waitingAt(a)).length).toBe(0)
    expect(request.decision).toBeUndefined()
    await over()
  })

  test('where the custodian says no, the patient hears so, and nothing is shared', async () => {
    const id = await asked()
    const request = await shown(id)
    expect(await a.his.decide(id, '$reject')).toMatchObject({ status: 204 })
    await expect(anna.answer(request)).rejects.toMatchObject({ code: 'approval-refused' })
    expect(await listed()).toBe(0)
  })

  test('who says no to a request and yes to one like it has answered the second', async () => {
    const refused = await shown(await asked())
    await anna.refuse(refused)
    const second = await shown(await asked())
    const { receipt } = await anna.answer(second)
    const states = (await anna.requests()).map(({ id, answered }) => [id, answered])
    expect(states).toContainEqual([second.id, true])
    expect(states.filter(([id]) => id === refused.id)).toEqual([])
    await a.his.decide(receipt?.digest.slice(2) ?? '', '$approve')
    await eventually(async () => (await listed()) === 2)
    await over()
  })

  test('the records office finds each request by where it stands', async () => {
    const states = async (id: string) => {
      const found: string[] = []
      for (const status of ['requested', 'accepted', 'in-progress', 'completed', 'rejected', 'failed']) {
        const { body } = await a.his.fhir<Bundle<Task>>('GET', `Task?status=${status}`)
        for (const { resource } of body.entry ?? [])
          if (resource?.id === id && resource.status === status) found.push(status)
      }
      return found
    }
    const [open, approved, rejected, refused] = [await asked(), await asked(), await asked(), await asked()]
    for (const id of [open, approved, rejected, refused]) await shown(id)
    await a.his.decide(approved, '$approve')
    await a.his.decide(rejected, '$reject')
    await anna.refuse(await shown(refused))
    expect(await states(open)).toEqual(['requested'])
    expect(await states(approved)).toEqual(['accepted'])
    expect(await states(rejected)).toEqual(['rejected'])
    expect(await states(refused)).toEqual(['rejected'])
    await anna.answer(await shown(approved), { classes: ['problems'] })
    expect(await states(approved)).toEqual(['completed'])
    expect((await a.his.fhir('GET', 'Task?status=draft')).code).toBe('request-invalid')
    await eventually(async () => (await listed()) === 1)
    await over()
    await anna.refuse(await shown(open))
  })

  test('a grant that needs approval needs no request', async () => {
    const wanted = { to: party(), purpose: 'TREAT', classes: ['problems'], flags: { needsApproval: true } }
    expect((await anna.grant(wanted)).receipt).toMatchObject({ counts: 'when approved' })
    const [task] = await waitingAt(a)
    expect((await a.his.decide(task?.id ?? '', '$approve')).status).toBe(204)
    await eventually(async () => (await listed()) === 1)
    await over()
  })

  test('what the patient took back before it was approved is not approved any more', async () => {
    const wanted = { to: party(), purpose: 'TREAT', classes: ['problems'], flags: { needsApproval: true } }
    await anna.grant(wanted)
    const [task] = await waitingAt(a)
    await anna.revoke({ to: party(), purpose: 'TREAT' })
    const refused = await a.his.decide(task?.id ?? '', '$approve')
    expect(refused).toMatchObject({ status: 409, code: 'version-wrong' })
    expect((await a.his.decide(task?.id ?? '', '$reject')).status).toBe(204)
    expect(await a.his.decide(task?.id ?? '', '$approve')).toMatchObject({ status: 409, code: 'task-closed' })
    expect(await listed()).toBe(0)
  })

  test('the contract takes such a grant from nobody without the approval', async () => {
    const wanted = { to: party(), purpose: 'TREAT', classes: ['problems'], flags: { needsApproval: true } }
    const { signed } = await anna.grant(wanted, { signOnly: true })
    expect(await submit(world, signed)).toBe(false)
  })

  test('only the custodian approves: at another hospital there is no such task', async () => {
    const id = await asked()
    await shown(id)
    expect(await b.his.decide(id, '$approve')).toMatchObject({ status: 404, code: 'task-unknown' })
    expect(await a.his.decide('ab'.repeat(32), '$approve')).toMatchObject({
      status: 404,
      code: 'task-unknown',
    })
    expect(await a.his.decide('x', '$approve')).toMatchObject({ status: 404, code: 'task-unknown' })
  })
})

describe('An answer is never wider than the request:', () => {
  test('a device builds none', async () => {
    const request = await shown(await asked())
    await expect(anna.answer(request, { classes: ['allergies'] })).rejects.toThrow('was not asked for')
    await expect(anna.answer(request, { sensitivities: ['HIV'] })).rejects.toThrow('was not asked for')
    await expect(anna.answer(request, { until: '2099-01-01' })).rejects.toThrow('Nothing was asked for after')
  })

  test('a wider grant does not use up what the custodian approved in advance', async () => {
    const id = await asked()
    const request = await shown(id)
    await a.his.decide(id, '$approve')
    const wider = {
      to: party(),
      purpose: 'TREAT',
      classes: ['problems', 'allergies'],
      flags: { needsApproval: true },
      deadline: request.deadline,
    }
    const sent = await anna.grant(wider)
    expect(sent.receipt?.counts).toBe('when approved')
    expect((await waitingAt(a)).map(({ id: task }) => `0x${task}`)).toContain(sent.receipt?.digest)
    expect(await listed()).toBe(0)
    await anna.revoke({ to: party(), purpose: 'TREAT' })
  })
})

describe('Every request ends alike at its deadline:', () => {
  const outcomes = async () => {
    const requests = AccessRequests__factory.connect(world.chain.contracts.accessRequests, world.provider)
    return (await requests.queryFilter(requests.filters.RequestClosed())).map(({ args }) => args)
  }

  test('granted, refused, unanswered and of an unknown person; the chain tells none from another', async () => {
    const answered = await asked()
    const refused = await asked()
    const silent = await asked()
    const unknown = await asked(somebody(7))
    const request = await shown(answered)
    expect((await a.his.decide(answered, '$approve')).status).toBe(204)
    await anna.answer(request)
    await anna.refuse(await shown(refused))
    expect((await anna.requests()).map(({ id }) => id)).not.toContain(`0x${refused}`)
    const before = await b.his.task(unknown)
    expect(before.body).toMatchObject({ status: 'requested' })
    expect((await outcomes()).length).toBe(0)

    await passDays(world, 5)
    const ids = [answered, refused, silent, unknown].map((id) => `0x${id}`)
    await eventually(async () => {
      const closed = (await outcomes()).map(({ commitment }) => commitment)
      return ids.every((id) => closed.includes(id))
    }, 25_000)
    for (const id of [answered, refused, silent, unknown]) {
      await eventually(async () => (await b.his.task(id)).body.status === 'completed')
      const { body } = await b.his.task(id)
      expect(Object.keys(body)).toEqual(Object.keys(before.body))
    }
    const all = await outcomes()
    expect(new Set(all.map(({ outcome }) => outcome)).size).toBe(all.length)
    const notes = (await insideOf(a).trail())
      .filter(({ kind }) => kind === 'request-closed')
      .map(({ note }) => note)
    for (const outcome of ['granted', 'refused', 'no-answer', 'unknown-patient'])
      expect(notes).toContain(`Outcome: ${outcome}.`)
    const told = (await insideOf(b).trail()).filter(({ kind }) => kind === 'request-closed')
    expect(told.length).toBe(all.length)
    expect(new Set(told.map(({ note, outcome }) => `${note} ${outcome}`)).size).toBe(1)
    // What is over cannot be decided on any more.
    expect(await a.his.decide(silent, '$approve')).toMatchObject({ status: 409, code: 'task-closed' })
  }, 60_000)

  test('of somebody whom it does not know the custodian has forgotten all but what it takes to close alike', async () => {
    const stranger = somebody(8)
    const before = (await insideOf(a).trail()).length
    const id = await asked(stranger)
    const row = await eventually(() =>
      insideOf(a)
        .db()
        .selectFrom('requests_received')
        .selectAll()
        .where('commitment', '=', `0x${id}`)
        .executeTakeFirst(),
    )
    expect(row).toMatchObject({ patient_id: null, sealed: null })
    const noted = await insideOf(a)
      .db()
      .selectFrom('audit_events')
      .select(['kind', 'patient_lookup'])
      .orderBy('seq', 'desc')
      .where('kind', '=', 'request-received')
      .limit(1)
      .executeTakeFirst()
    expect(noted?.patient_lookup).toBeNull()
    expect(JSON.stringify((await insideOf(a).trail()).slice(before))).not.toContain(stranger.value)
    expect(await a.his.decide(id, '$approve')).toMatchObject({ status: 404, code: 'task-unknown' })
  })
})

describe('What is no request is refused with a reason:', () => {
  const ask = (task: object) => b.his.ask(task as never, 'TREAT')

  test.each<[string, (task: ReturnType<typeof wish>) => object, string]>([
    ['no Task', (t) => ({ ...t, resourceType: 'Consent' }), 'request-invalid'],
    ['another status', (t) => ({ ...t, status: 'completed' }), 'request-invalid'],
    ['another code', (t) => ({ ...t, code: { text: 'x' } }), 'request-invalid'],
    ['no patient', ({ for: _for, ...t }) => t, 'request-invalid'],
    ['no custodian', ({ owner: _owner, ...t }) => t, 'request-invalid'],
    ['itself as custodian', (t) => ({ ...t, owner: { identifier: b.config.identifier } }), 'request-invalid'],
    [
      'a stranger as custodian',
      (t) => ({ ...t, owner: { identifier: { system: 'urn:x', value: '1' } } }),
      'member-unknown',
    ],
    ['no deadline', ({ restriction: _r, ...t }) => t, 'request-invalid'],
    [
      'a deadline that is over',
      (t) => ({ ...t, restriction: { period: { end: '2020-01-01' } } }),
      'request-invalid',
    ],
    [
      'a deadline a year ahead',
      (t) => ({ ...t, restriction: { period: { end: dateOfDay(today() + 365) } } }),
      'request-invalid',
    ],
    ['no kind of data', () => wish(ANNA, { dataClasses: [] }), 'request-invalid'],
    ['an unknown kind of data', () => wish(ANNA, { dataClasses: ['everything'] }), 'request-invalid'],
    ['an unknown sensitive kind', () => wish(ANNA, { sensitivities: ['XYZ'] }), 'request-invalid'],
    ['days that are over', () => wish(ANNA, { from: '2020-01-01', until: '2020-02-01' }), 'request-invalid'],
    [
      'a custodian that the patient has not named',
      () => wish(ANNA, { patientNamedCustodian: false }),
      'request-invalid',
    ],
    ['a number that is nobody’s', () => wish({ ...ANNA, value: '999999999' }), 'identifier-invalid'],
  ])('%s', async (_what, change, code) => {
    expect(await ask(change(wish(ANNA)))).toMatchObject({ code })
  })

  test('a program without a person behind it', async () => {
    expect((await b.auditor.ask(wish(ANNA), 'TREAT')).status).toBe(403)
  })

  test('a message that is none, or for another member', async () => {
    const post = (body: string) =>
      fetch(`${a.broker.base}/exchange/request`, {
        method: 'POST',
        headers: { 'content-type': 'application/jose' },
        body,
      })
    expect((await post('a.b.c.d.e')).status).toBe(400)
    expect((await relay(a, {})).status).toBe(400)
  })
})

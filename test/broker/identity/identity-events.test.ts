import { Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PatientRegistry__factory } from '../../../src/chain/contracts.ts'
import { mined } from '../../../src/chain/mined.ts'
import { actDomain, typedData } from '../../../src/domain/consent/typed-data.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { childKey, createWords } from '../../../src/patient/seed.ts'
import { signAct } from '../../../src/patient/sign.ts'
import { createPatientStore } from '../../../src/store/patients.ts'
import { admit, partyOf } from '../../support/acts.ts'
import { createAsker } from '../../support/asker.ts'
import { insideOf, refusedAt } from '../../support/inside.ts'
import { type IdentityEvent, officeOf } from '../../support/office.ts'
import { condition, observation, patient, somebody } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital

type Person = { name: string; id: Identifier; words: string; client: PatientClient }
const people = new Map<string, Person>()
const of = (name: string) => people.get(name) as Person
const NAMES = ['anna', 'bram', 'cees', 'dirk', 'emma', 'fien', 'gijs', 'hans', 'iris', 'joop'] as const

beforeAll(async () => {
  world = await createWorld({ fronts: { broker: ['b'], fhir: ['a'] } })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  const ids: Identifier[] = []
  for (const [i, name] of NAMES.entries()) ids.push(await admit(a, name, i))
  await a.settled()
  for (const [i, name] of NAMES.entries()) {
    const [id, words] = [ids[i] as Identifier, createWords()]
    people.set(name, { name, id, words, client: await world.enrol(a, id, words) })
  }
}, 60_000)

afterAll(() => world?.close())

const share = { purpose: 'TREAT', classes: ['problems'] }
const jan = () => officeOf(a, 'jan')
const piet = () => officeOf(a, 'piet', 1)
const listed = async (id: Identifier) => (await b.his.list(id, 'TREAT')).body.total
const tagOf = (name: string, version?: string) => insideOf(a).tagOf('Condition', `${name}-c1`, version)
const askFor = async (tag: Hex) => (await createAsker(b, a)).fetch(tag)

/** The person lets Hospital B see their problems, and it does. */
async function shares({ client, id, name }: Person): Promise<void> {
  await client.grant({ to: partyOf(b), ...share })
  await eventually(async () => (await listed(id)) === 1)
  expect((await askFor(await tagOf(name))).status).toBe(200)
}

async function isRefused(tag: Hex, reason: string): Promise<void> {
  const { answer } = await refusedAt(a, reason, () => askFor(tag))
  expect([answer.status, answer.code]).toEqual([404, 'not-available'])
}

const file = (name: string, id: Identifier, more: object = {}) => a.put({ ...patient(name, id), ...more })
const link = (type: string, name: string) => ({ link: [{ type, other: { reference: `Patient/${name}` } }] })

/** The open event about a file, as soon as the broker has seen it. */
async function eventOf(name: string, kind: string): Promise<IdentityEvent> {
  return eventually(async () =>
    (await jan().list('?status=open')).body.events.find(
      (event) =>
        event.kind === kind && event.persons.some(({ reference }) => reference === `Patient/${name}`),
    ),
  )
}

async function confirmedByTwo({ id }: IdentityEvent): Promise<void> {
  expect((await jan().confirm(id)).body).toMatchObject({ status: 'open', waitsFor: 'confirm' })
  expect((await piet().confirm(id)).status).toBe(200)
  await eventually(async () => (await jan().byId(id)).body.status === 'done')
  await a.settled()
}

async function rejectedByTwo({ id }: IdentityEvent): Promise<void> {
  expect((await jan().reject(id)).body).toMatchObject({ status: 'open', waitsFor: 'reject' })
  expect((await piet().reject(id)).body).toMatchObject({ status: 'rejected' })
}

describe('When a file is joined to another one,', () => {
  let event: IdentityEvent
  let before: Hex

  test('both persons are frozen: nothing goes out, no share stays, nothing is granted', async () => {
    const [anna, bram] = [of('anna'), of('bram')]
    for (const one of [anna, bram]) await shares(one)
    before = await tagOf('anna')
    await file('bram', bram.id, link('replaced-by', 'anna'))
    event = await eventOf('bram', 'merged')
    expect(event.persons.map(({ reference }) => reference).sort()).toEqual(['Patient/anna', 'Patient/bram'])
    for (const { client, name, id } of [anna, bram]) {
      await isRefused(await tagOf(name), 'identity-frozen')
      await expect(client.grant({ to: partyOf(b), ...share })).rejects.toMatchObject({
        code: 'identity-frozen',
      })
      expect((await client.consents()).frozen).toBe('identity-frozen')
      await eventually(async () => (await listed(id)) === 0)
    }
  })

  test('what narrows works all the same', async () => {
    const { client } = of('bram')
    expect((await client.revoke({ to: partyOf(b), purpose: 'TREAT' })).receipt?.counts).toBe('now')
    expect((await client.lock()).receipt?.counts).toBe('now')
    await eventually(async () => (await client.consents()).locked)
    await expect(client.unlock()).rejects.toMatchObject({ code: 'identity-frozen' })
  })

  test('a record of the one that the hospital has put into the file of the other goes out under nobody’s consent', async () => {
    await a.put(condition('bram-c1', 'anna', 'Hypertension'))
    await a.settled()
    await isRefused(await tagOf('bram', '2'), 'identity-frozen')
    expect(await listed(of('anna').id)).toBe(0)
  })

  test('one person decides nothing, with whichever program, nor does one who is unnamed or has another task', async () => {
    const said = await jan().confirm(event.id, 'register-asked', { note: 'Both came to the desk.' })
    expect(said.body).toMatchObject({ status: 'open', waitsFor: 'confirm' })
    for (const program of [0, 1] as const) {
      const again = await officeOf(a, 'jan', program).confirm(event.id)
      expect([again.status, again.code]).toEqual([409, 'second-person-needed'])
    }
    const his = await a.his.post(`/registrar/identity-events/${event.id}/confirmation`, {
      reason: 'files-compared',
    })
    expect([his.status, his.code]).toEqual([403, 'scope-insufficient'])
    for (const reason of [null, 'because', 7])
      expect((await piet().confirm(event.id, reason)).code).toBe('request-invalid')
    expect((await jan().byId('none')).code).toBe('identity-event-unknown')
    await isRefused(before, 'identity-frozen')
  })

  test('nobody can reject what the hospital’s own files still say', async () => {
    const answer = await piet().reject(event.id)
    expect([answer.status, answer.code]).toEqual([409, 'identity-unresolved'])
  })

  test('the freeze outlives the broker', async () => {
    await a.restart()
    const { answer } = await refusedAt(a, 'identity-frozen', () => askFor(before))
    expect(answer.code).toBe('not-available')
  })

  test('two persons move the entries to a new handle, and no consent goes along', async () => {
    expect((await piet().confirm(event.id)).status).toBe(200)
    await eventually(async () => (await jan().byId(event.id)).body.status === 'done')
    await a.settled()
    await isRefused(before, 'handle-closed')
    await isRefused(await tagOf('anna'), 'handle-unbound')
    expect(await listed(of('anna').id)).toBe(0)
    const again = await jan().confirm(event.id)
    expect([again.status, again.code]).toEqual([409, 'identity-event-closed'])
  })

  test('the old key still revokes and locks, sees that its handle is closed, and widens nothing', async () => {
    const { client } = of('anna')
    expect((await client.consents()).frozen).toBe('handle-closed')
    await expect(client.grant({ to: partyOf(b), ...share })).rejects.toMatchObject({ code: 'handle-closed' })
    expect((await client.revoke({ to: partyOf(b), purpose: 'TREAT' })).receipt?.counts).toBe('now')
  })

  test('the patient enrols anew, with another key, and what is signed then counts', async () => {
    const { id, words, client } = of('anna')
    await expect(world.enrol(a, id, words)).rejects.toMatchObject({ code: 'key-taken' })
    const anew = await world.enrol(a, id, words, 1)
    expect((await anew.signIn()).handle).not.toBe((await client.signIn()).handle)
    expect((await anew.consents()).consents).toEqual([])
    await anew.grant({ to: partyOf(b), ...share })
    // Her own problem, and the one that two persons said is hers.
    await eventually(async () => (await listed(id)) === 2)
    expect((await askFor(await tagOf('anna'))).status).toBe(200)
    expect((await askFor(await tagOf('bram', '2'))).status).toBe(200)
    people.set('anna', { ...of('anna'), client: anew })
  })

  test('nobody enrols for the file that was replaced', async () => {
    const { id } = of('bram')
    await expect(world.enrol(a, id)).rejects.toThrow('handle-closed')
  })

  test('nothing on the chain says that the old handle and the new one are one', async () => {
    const events = await insideOf(a)
      .index()
      .selectFrom('events')
      .select('args')
      .where('name', '=', 'RecordRegistered')
      .execute()
    const commitments = events.map(({ args }) => (JSON.parse(args) as { commitment: string }).commitment)
    expect(new Set(commitments).size).toBe(commitments.length)
    const bound = await insideOf(a)
      .index()
      .selectFrom('events')
      .select('args')
      .where('name', '=', 'HandleBound')
      .execute()
    const signers = bound.map(({ args }) => (JSON.parse(args) as { signerHash: string }).signerHash)
    expect(new Set(signers).size).toBe(signers.length)
  })

  test('when they are separated again, each gets a new handle and its own records, and no consent', async () => {
    const [anna, bram] = [of('anna'), of('bram')]
    await file('bram', bram.id)
    const parted = await eventOf('bram', 'unmerged')
    expect(parted.persons).toHaveLength(2)
    await isRefused(await tagOf('anna'), 'identity-frozen')
    await a.put(condition('bram-c1', 'bram', 'Hypertension'))
    await a.settled()
    await confirmedByTwo(parted)
    await isRefused(await tagOf('anna'), 'handle-unbound')
    await isRefused(await tagOf('bram', '3'), 'handle-unbound')
    const [annaAnew, bramAnew] = [
      await world.enrol(a, anna.id, anna.words, 2),
      await world.enrol(a, bram.id, bram.words, 1),
    ]
    await annaAnew.grant({ to: partyOf(b), ...share })
    await eventually(async () => (await listed(anna.id)) === 1)
    expect(await listed(bram.id)).toBe(0)
    await isRefused(await tagOf('bram', '3'), 'no-consent')
    await bramAnew.grant({ to: partyOf(b), ...share })
    await eventually(async () => (await listed(bram.id)) === 1)
  })

  test('all of it stands in the trail, by whom and why, and the patient reads it in sentences', async () => {
    const trail = await insideOf(a).trail()
    const kinds = trail.map(({ kind }) => kind)
    for (const kind of ['identity-event', 'identity-confirmed', 'identity-moved'])
      expect(kinds).toContain(kind)
    const words = trail.filter(({ kind }) => kind === 'identity-confirmed')
    expect(new Set(words.map(({ user }) => user?.id))).toEqual(new Set(['jan', 'piet']))
    expect(JSON.stringify(trail)).not.toContain('Both came to the desk')
    const history = await of('bram').client.history()
    expect(history.map(({ sentence }) => sentence).join('\n')).toContain(
      'is finding out whose records these are',
    )
  })
})

describe('When a file is said to be about the same person as another one (seealso),', () => {
  test('both are frozen; two persons who say that it changes nothing let the consents count again', async () => {
    const cees = of('cees')
    await shares(cees)
    await file('dirk', of('dirk').id, link('seealso', 'cees'))
    const event = await eventOf('cees', 'linked')
    await isRefused(await tagOf('cees'), 'identity-frozen')
    await eventually(async () => (await listed(cees.id)) === 0)
    await rejectedByTwo(event)
    await eventually(async () => (await listed(cees.id)) === 1)
    expect((await askFor(await tagOf('cees'))).status).toBe(200)
  })
})

describe('When the number in a file is corrected,', () => {
  test('the person is frozen, found by the new number after two persons said so, and signs again', async () => {
    const dirk = of('dirk')
    await shares(dirk)
    const corrected = somebody(40)
    await file('dirk', corrected, link('seealso', 'cees'))
    const event = await eventOf('dirk', 'identifier-changed')
    await isRefused(await tagOf('dirk'), 'identity-frozen')
    await eventually(async () => (await listed(dirk.id)) === 0)
    expect((await piet().reject(event.id)).code).toBe('identity-unresolved')
    await expect(world.enrol(a, corrected)).rejects.toThrow('identity-frozen')
    await confirmedByTwo(event)
    expect(await listed(corrected)).toBe(0)
    const anew = await world.enrol(a, corrected, dirk.words, 1)
    await anew.grant({ to: partyOf(b), ...share })
    await eventually(async () => (await listed(corrected)) === 1)
    expect(await listed(dirk.id)).toBe(0)
  })

  test('a slip that was put right is rejected by two, and nothing is lost; a new slip voids what one has said', async () => {
    const emma = of('emma')
    await shares(emma)
    await file('emma', somebody(41))
    const event = await eventOf('emma', 'identifier-changed')
    await file('emma', emma.id)
    await eventually(async () => (await jan().byId(event.id)).body.changes.length === 2)
    await jan().reject(event.id)
    await file('emma', somebody(42))
    await eventually(async () => (await jan().byId(event.id)).body.changes.length === 3)
    expect((await jan().byId(event.id)).body.waitsFor).toBeUndefined()
    expect((await piet().reject(event.id)).code).toBe('identity-unresolved')
    await file('emma', emma.id)
    await eventually(async () => (await jan().byId(event.id)).body.changes.length === 4)
    await rejectedByTwo(event)
    await eventually(async () => (await listed(emma.id)) === 1)
  })

  test('one number in two files freezes both, until it stands in one again', async () => {
    const emma = of('emma')
    await file('double', emma.id)
    await a.put(condition('double-c1', 'double', 'Gout', '90560007'))
    const event = await eventOf('emma', 'identifier-shared')
    expect(event.persons).toHaveLength(2)
    await isRefused(await tagOf('emma'), 'identity-frozen')
    expect((await jan().reject(event.id)).code).toBe('identity-unresolved')
    await file('double', somebody(43))
    await eventually(async () => (await jan().byId(event.id)).body.changes.length === 2)
    await rejectedByTwo(event)
    await eventually(async () => (await listed(emma.id)) === 1)
    expect((await askFor(await tagOf('emma'))).status).toBe(200)
  })

  test('a number that is old, and one of the hospital’s own, identify nobody anew', async () => {
    const { id } = of('emma')
    const old = { use: 'old', ...somebody(44) }
    await a.put({
      ...patient('emma', id),
      identifier: [{ use: 'official', ...id }, old, { system: 'urn:a', value: '7' }],
    })
    await a.put(condition('emma-c3', 'emma', 'Asthma', '195967001'))
    await eventually(async () => (await listed(id)) === 2)
    expect((await jan().list('?status=open')).body.events).toEqual([])
  })
})

describe('When a patient has died,', () => {
  test('everything is frozen, then ended; where the file was wrong, the patient signs again', async () => {
    const fien = of('fien')
    await shares(fien)
    await file('fien', fien.id, { deceasedDateTime: '2026-01-01' })
    const event = await eventOf('fien', 'deceased')
    await isRefused(await tagOf('fien'), 'identity-frozen')
    expect(event.persons).toMatchObject([{ confirming: 'end' }])
    await confirmedByTwo(event)
    await isRefused(await tagOf('fien'), 'handle-closed')
    await expect(world.enrol(a, fien.id)).rejects.toThrow('handle-closed')
    await file('fien', fien.id)
    const alive = await eventOf('fien', 'deceased')
    await confirmedByTwo(alive)
    await isRefused(await tagOf('fien'), 'handle-unbound')
    await (await world.enrol(a, fien.id, fien.words, 1)).grant({ to: partyOf(b), ...share })
    await eventually(async () => (await listed(fien.id)) === 1)
  })
})

describe('A newborn without a number', () => {
  test('is registered, shared by nobody, and enrols once two persons have said whose the number is', async () => {
    const number = somebody(45)
    const temporary = [{ use: 'temp', system: 'urn:a', value: 'newborn-7' }]
    await a.put({ ...patient('baby', number), identifier: temporary })
    await a.put(condition('baby-c1', 'baby', 'Jaundice', '18165001'))
    await a.settled()
    await isRefused(await tagOf('baby'), 'handle-unbound')
    await expect(world.enrol(a, number)).rejects.toThrow('not-available')
    await a.put({ ...patient('baby', number), identifier: [...temporary, number] })
    const event = await eventOf('baby', 'identifier-assigned')
    await expect(world.enrol(a, number)).rejects.toThrow('identity-frozen')
    await confirmedByTwo(event)
    const client = await world.enrol(a, number)
    await client.grant({ to: partyOf(b), ...share })
    await eventually(async () => (await listed(number)) === 1)
  })
})

describe('A file that is deleted', () => {
  test('freezes whom it was about', async () => {
    const hans = of('hans')
    await shares(hans)
    await fetch(`${a.fhir}/Patient/hans`, { method: 'DELETE' })
    const event = await eventOf('hans', 'removed')
    await isRefused(await tagOf('hans'), 'identity-frozen')
    await file('hans', hans.id)
    await eventually(async () => (await jan().byId(event.id)).body.changes.length === 2)
    await rejectedByTwo(event)
    await eventually(async () => (await listed(hans.id)) === 1)
  })
})

describe('One key for two patients', () => {
  test('that the chain shows freezes both: neither is believed to be who signs', async () => {
    const gijs = of('gijs')
    await shares(gijs)
    const number = somebody(46)
    await file('twin', number)
    await a.put(condition('twin-c1', 'twin', 'Gout', '90560007'))
    await a.settled()
    const store = createPatientStore({ vault: insideOf(a).vault, clock: a.clock })
    const handle = (await store.byFhirId(insideOf(a).db(), 'twin'))?.secrets.handle as Hex
    const { patientRegistry } = world.chain.contracts
    const deadline = Math.floor(a.clock.now() / 1000) + 600
    const bind = typedData('Bind', actDomain('Bind', world.chain.chainId, patientRegistry as Hex), {
      ...{ handle, custodian: a.member, deadline },
    })
    const signed = await signAct(childKey(gijs.words, a.member).privateKey, bind)
    // A registrar past the broker, with the member's own account.
    const operator = new Wallet(a.files.keyring.operator, world.provider)
    const registry = PatientRegistry__factory.connect(patientRegistry, operator)
    await eventually(async () => {
      const nonce = await world.provider.getTransactionCount(operator.address)
      const free = { maxFeePerGas: 0, maxPriorityFeePerGas: 0, nonce }
      await mined(await registry.bind(handle, deadline, signed.signer, signed.signature, free))
      return true
    })
    const event = await eventOf('twin', 'key-shared')
    await isRefused(await tagOf('gijs'), 'identity-frozen')
    await confirmedByTwo(event)
    await isRefused(await tagOf('gijs'), 'handle-unbound')
    await isRefused(await tagOf('twin'), 'handle-unbound')
  })
})

describe('While a person is frozen,', () => {
  test('a share that waits to be delivered is taken back', async () => {
    const iris = of('iris')
    const front = b.brokerFront
    if (!front) throw new Error('a front')
    front.behave = async ({ path }, forward) =>
      path === '/exchange/share' ? { status: 503, headers: {}, body: '' } : forward()
    const got = async () => insideOf(b).db().selectFrom('shares_received').select('ended').execute()
    const before = await got()
    await iris.client.grant({ to: partyOf(b), ...share })
    const waiting = () =>
      insideOf(a)
        .db()
        .selectFrom('exchange_outbox')
        .select('id')
        .where('about', 'is not', null)
        .where('delivered_at', 'is', null)
        .execute()
    await eventually(async () => (await waiting()).length > 0)
    await file('iris', somebody(47))
    const event = await eventOf('iris', 'identifier-changed')
    expect(await waiting()).toEqual([])
    front.behave = undefined
    // The end follows; what it ends was never told.
    const ends = async () =>
      insideOf(a)
        .db()
        .selectFrom('exchange_outbox')
        .select(['path', 'attempts'])
        .where('delivered_at', 'is', null)
        .where('path', '=', '/exchange/share')
        .execute()
    await eventually(async () => (await ends()).length === 0)
    expect((await got()).filter(({ ended }) => !ended).length).toBe(
      before.filter(({ ended }) => !ended).length,
    )
    await file('iris', iris.id)
    await eventually(async () => (await jan().byId(event.id)).body.changes.length === 2)
    await rejectedByTwo(event)
    await eventually(async () => (await listed(iris.id)) === 1)
  })

  test('a grant that waits for the hospital’s approval cannot be approved, and can be rejected', async () => {
    const joop = of('joop')
    await joop.client.grant({ to: partyOf(b), ...share, flags: { needsApproval: true } })
    const [task] = (await a.his.tasks()).body.entry ?? []
    await file('joop', joop.id, link('seealso', 'anna'))
    await eventOf('joop', 'linked')
    const id = task?.resource?.id ?? ''
    expect(await a.his.decide(id, '$approve')).toMatchObject({ status: 409, code: 'identity-frozen' })
    expect((await a.his.decide(id, '$reject')).status).toBe(204)
  })

  test('what two persons confirmed waits for a FHIR server that is down, and nothing is released meanwhile', async () => {
    const event = await eventOf('joop', 'linked')
    const front = a.fhirFront
    if (!front) throw new Error('a front')
    front.behave = async () => ({ status: 503, headers: {}, body: '' })
    await jan().confirm(event.id)
    expect((await piet().confirm(event.id)).body).toMatchObject({ status: 'confirmed' })
    await isRefused(await tagOf('joop'), 'identity-frozen')
    await a.restart()
    expect((await jan().byId(event.id)).body.status).toBe('confirmed')
    front.behave = undefined
    await eventually(async () => (await jan().byId(event.id)).body.status === 'done')
    await a.settled()
    await isRefused(await tagOf('joop'), 'handle-unbound')
    await a.put(observation('joop-o1', 'joop', 99))
    await a.settled()
    // The history was read again since, with every slip in it: old versions of a file raise nothing anew.
    expect((await jan().list('?status=open')).body.events).toEqual([])
  })
})

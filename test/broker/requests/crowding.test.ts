import { randomBytes } from 'node:crypto'
import { importJWK, type JWK } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AccessRequests__factory } from '../../../src/chain/contracts.ts'
import { requestDeadline } from '../../../src/domain/consent/access-request.ts'
import { dateOfDay, dayOf } from '../../../src/domain/days.ts'
import { toHex } from '../../../src/domain/hex.ts'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import { sealAccessRequest } from '../../../src/exchange/access-request.ts'
import { requestTask } from '../../../src/fhir/request-task.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { publicJwks } from '../../../src/store/keyring.ts'
import { admit, passDays } from '../../support/acts.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let ANNA: Identifier
let anna: PatientClient

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  ANNA = await admit(a, 'anna', 0)
  await a.settled()
  anna = await world.enrol(a, ANNA)
}, 60_000)

afterAll(() => world?.close())

const what = () => {
  const today = dayOf(a.clock.now())
  return { dataClasses: ['problems'], sensitivities: [], from: dateOfDay(today), until: dateOfDay(today + 9) }
}

/** Sealed and signed as it should be, and never opened on the chain. */
async function announceOnly(): Promise<number> {
  const { signing } = b.files.keyring
  const key = (await importJWK(signing, 'ES256')) as CryptoKey
  const recipient = publicJwks(a.files.keyring).keys.find(({ use }) => use === 'enc') as JWK
  const request = {
    ...{ requester: b.member, custodian: a.member, patient: ANNA, purpose: 'TREAT', reason: '' },
    ...what(),
    deadline: requestDeadline(a.clock.now(), 1),
    salt: toHex(randomBytes(32)),
  }
  const body = await sealAccessRequest(request, { key, kid: signing.kid ?? '' }, recipient)
  const headers = { 'content-type': 'application/jose' }
  return (await fetch(`${a.broker.base}/exchange/request`, { method: 'POST', headers, body })).status
}

test('requests that a member announces and never opens are shown to nobody, and keep no other from its end', async () => {
  for (let i = 0; i < 150; i++) expect(await announceOnly()).toBe(204)
  const { body } = await b.his.ask(
    requestTask({
      patient: ANNA,
      custodian: a.config.identifier,
      ...what(),
      reason: '',
      answerUntil: dateOfDay(dayOf(a.clock.now()) + 1),
      patientNamedCustodian: true,
    }),
    'TREAT',
  )
  await eventually(async () => (await anna.requests()).length > 0)
  expect((await anna.requests()).map(({ id }) => id)).toEqual([`0x${body.id}`])
  expect((await a.his.tasks()).body.total).toBe(1)

  await passDays(world, 2)
  const contract = AccessRequests__factory.connect(world.chain.contracts.accessRequests, world.provider)
  await eventually(async () => (await contract.queryFilter(contract.filters.RequestClosed())).length === 1)
  const [closed] = await contract.queryFilter(contract.filters.RequestClosed())
  expect(closed?.args.commitment).toBe(`0x${body.id}`)
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { partyOf } from '../../support/acts.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital

beforeAll(async () => {
  world = await createWorld({ fronts: { fhir: ['a'] } })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
}, 60_000)

afterAll(() => world?.close())

test('a revocation acknowledged while the FHIR server answers refuses: nothing is disclosed', async () => {
  const anna = await world.enrol(a, ANNA)
  await anna.grant({ to: partyOf(b), purpose: 'TREAT', classes: ['problems'] })
  const id = await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id)
  if (a.fhirFront) {
    a.fhirFront.behave = async ({ path }, forward) => {
      const answer = await forward()
      if (path.includes('Condition/c1/_history/')) await anna.revoke({ to: partyOf(b), purpose: 'TREAT' })
      return answer
    }
  }
  const { status, code } = await b.his.open(id ?? '', 'TREAT')
  expect({ status, code }).toEqual({ status: 404, code: 'not-available' })
  const kinds = (await insideOf(a).trail()).map(({ kind }) => kind)
  expect(kinds).toContain('intent')
  expect(kinds).not.toContain('disclosure')
})

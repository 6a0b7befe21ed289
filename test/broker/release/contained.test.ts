import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import { admit, partyOf } from '../../support/acts.ts'
import { insideOf } from '../../support/inside.ts'
import { condition, observation, somebody } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let ANNA: Identifier

const doctor = { resourceType: 'Practitioner', id: 'd', name: [{ family: 'Voorbeeld' }] }
const number = somebody(7)
/** What stands inside a problem of Anna's, and what of it is released. */
const CASES: [name: string, contained: object[], more: object, status: number][] = [
  ['a doctor', [doctor], { asserter: { reference: '#d' } }, 200],
  ['a measurement of hers', [inside({ subject: { reference: 'Patient/anna' } })], {}, 200],
  ['a measurement of another patient', [inside({ subject: { reference: 'Patient/bram' } })], {}, 404],
  ['another patient', [{ resourceType: 'Patient', id: 'p', identifier: [number] }], {}, 404],
  [
    'a measurement of somebody by number',
    [inside({ subject: { type: 'Patient', identifier: number } })],
    {},
    404,
  ],
  ['somebody else who says so', [], { asserter: { reference: 'Patient/bram' } }, 404],
]

function inside(more: object) {
  const { id: _, ...rest } = observation('x', 'anna', 60)
  return { ...rest, id: 'o', ...more }
}

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  ANNA = await admit(a, 'anna', 0)
  await admit(a, 'bram', 1)
  for (const [i, [, contained, more]] of CASES.entries())
    await a.put({
      ...condition(`case-${i}`, 'anna', 'Asthma'),
      ...(contained.length > 0 ? { contained } : {}),
      ...more,
    })
  await a.settled()
  const anna = await world.enrol(a, ANNA)
  await anna.grant({ to: partyOf(b), purpose: 'TREAT', classes: ['problems', 'observations'] })
  await eventually(async () => ((await b.his.list(ANNA, 'TREAT')).body.total ?? 0) > 1)
}, 60_000)

afterAll(() => world?.close())

describe('A record that holds others within it', () => {
  test.each(CASES.map(([name, , , status], i) => [name, status, i] as const))(
    'with %s inside answers %d',
    async (_name, status, i) => {
      const tag = await insideOf(a).tagOf('Condition', `case-${i}`)
      await b.his.list(ANNA, 'TREAT')
      const rows = await insideOf(b)
        .db()
        .selectFrom('received_records')
        .select(['record_id', 'tag'])
        .execute()
      const id = rows.find((row) => row.tag === tag)?.record_id ?? 'none'
      expect((await b.his.open(id, 'TREAT')).status).toBe(status)
      if (status === 200) return
      const refused = (await insideOf(a).trail()).findLast(({ kind }) => kind === 'refusal')
      expect(refused?.reason).toBe('about-another')
    },
  )
})

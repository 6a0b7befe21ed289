import { randomUUID } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import type { UnderTest } from './body.ts'
import { allEntries, expectOutcome } from './client.ts'

type Entry = { resource: { id: string } }
const idsOf = (entries: Entry[] | undefined) => (entries ?? []).map(({ resource }) => resource.id).sort()

export function searchRules({ client }: UnderTest): void {
  const run = randomUUID().slice(0, 8)
  const ada = `ada-${run}`
  const bob = `bob-${run}`
  const observations = Array.from({ length: 5 }, (_, n) => `obs-${run}-${n}`)

  beforeAll(async () => {
    await client().put(`Patient/${ada}`, {
      resourceType: 'Patient',
      id: ada,
      identifier: [{ system: 'urn:mrn', value: `A-${run}` }, { value: `bare-${run}` }],
      name: [{ family: `Lovelace${run}`, given: ['Ada'] }],
      birthDate: '1815-12-10',
    })
    await client().put(`Patient/${bob}`, {
      resourceType: 'Patient',
      id: bob,
      identifier: [{ system: 'urn:other', value: `A-${run}` }],
      name: [{ family: `Babbage${run}` }],
      birthDate: '1791-12-26',
    })
    for (const [n, id] of observations.entries()) {
      await client().put(`Observation/${id}`, {
        resourceType: 'Observation',
        id,
        status: 'final',
        code: { coding: [{ system: 'http://loinc.org', code: '718-7' }] },
        subject: { reference: `Patient/${n === 4 ? bob : ada}` },
      })
    }
  })

  const find = async (query: string) => idsOf((await client().get(query)).body.entry)

  test('an identifier finds by system and value, by value alone, and not by another system', async () => {
    expect(await find(`Patient?identifier=urn:mrn%7CA-${run}`)).toEqual([ada])
    expect(await find(`Patient?identifier=urn:mrn|A-${run}`)).toEqual([ada])
    expect(await find(`Patient?identifier=A-${run}`)).toEqual([ada, bob].sort())
    expect(await find(`Patient?identifier=%7Cbare-${run}`)).toEqual([ada])
    expect(await find(`Patient?identifier=%7CA-${run}`)).toEqual([])
    expect(await find(`Patient?identifier=urn:mrn%7CB-${run}`)).toEqual([])
  })

  test('ids find several, and parameters narrow each other', async () => {
    expect(await find(`Patient?_id=${ada},${bob}`)).toEqual([ada, bob].sort())
    expect(await find(`Patient?_id=${ada},${bob}&identifier=urn:mrn%7CA-${run}`)).toEqual([ada])
    expect(await find(`Patient?_id=${bob}&identifier=urn:mrn%7CA-${run}`)).toEqual([])
  })

  test('a patient finds the records about that patient only', async () => {
    const mine = observations.slice(0, 4)
    expect(await find(`Observation?patient=${ada}`)).toEqual(mine)
    expect(await find(`Observation?patient=Patient/${ada}`)).toEqual(mine)
    expect(await find(`Observation?subject=Patient/${bob}`)).toEqual([observations[4]])
    expect(await find(`Observation?subject:Patient=${bob}`)).toEqual([observations[4]])
    expect(await find(`Observation?patient=${ada},${bob}`)).toEqual(observations)
    expect(await find(`Observation?patient=${randomUUID()}`)).toEqual([])
  })

  test('a name finds by its beginning, in any case, and a birth date by its day', async () => {
    expect(await find(`Patient?name=LOVELACE${run}`)).toEqual([ada])
    expect(await find(`Patient?family=babbage${run.slice(0, 4)}&_id=${bob}`)).toEqual([bob])
    expect(await find(`Patient?birthdate=1815-12-10&_id=${ada},${bob}`)).toEqual([ada])
  })

  test('a search by POST finds the same, with nothing in the URL', async () => {
    const found = await client().post(
      'Patient/_search',
      new URLSearchParams({ identifier: `urn:mrn|A-${run}` }).toString(),
      { 'content-type': 'application/x-www-form-urlencoded' },
    )
    expect(found.status).toBe(200)
    expect(found.body).toMatchObject({ resourceType: 'Bundle', type: 'searchset' })
    expect(idsOf(found.body.entry)).toEqual([ada])
  })

  test('pages follow each other without overlap or gap', async () => {
    const entries = await allEntries(client(), `Observation?patient=${ada}&_count=3`)
    expect(idsOf(entries)).toEqual(observations.slice(0, 4))
  })

  test('a count of what there is comes without what there is', async () => {
    const { body } = await client().get(`Observation?patient=${ada}&_summary=count`)
    expect(body.total).toBe(4)
    expect(body.entry ?? []).toEqual([])
  })

  test('the time of the last change narrows a search', async () => {
    const { body } = await client().get(`Patient/${ada}`)
    const at = encodeURIComponent(body.meta.lastUpdated)
    expect(await find(`Patient?_id=${ada}&_lastUpdated=ge${at}`)).toEqual([ada])
    expect(await find(`Patient?_id=${ada}&_lastUpdated=lt${at}`)).toEqual([])
    expect(await find(`Patient?_id=${ada}&_lastUpdated=gt2200-01-01`)).toEqual([])
  })

  test('a deleted resource is found no more, a changed one by its new values only', async () => {
    const id = `moved-${run}`
    const withValue = (value: string) => ({
      resourceType: 'Patient',
      id,
      identifier: [{ system: 'urn:m', value }],
    })
    await client().put(`Patient/${id}`, withValue(`old-${run}`))
    await client().put(`Patient/${id}`, withValue(`new-${run}`))
    expect(await find(`Patient?identifier=urn:m%7Cold-${run}`)).toEqual([])
    expect(await find(`Patient?identifier=urn:m%7Cnew-${run}`)).toEqual([id])
    await client().delete(`Patient/${id}`)
    expect(await find(`Patient?identifier=urn:m%7Cnew-${run}`)).toEqual([])
  })

  test('a parameter that the server does not have is refused, not ignored', async () => {
    expectOutcome(await client().get('Patient?favourite-colour=red'), 400)
    expectOutcome(await client().get('Observation?no-such-parameter=1&_summary=count'), 400)
  })
}

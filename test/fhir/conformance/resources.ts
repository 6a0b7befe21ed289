import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { UnderTest } from './body.ts'
import { deedOf, expectOutcome } from './client.ts'

const patient = (id: string, family = 'Doe') => ({ resourceType: 'Patient', id, name: [{ family }] })

export function resourceRules({ client, traits }: UnderTest): void {
  test('metadata is an R4 CapabilityStatement that offers what the rules below use', async () => {
    const { status, body } = await client().get('metadata')
    expect(status).toBe(200)
    expect(body).toMatchObject({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' })
    const [rest] = body.rest
    expect(rest.interaction.map((one: { code: string }) => one.code)).toEqual(
      expect.arrayContaining(['transaction', 'history-system']),
    )
    const observation = rest.resource.find((one: { type: string }) => one.type === 'Observation')
    expect(observation.interaction.map((one: { code: string }) => one.code)).toEqual(
      expect.arrayContaining([
        'read',
        'vread',
        'create',
        'update',
        'delete',
        'history-instance',
        'search-type',
      ]),
    )
    expect(observation.searchParam.map((one: { name: string }) => one.name)).toContain('patient')
  })

  test('a created resource gets an id of the server, version 1, and says where it is', async () => {
    const created = await client().post('Patient', { resourceType: 'Patient', id: 'mine', gender: 'other' })
    expect(created.status).toBe(201)
    expect(created.body.id).not.toBe('mine')
    expect(created.body.meta.versionId).toBe('1')
    expect(created.headers.get('etag')).toBe('W/"1"')
    expect(created.headers.get('location')).toBe(`${client().base}/Patient/${created.body.id}/_history/1`)
    expect(Date.parse(created.headers.get('last-modified') ?? '')).not.toBeNaN()
    const read = await client().get(`Patient/${created.body.id}`)
    expect(read.body).toEqual(created.body)
    expect(read.headers.get('content-type')).toContain('application/fhir+json')
  })

  test('an update under an id that the client chose creates it', async () => {
    const id = `put-${randomUUID()}`
    const created = await client().put(`Patient/${id}`, patient(id))
    expect(created.status).toBe(201)
    expect(created.body).toMatchObject({ id, meta: { versionId: '1' } })
    const updated = await client().put(`Patient/${id}`, patient(id, 'Roe'))
    expect(updated.status).toBe(200)
    expect(updated.headers.get('etag')).toBe('W/"2"')
  })

  test('an update that changes nothing makes no version, whatever the order of names and the meta sent back', async () => {
    const id = `same-${randomUUID()}`
    const first = await client().put(`Patient/${id}`, patient(id))
    const again = await client().put(`Patient/${id}`, {
      name: [{ family: 'Doe' }],
      id,
      resourceType: 'Patient',
    })
    expect(again.status).toBe(200)
    const { versionId, lastUpdated } = first.body.meta
    expect(again.body.meta).toMatchObject({ versionId, lastUpdated })
    const echoed = await client().put(`Patient/${id}`, first.body)
    expect(echoed.body.meta.versionId).toBe('1')
    const history = await client().get(`Patient/${id}/_history`)
    expect(history.body.entry).toHaveLength(1)
  })

  test('every read of a version hands out the same bytes', async () => {
    const id = `bytes-${randomUUID()}`
    await client().put(`Patient/${id}`, patient(id, 'Žižek'))
    const [one, two, version] = await Promise.all([
      client().get(`Patient/${id}`),
      client().get(`Patient/${id}`),
      client().get(`Patient/${id}/_history/1`),
    ])
    expect(two?.text).toBe(one?.text)
    expect(version?.text).toBe(one?.text)
    expect(one?.body.name[0].family).toBe('Žižek')
  })

  test.runIf(traits.keepsDigits)('a decimal keeps its digits', async () => {
    const id = `digits-${randomUUID()}`
    const value = '0.10000000000000000001'
    const body = `{"resourceType":"Observation","id":"${id}","status":"final","code":{"text":"x"},
      "valueQuantity":{"value":${value}}}`
    expect((await client().put(`Observation/${id}`, body)).status).toBe(201)
    expect((await client().get(`Observation/${id}`)).text).toMatch(/"value":\s*0\.10000000000000000001\b/)
  })

  test('each version can be read for ever, a version that never was cannot', async () => {
    const id = `v-${randomUUID()}`
    await client().put(`Patient/${id}`, patient(id, 'One'))
    await client().put(`Patient/${id}`, patient(id, 'Two'))
    const first = await client().get(`Patient/${id}/_history/1`)
    expect(first.body.name[0].family).toBe('One')
    expect(first.headers.get('etag')).toBe('W/"1"')
    expectOutcome(await client().get(`Patient/${id}/_history/3`), 404)
  })

  test('a deleted resource is gone, keeps its history, and counts on when it comes back', async () => {
    const id = `gone-${randomUUID()}`
    await client().put(`Patient/${id}`, patient(id))
    const deleted = await client().delete(`Patient/${id}`)
    expect([200, 204]).toContain(deleted.status)
    expectOutcome(await client().get(`Patient/${id}`), 410)
    expect((await client().get(`Patient/${id}/_history/1`)).status).toBe(200)
    const again = await client().delete(`Patient/${id}`)
    expect([200, 204]).toContain(again.status)
    const back = await client().put(`Patient/${id}`, patient(id))
    expect(back.status).toBe(201)
    expect(back.body.meta.versionId).toBe('3')
    const history = await client().get(`Patient/${id}/_history`)
    expect(history.body.entry.map(deedOf)).toEqual(['write', 'delete', 'write'])
  })

  test('what never was is not found', async () => {
    expectOutcome(await client().get(`Patient/${randomUUID()}`), 404)
    expectOutcome(await client().get(`Patient/${randomUUID()}/_history`), 404)
    expectOutcome(await client().get('NoSuchType/1'), 404, 400)
  })

  test('an update that names the current version goes through, a stale one does not', async () => {
    const id = `match-${randomUUID()}`
    await client().put(`Patient/${id}`, patient(id, 'One'))
    const fresh = await client().put(`Patient/${id}`, patient(id, 'Two'), { 'if-match': 'W/"1"' })
    expect(fresh.status).toBe(200)
    const stale = await client().put(`Patient/${id}`, patient(id, 'Three'), { 'if-match': 'W/"1"' })
    expectOutcome(stale, traits.staleIfMatch)
    expect((await client().get(`Patient/${id}`)).body.name[0].family).toBe('Two')
  })

  test('a read that names the current version is answered "not modified"', async () => {
    const id = `none-${randomUUID()}`
    await client().put(`Patient/${id}`, patient(id))
    const unmodified = await client().get(`Patient/${id}`, { 'if-none-match': 'W/"1"' })
    expect(unmodified.status).toBe(304)
    expect(unmodified.text).toBe('')
    expect((await client().get(`Patient/${id}`, { 'if-none-match': 'W/"7"' })).status).toBe(200)
  })

  test('a conditional create makes one resource, however often it is asked', async () => {
    const value = randomUUID()
    const resource = { resourceType: 'Organization', identifier: [{ system: 'urn:x', value }], name: 'Once' }
    const condition = { 'if-none-exist': `identifier=urn:x|${value}` }
    const first = await client().post('Organization', resource, condition)
    const second = await client().post('Organization', resource, condition)
    expect([first.status, second.status]).toEqual([201, 200])
    const found = await client().get(`Organization?identifier=urn:x%7C${value}`)
    expect(found.body.total).toBe(1)
    await client().post('Organization', resource)
    expectOutcome(await client().post('Organization', resource, condition), 412)
  })

  test('bodies that are no resource of the type in the URL are refused with an OperationOutcome', async () => {
    const id = `bad-${randomUUID()}`
    const url = `Patient/${id}`
    expectOutcome(await client().put(url, '{"resourceType":"Patient",'), 400)
    expectOutcome(await client().put(url, ''), 400)
    expectOutcome(await client().put(url, '[]'), 400)
    expectOutcome(await client().put(url, { resourceType: 'Group', id }), 400, 422)
    expectOutcome(await client().put(url, { resourceType: 'Patient', id: 'another' }), 400, 422)
    expectOutcome(await client().put(url, '<Patient/>', { 'content-type': 'text/plain' }), 400, 415)
    expectOutcome(await client().post('Patient', { resourceType: 'Nonsense' }), 400, 422)
    expectOutcome(await client().get(url), 404)
  })

  test.runIf(traits.refusesDuplicateNames)('a body in which a name stands twice is refused', async () => {
    const id = `twice-${randomUUID()}`
    const body = `{"resourceType":"Patient","id":"${id}","gender":"male","gender":"female"}`
    expectOutcome(await client().put(`Patient/${id}`, body), 400)
    expectOutcome(await client().get(`Patient/${id}`), 404)
  })

  test('nesting without end is refused', async () => {
    const deep = `${'{"extension":['.repeat(20_000)}{}${']}'.repeat(20_000)}`
    expectOutcome(await client().post('Patient', deep), 400)
  })
}

import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { UnderTest } from './body.ts'
import { expectOutcome } from './client.ts'

const transaction = (...entry: unknown[]) => ({ resourceType: 'Bundle', type: 'transaction', entry })
const urn = () => `urn:uuid:${randomUUID()}`

export function transactionRules({ client }: UnderTest): void {
  const observation = (subject: string) => ({
    resourceType: 'Observation',
    status: 'final',
    code: { text: 'x' },
    subject: { reference: subject },
  })
  const idAt = (location: string) => /([^/]+)\/_history\/\d+$/.exec(location)?.[1]

  test('references among the entries become references to what was created', async () => {
    const [patient, encounter] = [urn(), urn()]
    const { status, body } = await client().post(
      '',
      transaction(
        {
          fullUrl: urn(),
          resource: { ...observation(patient), encounter: { reference: encounter } },
          request: { method: 'POST', url: 'Observation' },
        },
        {
          fullUrl: patient,
          resource: { resourceType: 'Patient', gender: 'female' },
          request: { method: 'POST', url: 'Patient' },
        },
        {
          fullUrl: encounter,
          resource: {
            resourceType: 'Encounter',
            status: 'finished',
            class: { code: 'AMB' },
            subject: { reference: patient },
          },
          request: { method: 'POST', url: 'Encounter' },
        },
      ),
    )
    expect(status).toBe(200)
    expect(body).toMatchObject({ resourceType: 'Bundle', type: 'transaction-response' })
    const [obs, pat, enc] = body.entry.map((entry: { response: { location: string } }) =>
      idAt(entry.response.location),
    )
    for (const entry of body.entry)
      expect(entry.response).toMatchObject({ status: expect.stringMatching(/^201/) })
    const read = await client().get(`Observation/${obs}`)
    expect(read.body.subject.reference).toBe(`Patient/${pat}`)
    expect(read.body.encounter.reference).toBe(`Encounter/${enc}`)
    expect((await client().get(`Observation?patient=${pat}&_summary=count`)).body.total).toBe(1)
  })

  test('one bad entry undoes all, and leaves no version behind', async () => {
    const id = `tx-${randomUUID()}`
    const kept = `kept-${randomUUID()}`
    const spared = `spared-${randomUUID()}`
    await client().put(`Patient/${kept}`, { resourceType: 'Patient', id: kept, gender: 'male' })
    await client().put(`Patient/${spared}`, { resourceType: 'Patient', id: spared })
    const failed = await client().post(
      '',
      transaction(
        { resource: { resourceType: 'Patient', id }, request: { method: 'PUT', url: `Patient/${id}` } },
        {
          resource: { resourceType: 'Patient', id: kept, gender: 'female' },
          request: { method: 'PUT', url: `Patient/${kept}` },
        },
        { request: { method: 'DELETE', url: `Patient/${spared}` } },
        {
          resource: observation('Patient?identifier=urn:none|none'),
          request: { method: 'POST', url: 'Observation' },
        },
      ),
    )
    expectOutcome(failed, 400, 404, 412)
    expectOutcome(await client().get(`Patient/${id}`), 404)
    expectOutcome(await client().get(`Patient/${id}/_history`), 404)
    expect((await client().get(`Patient/${spared}`)).body.meta.versionId).toBe('1')
    const unchanged = await client().get(`Patient/${kept}`)
    expect(unchanged.body).toMatchObject({ gender: 'male', meta: { versionId: '1' } })
  })

  test('a conditional reference is resolved when one resource matches, and fails when several do', async () => {
    const value = randomUUID()
    const organization = {
      resourceType: 'Organization',
      identifier: [{ system: 'urn:npi', value }],
      name: 'O',
    }
    const { body } = await client().post('Organization', organization)
    const encounter = {
      resourceType: 'Encounter',
      status: 'finished',
      class: { code: 'AMB' },
      serviceProvider: { reference: `Organization?identifier=urn:npi|${value}` },
    }
    const post = () =>
      client().post('', transaction({ resource: encounter, request: { method: 'POST', url: 'Encounter' } }))
    const done = await post()
    expect(done.status).toBe(200)
    const created = await client().get(`Encounter/${idAt(done.body.entry[0].response.location)}`)
    expect(created.body.serviceProvider.reference).toBe(`Organization/${body.id}`)
    await client().post('Organization', organization)
    expectOutcome(await post(), 400, 412)
  })

  test('creates, updates, deletes and reads work together, answers in the order asked', async () => {
    const [old, changed, patient] = [`d-${randomUUID()}`, `u-${randomUUID()}`, urn()]
    for (const id of [old, changed]) await client().put(`Patient/${id}`, { resourceType: 'Patient', id })
    const value = randomUUID()
    const conditional = {
      fullUrl: patient,
      resource: { resourceType: 'Patient', identifier: [{ system: 'urn:c', value }] },
      request: { method: 'POST', url: 'Patient', ifNoneExist: `identifier=urn:c|${value}` },
    }
    const bundle = transaction(
      { request: { method: 'GET', url: `Patient/${changed}` } },
      conditional,
      { resource: observation(patient), request: { method: 'POST', url: 'Observation' } },
      {
        resource: { resourceType: 'Patient', id: changed, gender: 'other' },
        request: { method: 'PUT', url: `Patient/${changed}` },
      },
      { request: { method: 'DELETE', url: `Patient/${old}` } },
    )
    const { status, body } = await client().post('', bundle)
    expect(status).toBe(200)
    expect(body.entry[0].resource).toMatchObject({ id: changed, gender: 'other' })
    expect(
      body.entry.map((entry: { response: { status: string } }) => entry.response.status.slice(0, 1)),
    ).toEqual(Array(5).fill('2'))
    expectOutcome(await client().get(`Patient/${old}`), 410)
    const again = await client().post('', transaction(conditional))
    expect(again.body.entry[0].response.status).toMatch(/^200/)
    expect((await client().get(`Patient?identifier=urn:c%7C${value}&_summary=count`)).body.total).toBe(1)
  })

  test('a resource may stand once in a transaction, and must be named as it is', async () => {
    const id = `once-${randomUUID()}`
    const put = {
      resource: { resourceType: 'Patient', id },
      request: { method: 'PUT', url: `Patient/${id}` },
    }
    expectOutcome(await client().post('', transaction(put, put)), 400)
    expectOutcome(await client().get(`Patient/${id}`), 404)
    expectOutcome(
      await client().post('', { resourceType: 'Bundle', type: 'collection', entry: [] }),
      400,
      422,
    )
  })

  test('in a batch each entry stands alone', async () => {
    const id = `b-${randomUUID()}`
    const { status, body } = await client().post('', {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [
        { resource: { resourceType: 'Patient', id }, request: { method: 'PUT', url: `Patient/${id}` } },
        { request: { method: 'GET', url: `Patient/${randomUUID()}` } },
        { request: { method: 'GET', url: `Patient/${id}` } },
      ],
    })
    expect(status).toBe(200)
    expect(body.type).toBe('batch-response')
    expect(
      body.entry.map((entry: { response: { status: string } }) => entry.response.status.slice(0, 3)),
    ).toEqual(['201', '404', '200'])
    expect(body.entry[2].resource.id).toBe(id)
  })
}

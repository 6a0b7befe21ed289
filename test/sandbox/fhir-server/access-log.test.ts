import { describe, expect, test } from 'vitest'
import { startServer } from './start-server.ts'

describe('the access log', () => {
  test('names every read by type and id, before the reader has its answer', async () => {
    const { client, accesses } = await startServer()
    await client.put('Patient/p', { resourceType: 'Patient', id: 'p' })
    await client.get('Patient/p')
    expect(accesses.at(-1)).toEqual({
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      method: 'GET',
      interaction: 'read',
      resourceType: 'Patient',
      id: 'p',
      status: 200,
    })
    await client.get('Patient/p/_history/1')
    await client.get('Patient/p/_history')
    await client.get('Patient/_history')
    await client.get('_history')
    await client.get('Observation?patient=p')
    await client.get('Patient/unknown')
    const lines = accesses
      .slice(2)
      .map(({ interaction, resourceType, id, status }) => [interaction, resourceType, id, status])
    expect(lines).toEqual([
      ['vread', 'Patient', 'p', 200],
      ['history-instance', 'Patient', 'p', 200],
      ['history-type', 'Patient', undefined, 200],
      ['history-system', undefined, undefined, 200],
      ['search-type', 'Observation', undefined, 200],
      ['read', 'Patient', 'unknown', 404],
    ])
  })

  test('names reads that hide inside a batch or a transaction', async () => {
    const { client, accesses } = await startServer()
    await client.put('Patient/p', { resourceType: 'Patient', id: 'p' })
    for (const type of ['batch', 'transaction']) {
      accesses.length = 0
      await client.post('', {
        resourceType: 'Bundle',
        type,
        entry: [{ request: { method: 'GET', url: 'Patient/p' } }],
      })
      expect(accesses.map(({ interaction, id }) => [interaction, id])).toEqual([
        ['read', 'p'],
        ['transaction', undefined],
      ])
    }
  })

  test('holds neither query strings nor bodies', async () => {
    const { client, accesses } = await startServer()
    await client.get('Patient?identifier=urn:oid:2.16.528.1.1007.3.1%7C999911120')
    await client.post('Patient/_search', 'identifier=999911120', {
      'content-type': 'application/x-www-form-urlencoded',
    })
    await client.post('Patient', { resourceType: 'Patient', identifier: [{ value: '999911120' }] })
    await client.get('Patient?favourite=999911120')
    expect(accesses).toHaveLength(4)
    expect(JSON.stringify(accesses)).not.toContain('999911120')
  })
})

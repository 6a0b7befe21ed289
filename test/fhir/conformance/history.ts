import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { UnderTest } from './body.ts'
import { allEntries, deedOf, expectOutcome } from './client.ts'

type Entry = {
  resource?: { resourceType: string; id: string; meta: { versionId: string; lastUpdated: string } }
  request: { method: string; url: string }
  response: { status: string }
}

export function historyRules({ client, server, traits }: UnderTest): void {
  const flag = (id: string, text: string) => ({
    resourceType: 'Basic',
    id,
    code: { text },
  })

  test('the history of a resource is its versions, newest first, each saying what was done', async () => {
    const id = `h-${randomUUID()}`
    await client().put(`Basic/${id}`, flag(id, 'one'))
    await client().put(`Basic/${id}`, flag(id, 'two'))
    await client().delete(`Basic/${id}`)
    const { status, body } = await client().get(`Basic/${id}/_history`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ resourceType: 'Bundle', type: 'history', total: 3 })
    const entries: Entry[] = body.entry
    expect(entries.map(deedOf)).toEqual(['delete', 'write', 'write'])
    expect(entries.map(({ resource }) => resource?.meta.versionId)).toEqual([undefined, '2', '1'])
    for (const { request, response } of entries) {
      expect(request.url).toContain(id)
      expect(response.status).toMatch(/^20[014]/)
    }
  })

  test('histories of a type and of the whole server hold it, too', async () => {
    const id = `t-${randomUUID()}`
    await client().put(`Basic/${id}`, flag(id, 'one'))
    await client().delete(`Basic/${id}`)
    for (const path of ['Basic/_history', '_history']) {
      const { body } = await client().get(`${path}?_count=2`)
      const entries: Entry[] = body.entry
      expect(entries.map(deedOf)).toEqual(['delete', 'write'])
      expect(entries[0]?.request.url).toContain(`Basic/${id}`)
      expect(entries[1]?.resource?.id).toBe(id)
    }
  })

  test('whoever asks for a few elements gets these of each version, with its id and meta, marked as cut', async () => {
    const id = `e-${randomUUID()}`
    await client().put(`Basic/${id}`, flag(id, 'one'))
    const { body } = await client().get(`Basic/${id}/_history?_count=1&_elements=id,meta`)
    const [entry] = body.entry as Entry[]
    expect(entry?.resource).toMatchObject({ id, meta: { versionId: '1' } })
    expect(Object.keys(entry?.resource ?? {}).sort()).not.toContain('code')
    expect(JSON.stringify(entry?.resource?.meta)).toContain('SUBSETTED')
  })

  test('whoever asks from the last time it saw misses nothing', async () => {
    const seen = new Set<string>()
    let since = (await client().post('Basic', flag('x', 'start'))).body.meta.lastUpdated as string
    const made: string[] = []
    for (let round = 0; round < 6; round++) {
      const writes = await Promise.all(
        Array.from({ length: 5 }, (_, n) => client().post('Basic', flag('x', `${round}-${n}`))),
      )
      made.push(...writes.map(({ body }) => body.id))
      const entries: Entry[] = await allEntries(
        client(),
        `_history?_since=${encodeURIComponent(since)}&_count=3`,
      )
      for (const { resource } of entries) if (resource) seen.add(resource.id)
      since =
        [since, ...entries.map(({ resource }) => resource?.meta.lastUpdated ?? '')].sort().at(-1) ?? since
    }
    expect(made.filter((id) => !seen.has(id))).toEqual([])
  })

  test('nothing before the asked instant is in the answer', async () => {
    const id = `s-${randomUUID()}`
    const first = await client().put(`Basic/${id}`, flag(id, 'one'))
    await new Promise((resolve) => setTimeout(resolve, 20))
    const second = await client().put(`Basic/${id}`, flag(id, 'two'))
    expect(second.body.meta.lastUpdated > first.body.meta.lastUpdated).toBe(true)
    const since = encodeURIComponent(second.body.meta.lastUpdated)
    const { body } = await client().get(`Basic/${id}/_history?_since=${since}`)
    expect(body.entry.map((entry: Entry) => entry.resource?.meta.versionId)).toEqual(['2'])
    expectOutcome(await client().get('_history?_since=yesterday'), 400)
  })

  test('pages of history skip nothing while others write, and do not overlap where they are stable', async () => {
    const id = `p-${randomUUID()}`
    for (let n = 1; n <= 7; n++) await client().put(`Basic/${id}`, flag(id, `version ${n}`))
    const first = await client().get(`Basic/${id}/_history?_count=3`)
    await client().put(`Basic/${id}`, flag(id, 'version 8'))
    const next = first.body.link.find((link: { relation: string }) => link.relation === 'next').url
    const rest: Entry[] = await allEntries(client(), next)
    const versions = [...first.body.entry, ...rest].map((entry: Entry) => entry.resource?.meta.versionId)
    expect(traits.stableHistoryPages ? versions : [...new Set(versions)]).toEqual([
      '7',
      '6',
      '5',
      '4',
      '3',
      '2',
      '1',
    ])
  })

  test('history survives a restart', async ({ skip }) => {
    if (server().restart === undefined) return skip('this server is not restarted')
    const id = `r-${randomUUID()}`
    await client().put(`Basic/${id}`, flag(id, 'one'))
    await client().put(`Basic/${id}`, flag(id, 'two'))
    await client().delete(`Basic/${id}`)
    const before = await client().get(`Basic/${id}/_history`)
    await server().restart?.()
    const after = await client().get(`Basic/${id}/_history`)
    expect(after.body.entry).toEqual(before.body.entry)
    expectOutcome(await client().get(`Basic/${id}`), 410)
    const back = await client().put(`Basic/${id}`, flag(id, 'three'))
    expect(back.body.meta.versionId).toBe('4')
  }, 120_000)
}

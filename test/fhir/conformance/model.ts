import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import type { UnderTest } from './body.ts'
import { allEntries, deedOf } from './client.ts'

/** Versions of one resource as they should be: what was done, and the text it has since; null when deleted. */
type Model = Map<string, { deed: 'write' | 'delete'; text: string | null }[]>

/** mulberry32: small, and the same everywhere for one seed. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

export function modelRules({ client, traits }: UnderTest): void {
  test(`after ${traits.randomOperations} random operations, history says what was done and nothing else`, async () => {
    const seed = Number(process.env.SEED ?? randomInt(2 ** 31))
    console.info(`random operations with SEED=${seed}`)
    const next = random(seed)
    const run = `m${Date.now()}`
    const model: Model = new Map()
    const texts = ['red', 'green', 'blue']

    const exists = (id: string) => (model.get(id)?.at(-1)?.text ?? null) !== null
    const put = (id: string, text: string) => {
      const versions = model.get(id) ?? []
      if (!exists(id) || versions.at(-1)?.text !== text) versions.push({ deed: 'write', text })
      model.set(id, versions)
    }
    const remove = (id: string) => {
      if (exists(id)) model.get(id)?.push({ deed: 'delete', text: null })
    }
    const basic = (id: string, text: string) => ({ resourceType: 'Basic', id, code: { text } })
    const putEntry = (id: string, text: string) => ({
      resource: basic(id, text),
      request: { method: 'PUT', url: `Basic/${id}` },
    })

    for (let n = 0; n < traits.randomOperations; n++) {
      const id = `${run}-${next(12)}`
      const text = texts[next(texts.length)] ?? 'red'
      const kind = next(10)
      if (kind < 4) {
        const isNew = !exists(id)
        const { status } = await client().put(`Basic/${id}`, basic(id, text))
        expect(status).toBe(isNew ? 201 : 200)
        put(id, text)
      } else if (kind < 6) {
        const { status } = await client().delete(`Basic/${id}`)
        expect([200, 204, ...(model.has(id) ? [] : [404])]).toContain(status)
        remove(id)
      } else if (kind < 7) {
        const { status, body } = await client().get(`Basic/${id}`)
        const versions = model.get(id)
        expect(status).toBe(versions === undefined ? 404 : exists(id) ? 200 : 410)
        if (status === 200) expect(body.meta.versionId).toBe(String(versions?.length))
      } else {
        const other = `${run}-${12 + next(4)}`
        const fails = kind === 9
        const { status } = await client().post('', {
          resourceType: 'Bundle',
          type: 'transaction',
          entry: [
            putEntry(id, text),
            putEntry(other, text),
            ...(fails
              ? [{ resource: { resourceType: 'Patient' }, request: { method: 'PUT', url: 'Basic/x' } }]
              : []),
          ],
        })
        expect(status === 200).toBe(!fails)
        if (!fails) for (const one of [id, other]) put(one, text)
      }
    }

    for (const [id, versions] of model) {
      const entries = await allEntries(client(), `Basic/${id}/_history?_count=7`)
      const told = entries.map((entry) => ({ deed: deedOf(entry), text: entry.resource?.code.text ?? null }))
      expect(told).toEqual(versions.toReversed())
    }
  }, 120_000)
}

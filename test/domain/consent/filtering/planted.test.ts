import { expect, test } from 'vitest'
import { filterAnswer } from '../../../../src/domain/consent/filtering/filter-answer.ts'
import { readAnswer } from '../../../../src/domain/consent/filtering/read-answer.ts'
import { seeded } from '../../../seeded.ts'
import { BAD } from './planted/bad.ts'
import { type Planted, plant } from './planted/planted.ts'
import { rulesFor } from './planted/rules.ts'

const bundles = Number(process.env.BUNDLES ?? 500)
const answerTo = (bytes: Uint8Array, planted: Planted, tells: boolean) =>
  JSON.stringify(filterAnswer(readAnswer(bytes), rulesFor(planted, tells)).answer ?? null)

test(
  `of ${bundles} Bundles with planted resources none discloses one, loses another, or tells that it was there`,
  () => {
    const { seed } = seeded({})
    const tally = new Map<string, number>()
    let wanted = 0
    let forbidden = 0
    for (let i = 0; i < bundles; i++) {
      const planted = plant(seed + i)
      const at = `SEED=${seed + i} BUNDLES=1: ${planted.kinds.join(', ')}`
      const dirty = answerTo(planted.dirty, planted, false)
      for (const canary of planted.forbidden)
        expect(dirty.includes(canary), `${at}: disclosed ${canary}`).toBe(false)
      expect(/"(?:total|score)":/.test(dirty), `${at}: a total or a score`).toBe(false)
      for (const canary of planted.wanted) expect(dirty.includes(canary), `${at}: lost ${canary}`).toBe(true)
      // No trace at all: as if nothing had been planted.
      expect(dirty, at).toBe(answerTo(planted.clean, planted, false))
      const told = answerTo(planted.dirty, planted, true)
      for (const canary of planted.forbidden)
        expect(told.includes(canary), `${at}: told ${canary}`).toBe(false)
      wanted += planted.wanted.length
      forbidden += planted.forbidden.length
      for (const kind of planted.kinds) tally.set(kind, (tally.get(kind) ?? 0) + 1)
    }
    console.info(
      `${forbidden} strings withheld, ${wanted} released; planted: ${JSON.stringify(Object.fromEntries(tally))}`,
    )
    // Whatever is never planted is never shown to be withheld.
    if (bundles >= 500) expect([...tally.keys()].sort()).toEqual(Object.keys(BAD).sort())
  },
  30_000 + bundles * 60,
)

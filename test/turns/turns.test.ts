import { expect, test } from 'vitest'
import { createTurns } from '../../src/turns/turns.ts'

const failed = () => {}

test('a turn that fails is told, and the next one comes all the same', async () => {
  const told: unknown[] = []
  const third = Promise.withResolvers<void>()
  let runs = 0
  const turns = createTurns({
    everyMs: 1,
    async run() {
      if (++runs === 3) third.resolve()
      if (runs < 3) throw new Error(`run ${runs}`)
    },
    failed: (error) => told.push(error),
  })
  await third.promise
  await turns.close()
  expect(told).toEqual([new Error('run 1'), new Error('run 2')])
})

test('runs follow each other, whoever asks for them, and a close waits for the one under way', async () => {
  let inside = 0
  let most = 0
  let runs = 0
  const go = Promise.withResolvers<void>()
  const turns = createTurns({
    everyMs: 1,
    async run() {
      most = Math.max(most, ++inside)
      await go.promise
      runs++
      inside--
    },
    failed,
  })
  const asked = [turns.flush(), turns.flush()]
  const closed = turns.close()
  go.resolve()
  await Promise.all([...asked, closed])
  expect({ most, isEnough: runs >= 2, inside }).toEqual({ most: 1, isEnough: true, inside: 0 })
  const after = runs
  await new Promise((done) => setTimeout(done, 20))
  expect(runs).toBe(after)
})

test('a replica that does not lead passes its turn, and takes it once it leads', async () => {
  let leads = false
  let runs = 0
  const turns = createTurns({
    everyMs: 60_000,
    run: async () => void runs++,
    failed,
    lead: { holds: () => leads },
  })
  await turns.flush()
  expect(runs).toBe(0)
  leads = true
  await turns.flush()
  expect(runs).toBe(1)
  await turns.close()
})

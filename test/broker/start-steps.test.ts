import { expect, test } from 'vitest'
import { inSteps } from '../../src/broker/start-steps.ts'

test('what does not come to its end says at which step it stands, until it has', async () => {
  const told: string[] = []
  let goOn: () => void = () => {}
  const heard = () => new Promise<void>((done) => (goOn = done))
  const work = async (at: (step: string) => void) => {
    await heard()
    at('the chain')
    await heard()
    await heard()
    return 'done'
  }
  const tell = (step: string, seconds: number) => {
    told.push(`${step}, ${seconds * 1_000} ms`)
    goOn()
  }
  expect(await inSteps(tell, work, 5)).toBe('done')
  expect(told).toEqual(['the beginning, 5 ms', 'the chain, 10 ms', 'the chain, 15 ms'])
  await new Promise((done) => setTimeout(done, 50))
  expect(told).toHaveLength(3)
})

import { describe, expect, test } from 'vitest'
import type { Judgement } from '../../scripts/mutation/judge.ts'
import { type Mutant, mutated } from '../../scripts/mutation/mutants.ts'
import { explanationsIn, mutationReport, seedIn } from '../../scripts/mutation/report.ts'

const mutant = (id: string, more: Partial<Mutant> = {}): Mutant => ({
  id,
  file: 'contracts/a/A.sol',
  line: 3,
  operator: 'logic',
  start: 0,
  end: 2,
  before: '||',
  after: '&&',
  ...more,
})

describe('the report', () => {
  const mutants = ['111111111111', '222222222222', '333333333333', '444444444444'].map((id) => mutant(id))
  const judged = new Map<string, Judgement>([
    ['111111111111', { outcome: 'killed', by: 'ATest.test_it' }],
    ['222222222222', { outcome: 'survived' }],
    ['333333333333', { outcome: 'equivalent' }],
  ])
  const about = { mutants, judged, seed: 7, date: '2026-01-02' }

  test('counts what died among what could, and says how many were judged', () => {
    const { text, killedShare } = mutationReport({ ...about, explanations: new Map() })
    expect(killedShare).toBe(0.5)
    expect(text).toContain('4 mutants, 3 judged')
    expect(text).toContain('not explained yet')
    expect(seedIn(text)).toBe(7)
  })

  test('keeps what was written about a survivor, whatever bars the change has', () => {
    const explanations = new Map([['222222222222', 'The two bits are never set together.']])
    const { text } = mutationReport({ ...about, explanations })
    expect(explanationsIn(text)).toEqual(explanations)
  })
})

test('a mutant is its source with one place changed, and nothing else is', () => {
  const sources = { 'contracts/a/A.sol': 'é || b', 'contracts/b/B.sol': 'c' }
  const changed = mutated(sources, mutant('111111111111', { start: 3, end: 5 }))
  expect(changed).toEqual({ 'contracts/a/A.sol': 'é && b', 'contracts/b/B.sol': 'c' })
  expect(sources['contracts/a/A.sol']).toBe('é || b')
})

import { expect, test } from 'vitest'
import { recordId } from '../../../src/domain/records/record-id.ts'

const hospital = `0x${'0a'.repeat(32)}` as const
const other = `0x${'0b'.repeat(32)}` as const
const tag = (n: number) => `0x${n.toString(16).padStart(64, '0')}` as const

test('a record has one id at every replica: a UUID of version 8 made from custodian and tag', () => {
  expect(recordId(hospital, tag(1))).toBe(recordId(hospital, tag(1)))
  expect(recordId(hospital, tag(1))).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  )
})

test('two records never share an id, and two hospitals none for one tag', () => {
  const ids = Array.from({ length: 500 }, (_, n) => [
    recordId(hospital, tag(n)),
    recordId(other, tag(n)),
  ]).flat()
  expect(new Set(ids).size).toBe(1_000)
})

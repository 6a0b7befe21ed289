import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { type Cursor, createCursors } from '../../../src/broker/release/search-cursor.ts'
import type { Hex } from '../../../src/domain/hex.ts'

const START = Date.UTC(2026, 0, 1)
const member = (byte: string): Hex => `0x${byte.repeat(32)}`
const BOUND = { reference: 'a-share', requester: member('0b'), purpose: 'TREAT', user: 'dr-1' }
const PAGE: Cursor = {
  ...BOUND,
  url: 'http://fhir/Observation?patient=anna',
  after: 'o1',
  type: 'Observation',
  size: 50,
}

test('the name of a page is good for the share, member, purpose and user that it was given to, and for ten minutes', () => {
  let now = START
  const cursors = createCursors({
    vault: { storeKey: randomBytes(32) },
    clock: { now: () => now, monotonic: () => now },
  })
  const name = cursors.seal(PAGE)
  expect(cursors.open(name, BOUND)).toEqual(PAGE)
  const others = [
    { reference: 'another' },
    { requester: member('0c') },
    { purpose: 'HRESCH' },
    { user: 'dr-2' },
  ]
  for (const other of others) expect(cursors.open(name, { ...BOUND, ...other })).toBeUndefined()
  now = START + 600_001
  expect(cursors.open(name, BOUND)).toBeUndefined()
})

test('a name that somebody made up, changed, or took from another custodian is none', () => {
  const clock = { now: () => START, monotonic: () => START }
  const cursors = createCursors({ vault: { storeKey: randomBytes(32) }, clock })
  const others = createCursors({ vault: { storeKey: randomBytes(32) }, clock })
  const name = cursors.seal(PAGE)
  for (const wrong of [
    '',
    'x',
    'null',
    others.seal(PAGE),
    `${name.slice(0, 40)}AAAA${name.slice(44)}`,
    name.slice(0, -4),
  ])
    expect(cursors.open(wrong, BOUND)).toBeUndefined()
})

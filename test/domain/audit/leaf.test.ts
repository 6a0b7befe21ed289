import { createHash } from 'node:crypto'
import { keccak_256 } from '@noble/hashes/sha3.js'
import canonicalize from 'canonicalize'
import { describe, expect, test } from 'vitest'
import type { AuditEntry } from '../../../src/domain/audit/audit-entry.ts'
import { isLeafOf, leafOf, showLine, shownLeaf } from '../../../src/domain/audit/leaf.ts'
import { toHex } from '../../../src/domain/hex.ts'

const salt = createHash('sha256').update('a salt').digest()
const disclosure: AuditEntry = {
  ...{ id: 'entry-1', recorded: '2026-01-01T00:00:05.000Z', kind: 'disclosure', outcome: '0' },
  custodian: { id: `0x${'aa'.repeat(32)}`, name: 'A' },
  requester: { id: `0x${'bb'.repeat(32)}`, name: 'B' },
  user: { id: 'dr-1', name: 'Dr One' },
  patient: { reference: 'Patient/anna' },
  record: { id: 'record-1', hash: 'cd'.repeat(32) },
  ...{ purpose: 'TREAT', policy: 'Consent/0123', exchange: 'exchange-1' },
}

describe('The leaf of an entry about an exchange', () => {
  test('can be computed from what the other member is shown, which holds nothing else of the entry', () => {
    const shown = showLine(salt, disclosure)
    if (!shown) throw new Error('a line that can be shown')
    expect(shownLeaf(shown)).toBe(leafOf(salt, disclosure))
    expect(shown.shared).toEqual({
      ...{ exchange: 'exchange-1', kind: 'disclosure', recorded: disclosure.recorded, purpose: 'TREAT' },
      ...{ custodian: disclosure.custodian?.id, requester: disclosure.requester?.id },
      ...{ record: 'record-1', bytes: 'cd'.repeat(32) },
    })
    for (const secret of ['dr-1', 'Dr One', 'Patient/anna', 'Consent/0123', 'entry-1', salt.toString('hex')])
      expect(JSON.stringify(shown)).not.toContain(secret)
  })

  test.each<[string, Partial<AuditEntry>]>([
    ['bytes', { record: { id: 'record-1', hash: 'ce'.repeat(32) } }],
    ['time', { recorded: '2026-01-01T00:00:06.000Z' }],
    ['person, which is not shown', { user: { id: 'dr-2' } }],
    ['patient, who is not shown', { patient: { reference: 'Patient/other' } }],
  ])('is another one for another %s', (_what, change) => {
    expect(leafOf(salt, { ...disclosure, ...change })).not.toBe(leafOf(salt, disclosure))
  })

  test('from before, over the whole entry, still counts in the member’s own log', () => {
    const whole = toHex(keccak_256(Buffer.concat([salt, Buffer.from(canonicalize(disclosure) ?? '')])))
    expect(isLeafOf(whole, salt, disclosure)).toBe(true)
    expect(isLeafOf(whole, salt, { ...disclosure, outcome: '8' })).toBe(false)
  })

  test('of any other entry is over the whole of it, and there is nothing to show', () => {
    const { exchange: _, ...alone } = disclosure
    expect(showLine(salt, alone)).toBeUndefined()
    expect(showLine(salt, { ...disclosure, kind: 'refusal' })).toBeUndefined()
    expect(leafOf(salt, alone)).toBe(
      toHex(keccak_256(Buffer.concat([salt, Buffer.from(canonicalize(alone) ?? '')]))),
    )
  })
})

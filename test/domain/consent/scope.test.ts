import { createHmac, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Scope, saltedScope } from '../../../src/domain/consent/scope.ts'
import { scopeHash } from '../../../src/domain/consent/typed-data.ts'

const secret = randomBytes(32)
const scope: Scope = { granteeType: 'Organization', grantee: 'urn:o|b', purpose: 'TREAT' }

describe('a scope', () => {
  test('has one salt, and so one slot, for one party and purpose', () => {
    const message = JSON.stringify(['Organization', 'urn:o|b', 'TREAT'])
    const salt = createHmac('sha256', secret).update(message).digest('hex')
    expect(saltedScope(secret, scope)).toEqual({ ...scope, salt: `0x${salt}` })
    expect(scopeHash(saltedScope(secret, scope))).toBe(scopeHash(saltedScope(secret, { ...scope })))
  })

  test('drops what is no part of it, so that nothing else can move it to another slot', () => {
    const more = { ...scope, salt: '0x00', note: 'x' }
    expect(Object.keys(saltedScope(secret, more)).sort()).toEqual([
      'grantee',
      'granteeType',
      'purpose',
      'salt',
    ])
    expect(saltedScope(secret, more)).toEqual(saltedScope(secret, scope))
  })

  test('meets another slot for another party, kind of party, purpose or patient', () => {
    const slots = [
      saltedScope(secret, scope),
      saltedScope(secret, { ...scope, grantee: 'urn:o|c' }),
      saltedScope(secret, { ...scope, granteeType: 'Group' }),
      saltedScope(secret, { ...scope, purpose: 'ETREAT' }),
      saltedScope(secret, { granteeType: 'Everyone', grantee: '', purpose: 'TREAT' }),
      saltedScope(secret, { ...scope, grantee: 'urn:o|b","TREAT' }),
      saltedScope(randomBytes(32), scope),
    ]
    expect(new Set(slots.map(({ salt }) => salt)).size).toBe(slots.length)
    expect(new Set(slots.map(scopeHash)).size).toBe(slots.length)
  })
})

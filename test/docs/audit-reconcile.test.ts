import { expect, test } from 'vitest'
import { REASONS } from '../../src/domain/audit/reasons.ts'
import { FINDINGS } from '../../src/domain/audit/reconcile/findings.ts'
import { RESOLUTION_REASONS } from '../../src/domain/audit/resolution.ts'
import { read } from './documents.ts'

const page = read('docs/audit-reconcile.md')
const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (.+) \|$/gm)].map(([, code, rest]) => `${code} | ${rest}`)

test('every finding is explained to compliance officers as the program explains it, and no other', () => {
  const told = Object.entries(FINDINGS).map(([code, { means, act }]) => `${code} | ${means} | ${act}`)
  const reasons = RESOLUTION_REASONS.map((code) => `${code} | ${REASONS[code]}`)
  expect(rows).toEqual([...told, ...reasons])
})

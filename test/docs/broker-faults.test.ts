import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isReasonCode } from '../../src/domain/audit/reasons.ts'
import { isErrorCode } from '../../src/domain/errors.ts'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'security', 'broker-faults.md'), 'utf8')
const rows = [
  ...page.matchAll(/^\| (.+?) \| (?:`([a-z-]+)`|none: .+?) \| `(test\/[\w/.-]+\.test\.ts)`: (.+) \|$/gm),
].map(([, fault = '', code, file = '', title = '']) => ({ fault, code, file, title }))

test('each answer in docs/security/broker-faults.md is an error or a reason of the table', () => {
  const sections = page.split('\n').filter((line) => line.startsWith('## ')).length
  expect(rows.length).toBe(page.split('\n').filter((line) => /^\| [^-]/.test(line)).length - sections)
  for (const { fault, code } of rows)
    if (code !== undefined)
      expect([fault, code, isErrorCode(code) || isReasonCode(code)]).toEqual([fault, code, true])
})

test('each test in docs/security/broker-faults.md exists where it says', () => {
  for (const { fault, file, title } of rows) {
    expect(existsSync(join(root, file)), `${file} for ${fault}`).toBe(true)
    const source = readFileSync(join(root, file), 'utf8')
    const isThere = ["'", '"', '`'].some((quote) => source.includes(`${quote}${title}${quote}`))
    expect([fault, file, title, isThere]).toEqual([fault, file, title, true])
  }
})

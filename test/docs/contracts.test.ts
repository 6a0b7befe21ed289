import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { contractDocs } from '../../scripts/contract-docs.ts'

const root = join(import.meta.dirname, '..', '..')

let page: string
beforeAll(async () => {
  page = await contractDocs(root)
})

test('docs/contracts.md says what the contracts, their NatSpec and the gas snapshots say', () => {
  expect(
    readFileSync(join(root, 'docs', 'contracts.md'), 'utf8'),
    'make it anew: node bin/wayleave.mjs run scripts/contract-docs.ts',
  ).toBe(page)
})

test('every external function is documented, with who may call it and what it costs', () => {
  const functions = page.split(/^### /m).slice(1)
  expect(functions.length).toBeGreaterThan(20)
  for (const text of functions) {
    const [heading = '', notice = ''] = text.split('\n\n')
    expect(notice, heading).toMatch(/^["A-Z]/)
    expect(text, heading).toMatch(/^- Who may call: \w/m)
    expect(text, heading).toMatch(/^- Costs: \w/m)
  }
})

test('a function that writes says what it emits, and a restricted one that the council alone may call it', () => {
  const suspend = page.split(/^### /m).find((text) => text.startsWith('`suspend('))
  expect(suspend).toContain('- Who may call: the council')
  expect(suspend).toContain('- Emits: `MemberSuspended`')
})

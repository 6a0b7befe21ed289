import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readContracts } from '../../scripts/solidity.ts'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'security', 'bad-input.md'), 'utf8')
const rows = [...page.matchAll(/^\| (.+) \| `(\w+)\(([^)]*)\)` \| `(\w+\.t\.sol)`: `(\w+)`.* \|$/gm)].map(
  ([, input = '', error = '', given = '', file = '', name = '']) => ({ input, error, given, file, name }),
)
const contracts = Object.entries(readContracts(root))

test('each error in docs/security/bad-input.md is declared with the values that it carries', () => {
  expect(rows.length).toBe(page.split('\n').filter((line) => /^\| [^-]/.test(line)).length - 5)
  const code = contracts.map(([, source]) => source.replaceAll(/\s+/g, ' ')).join('\n')
  for (const { error, given } of rows) expect(code).toContain(`error ${error}(${given});`)
})

test('each test in docs/security/bad-input.md exists where it says', () => {
  for (const { file, name, input } of rows) {
    const [, source = ''] = contracts.find(([path]) => path.endsWith(`/${file}`)) ?? []
    expect(source, `${file} for ${input}`).toContain(`function ${name}(`)
  }
})

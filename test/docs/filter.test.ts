import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { codedRows, commandsWithAnswers, read, root, section } from './documents.ts'

const page = read('docs/filter.md')
const examples = commandsWithAnswers(page)

test('docs/filter.md has examples', () => {
  expect(examples.length).toBe(2)
})

test.each(examples)('the answer shown is the answer given: $command', ({ command, answer }) => {
  const [, ...args] = command.split(/\s+/)
  const { stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  expect(JSON.parse(stdout)).toEqual(JSON.parse(answer))
})

test('every reason for withholding is explained, and no other', () => {
  const source = read('src/domain/consent/filtering/placement.ts')
  const [, union = ''] = /export type WithheldReason =\n([\s\S]*?)\n\n/.exec(source) ?? []
  const reasons = [...union.matchAll(/\| '([a-z-]+)'/g)].map(([, reason = '']) => reason)
  const told = codedRows(section(page, 'Reasons')).filter((code) => code !== 'reason' && code !== 'why')
  expect(told.sort()).toEqual(reasons.sort())
  expect(reasons.length).toBeGreaterThan(8)
})

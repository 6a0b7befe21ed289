import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { compileConsents } from '../../src/domain/consent/fhir/decide-consents.ts'
import { readConsentRequest } from '../../src/domain/consent/fhir/request.ts'
import { commandsWithAnswers, read, root, section } from './documents.ts'

const page = read('docs/decide.md')

const examples = commandsWithAnswers(page)

test('docs/decide.md has examples', () => {
  expect(examples.length).toBe(3)
})

test.each(examples)('the answer shown is the answer given: $command', ({ command, answer }) => {
  const [, ...args] = command.split(/\s+/)
  const { stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  const given = stdout.trim().split('\n')
  // In the page an answer takes several lines; each begins in the first column.
  const shown = answer.split(/\n(?=\{)/)
  expect(given.map((line) => JSON.parse(line) as unknown)).toEqual(
    shown.map((text) => JSON.parse(text) as unknown),
  )
})

test('the request that the page shows is one', () => {
  const [, shown = ''] = /```json\n([^`]+)```/.exec(section(page, 'Request')) ?? []
  expect(readConsentRequest(JSON.parse(shown)).classes).toEqual(['Observation'])
  expect(compileConsents(JSON.parse(shown)).consents).toEqual([])
})

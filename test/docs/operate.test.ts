import { globSync } from 'node:fs'
import { expect, test } from 'vitest'
import { READINESS_REASONS } from '../../src/broker/operate/readiness.ts'
import { LOG_MESSAGES } from '../../src/observe/messages.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { codedRows, read, root, section } from './documents.ts'

const page = read('docs/operate.md')

test('every reason for which a broker is not ready is explained, with what to do', () => {
  const told = codedRows(section(page, 'Is it well?'))
  expect(READINESS_REASONS.filter((reason) => !told.includes(reason))).toEqual([])
})

test('every metric is explained, and no other', async () => {
  const own = [...(await createMetrics().text()).matchAll(/^# HELP (wayleave_\w+)/gm)].map(([, name]) => name)
  expect(codedRows(section(page, 'Metrics')).sort()).toEqual(own.sort())
})

test('every sentence that the log may say is one that some code says', () => {
  const sources = globSync('src/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('observe/messages.ts'))
    .map(read)
    .join('')
  expect(LOG_MESSAGES.filter((message) => !sources.includes(`'${message}'`))).toEqual([])
})

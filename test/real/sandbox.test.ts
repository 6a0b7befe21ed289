import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const dir = mkdtempSync(join(tmpdir(), 'wayleave-real-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const home = join(dir, 'sandbox')
const story = join(dir, 'story.json')

async function sandbox(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(root, 'bin/wayleave.mjs'), 'sandbox', '--dir', home, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const code = await new Promise<number | null>((done) => child.once('exit', done))
  return { code, output }
}

test('the story holds, step by step, with HAPI FHIR at every hospital', async () => {
  const { code, output } = await sandbox('--fhir', 'hapi', '--once', '--json', story)
  const { steps } = JSON.parse(readFileSync(story, 'utf8')) as { steps: { name: string; ok: boolean }[] }
  expect(steps.filter(({ ok }) => !ok)).toEqual([])
  expect(steps.length).toBeGreaterThan(10)
  expect(code, output).toBe(0)
}, 300_000)

test('a sandbox goes on from what HAPI FHIR has kept, and leaves it for no other FHIR server', async () => {
  const resumed = await sandbox('--fhir', 'hapi', '--once', '--no-story')
  expect(resumed.code, resumed.output).toBe(0)
  expect(resumed.output).toContain('resumed from disk')
  const other = await sandbox('--once', '--no-story')
  expect(other.code).toBe(1)
  expect(other.output).toContain('not in the embedded FHIR servers. Begin anew with --fresh')
}, 300_000)

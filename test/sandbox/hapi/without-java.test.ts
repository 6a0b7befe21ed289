import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../..')
const scratch = mkdtempSync(join(tmpdir(), 'wayleave-without-java-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** Runs a program of ours on a machine whose path holds nothing. */
async function run(...args: string[]): Promise<{ code: number | null; said: string }> {
  const { JAVA_HOME: _none, ...env } = process.env
  const child = spawn(process.execPath, args, { cwd: root, env: { ...env, PATH: scratch } })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  const code = await new Promise<number | null>((done) => child.once('close', done))
  return { code, said }
}

describe('Without Java and Maven', () => {
  test('npm run test:real says what is missing and exits 3', async () => {
    const { code, said } = await run('scripts/real.ts')
    expect(said).toBe('test:real: missing Java 17 or newer (java), Maven (mvn)\n')
    expect(code).toBe(3)
  })

  test('a sandbox on HAPI FHIR says what is missing, and touches nothing', async () => {
    const dir = join(scratch, 'sandbox')
    const { code, said } = await run('src/cli/main.ts', 'sandbox', '--fhir', 'hapi', '--fresh', '--dir', dir)
    expect(said).toBe('wayleave: HAPI FHIR needs Java 17 or newer (java) and Maven (mvn)\n')
    expect(code).toBe(1)
    expect(existsSync(dir)).toBe(false)
  })
})

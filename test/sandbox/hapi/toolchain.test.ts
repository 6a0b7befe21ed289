import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { findToolchain, HapiUnavailable } from '../../../src/sandbox/hapi/toolchain.ts'

const scratch = mkdtempSync(join(tmpdir(), 'wayleave-tools-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** An environment whose path has these programs and no others, each saying its line. */
function machine(name: string, programs: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const folder = mkdtempSync(join(scratch, name))
  for (const [program, line] of Object.entries(programs)) {
    const file = join(folder, program)
    writeFileSync(file, `#!/bin/sh\necho '${line}'\n`)
    chmodSync(file, 0o755)
  }
  return { PATH: folder }
}

const missing = (env: NodeJS.ProcessEnv) =>
  findToolchain(env).then(
    () => [],
    (error: HapiUnavailable) => error.missing,
  )

const java = 'openjdk version "17.0.15" 2025-04-15'
const javac = 'javac 17.0.15'
const mvn = 'Apache Maven 3.8.7'

describe('HAPI FHIR is said to lack', () => {
  test.each([
    ['Java and Maven, where there is neither', {}, ['Java 17 or newer (java)', 'Maven (mvn)']],
    ['Maven alone', { java, javac }, ['Maven (mvn)']],
    ['a newer Java', { java: 'openjdk version "11.0.2"', javac, mvn }, ['Java 17 or newer (found 11)']],
    ['the compiler', { java, mvn }, ['the compiler of a Java 17 development kit (javac)']],
    ['nothing, where all is there', { java, javac, mvn }, []],
  ])('%s', async (name, programs, expected) => {
    expect(await missing(machine(name.slice(0, 4), programs))).toEqual(expected)
  })

  test('in one sentence that says what to install', async () => {
    const error = await findToolchain(machine('none', {})).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(HapiUnavailable)
    expect(String(error)).toContain('HAPI FHIR needs Java 17 or newer (java) and Maven (mvn)')
  })
})

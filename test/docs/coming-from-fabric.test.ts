import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWords } from '../../src/patient/seed.ts'
import { writeSandboxFile } from '../../src/sandbox/sandbox-file.ts'
import { ANNA, condition, patient } from '../support/samples.ts'
import { createWorld, type World } from '../support/world.ts'
import { read, root, withoutCode } from './documents.ts'

const page = read('docs/coming-from-fabric.md')

/** The page's commands, section by section, in the order in which a reader runs them. */
const sections = page
  .split(/^## /m)
  .slice(1)
  .map((text) => ({
    title: text.split('\n')[0] ?? '',
    commands: [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, commands = '']) => commands),
  }))

/** What each section's commands must print, line by line. */
const PRINTED: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  Before: [],
  '1. Is the patient registered': ['registered here: 1'],
  '2. Create a record': ['created: Condition'],
  '3. Add a note': ['note: 42 bytes'],
  '4. Read by id': ['Asthma'],
  '5. Read by patient': ['true'],
  '6. Authorise reading': [/Hospital B .*Hospital A/],
  '7. Read what is shared': ['DocumentReference'],
  '8. Count visits': ['2', '2'],
  '9. The patient’s own record': [],
}

let world: World
let folder: string
let printed: Record<string, string[]>

/** A network of two hospitals stands in for the sandbox: the page finds it where it looks for one. */
beforeAll(async () => {
  world = await createWorld()
  const [a, b] = world.hospitals
  if (!a || !b) throw new Error('two hospitals')
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  for (const id of ['e1', 'e2'])
    await a.put({
      ...{ resourceType: 'Encounter', id, status: 'finished', subject: { reference: 'Patient/anna' } },
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
    })
  await a.settled()
  const words = createWords()
  await world.enrol(a, ANNA, words)
  folder = mkdtempSync(join(tmpdir(), 'wayleave-page-'))
  mkdirSync(join(folder, '.wayleave'))
  symlinkSync(join(root, 'bin'), join(folder, 'bin'))
  const at = [{ hospital: 'hospital-1', patientId: 'anna', recordNumber: '1' }]
  writeSandboxFile(join(folder, '.wayleave', 'sandbox.json'), {
    chain: world.chain,
    portal: 'http://localhost:1',
    council: { delay: 0, seats: [...world.seats], groups: [] },
    hospitals: [a, b].map(({ config, member, fhir, broker, files }, i) => ({
      ...{ key: `hospital-${i + 1}`, name: config.name, member, identifier: config.identifier },
      ...{ fhir, broker: broker.base, pid: process.pid, his: files.his, registrars: files.registrars },
      ...{ admin: files.admin, callback: '', auditor: files.auditor, log: '', fhirAccessLog: '' },
      console: 'http://localhost:1/console/',
      invitations: {},
    })),
    patients: [{ name: 'Anna', nationalId: ANNA, words, at }],
  })
  printed = await run()
}, 120_000)

afterAll(async () => {
  await world?.close()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

/** All commands in one shell, which ends at the first that fails; what each section printed. */
async function run(): Promise<Record<string, string[]>> {
  const marked = sections.map(
    ({ title, commands }) => `echo '## ${title.replaceAll("'", '’')}'\n${commands.join('\n')}`,
  )
  const script = join(folder, 'page.sh')
  writeFileSync(script, `set -euo pipefail\n${marked.join('\n')}`)
  const child = spawn('bash', [script], {
    cwd: folder,
    env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` },
    timeout: 90_000,
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (text: Buffer) => {
    out += text.toString()
  })
  child.stderr.on('data', (text: Buffer) => {
    err += text.toString()
  })
  const code = await new Promise((done) => child.on('close', done))
  if (code !== 0) throw new Error(`the page's commands ended with ${String(code)}:\n${out}\n${err}`)
  return Object.fromEntries(
    out
      .split(/^## /m)
      .slice(1)
      .map((text) => {
        const [title = '', ...lines] = text.trim().split('\n')
        return [title, lines]
      }),
  )
}

test('each operation of a Fabric-style record system has a section with commands', () => {
  const rows = [...withoutCode(page).matchAll(/^\| .*\| \[(\d)\]\(#/gm)].map(([, number]) => number)
  expect(rows).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9'])
  for (const { title, commands } of sections) expect([title, commands.length > 0]).toEqual([title, true])
  expect(sections.map(({ title }) => title.replaceAll("'", '’'))).toEqual(Object.keys(PRINTED))
})

test.each(Object.entries(PRINTED))('the commands of “%s” do what they say', (title, wanted) => {
  const lines = printed[title] ?? []
  for (const [i, line] of wanted.entries()) expect(lines[i]).toMatch(line)
  if (wanted.length > 0) expect(lines).toHaveLength(wanted.length)
})

test('the patient’s own record shows what the hospital has, and their history who has read it', () => {
  const lines = printed['9. The patient’s own record'] ?? []
  for (const line of [
    /^2020-03-01 {2}Condition {2}Hypertension$/,
    /Condition {2}Asthma/,
    /DocumentReference/,
  ])
    expect(lines).toContainEqual(expect.stringMatching(line))
  expect(lines).toContainEqual(expect.stringMatching(/Hospital A gave a record .* Hospital B for treatment/))
  expect(lines).toContainEqual(expect.stringContaining('The patient read their own record at Hospital A'))
})

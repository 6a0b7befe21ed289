import { type ChildProcess, spawn } from 'node:child_process'
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConsentRegistry__factory, PatientRegistry__factory } from '../../src/chain/contracts.ts'
import { DATA_CLASSES } from '../../src/domain/consent/data-classes.ts'
import { PURPOSES } from '../../src/domain/consent/purposes.ts'
import { LOG_MESSAGES } from '../../src/observe/messages.ts'
import { sampleBundles } from '../../src/sandbox/samples/index.ts'
import { readSandboxFile, type SandboxFile } from '../../src/sandbox/sandbox-file.ts'
import { openDatabase } from '../../src/store/database.ts'
import { loadKeyring } from '../../src/store/key-file.ts'
import { openBrokerTables } from '../../src/store/migrate.ts'
import { createPatientStore } from '../../src/store/patients.ts'
import { createVault } from '../../src/store/vault.ts'
import { read } from '../docs/documents.ts'
import { runPage, unlike, unlikeText } from '../docs/run-page.ts'
import { type ChainText, findAnywhere, largeWords, readWholeChain } from '../support/chain-scan.ts'
import { eventually } from '../support/world.ts'

const root = join(import.meta.dirname, '..', '..')
const dir = mkdtempSync(join(tmpdir(), 'wayleave-sandbox-'))
const home = join(dir, 'sandbox')
const sandboxFile = join(home, 'sandbox.json')

type Run = {
  child: ChildProcess
  output: () => string
  ended: Promise<{ code: number | null; signal: string | null }>
}

function wayleave(...args: string[]): Run {
  const child = spawn(process.execPath, [join(root, 'bin', 'wayleave.mjs'), ...args], {
    cwd: root,
    env: { ...process.env, WAYLEAVE_LOG_LEVEL: 'trace' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout?.on('data', (text: Buffer) => {
    output += text.toString()
  })
  child.stderr?.on('data', (text: Buffer) => {
    output += text.toString()
  })
  const ended = new Promise<{ code: number | null; signal: string | null }>((done) => {
    child.on('exit', (code, signal) => done({ code, signal }))
  })
  return { child, output: () => output, ended }
}

async function patientDoes(...args: string[]): Promise<string> {
  const run = wayleave('patient', ...args, '--sandbox', sandboxFile)
  const { code } = await run.ended
  if (code !== 0) throw new Error(`wayleave patient ${args[0]} ended with ${code}:\n${run.output()}`)
  return run.output()
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

let sandbox: Run
let file: SandboxFile
let chain: ChainText[] = []

beforeAll(async () => {
  sandbox = wayleave('sandbox', '--dir', home, '--json', join(dir, 'out.json'))
  await eventually(
    async () => sandbox.output().includes('Ctrl-C stops all of it') || sandbox.child.exitCode !== null,
    150_000,
  )
  file = readSandboxFile(sandboxFile)
}, 160_000)

afterAll(async () => {
  sandbox.child.kill('SIGTERM')
  await sandbox.ended
  rmSync(dir, { recursive: true, force: true })
}, 30_000)

describe('the sandbox', () => {
  test('plays every step of the story, and reports readiness and each step as JSON', () => {
    const out = JSON.parse(readFileSync(join(dir, 'out.json'), 'utf8')) as {
      ready_ms: number
      steps: { name: string; ok: boolean; detail: string }[]
    }
    expect(out.steps.filter(({ ok }) => !ok)).toEqual([])
    expect(out.steps.map(({ name }) => name)).toEqual([
      'records-registered',
      'nothing-without-consent',
      'grant',
      'list-and-open',
      'sensitive-unseen',
      'wrong-purpose',
      'revoke',
      'refused-at-once',
      'all-but-one',
      'request-approved',
      'lock-and-unlock',
      'audit-trail',
      'council-act',
      'group-grant',
      'joined-later',
      'suspended-at-once',
      'group-revoked',
    ])
    expect(out.ready_ms).toBeGreaterThan(0)
    process.stdout.write(`ready after ${out.ready_ms} ms\n`)
  })

  test('its description holds keys and words, so it is for its owner only', () => {
    expect(statSync(sandboxFile).mode & 0o777).toBe(0o600)
    // Of 14 people one has died, and nobody signs for who has.
    expect(file.patients).toHaveLength(13)
    for (const { words } of file.patients) expect(words.split(' ')).toHaveLength(12)
  })

  test('a second sandbox in the same folder is refused with a sentence that says what to do', async () => {
    const second = wayleave('sandbox', '--dir', home, '--once')
    expect((await second.ended).code).toBe(1)
    expect(second.output()).toMatch(/runs in .* already/)
  })

  test('a patient grants, locks, unlocks and revokes from the terminal, and through another hospital unread', async () => {
    const person = file.patients.find((p) => p.at.length === 3)
    if (!person) throw new Error('no sample patient is known at all three hospitals')
    const words = join(dir, 'words')
    writeFileSync(words, person.words, { mode: 0o600 })
    const at2 = ['--words-file', words, '--custodian', 'hospital-2']
    const slot = ['--to', 'hospital-3', '--purpose', 'TREAT']
    await patientDoes('grant', ...at2, ...slot, '--classes', 'problems,medications')
    expect(await patientDoes('status', ...at2)).toMatch(/Brackwater/)
    await patientDoes('lock', ...at2)
    await patientDoes('unlock', ...at2)
    await patientDoes('revoke', ...at2, ...slot, '--via', 'hospital-3')
    await patientDoes('grant', ...at2, ...slot, '--classes', 'problems')
    // Another standing consent at hospital 1, so that both hospitals have something of one patient on the chain.
    await patientDoes(
      'grant',
      '--words-file',
      words,
      '--custodian',
      'hospital-1',
      ...slot,
      '--classes',
      'problems',
    )
  }, 90_000)

  test('compliance reads the trail in the terminal', async () => {
    const run = wayleave('audit', '--hospital', 'hospital-1', '--count', '500', '--sandbox', sandboxFile)
    expect((await run.ended).code).toBe(0)
    expect(run.output()).toMatch(/consent-granted/)
    expect(run.output()).toMatch(/refusal/)
  })
})

describe('what stands on the chain', () => {
  test('tells no national ID, name, birth date, URL, clinical code, data class or purpose, in no disguise', async () => {
    chain = await readWholeChain(file.chain.rpc)
    const registry = file.chain.contracts.memberRegistry.toLowerCase()
    // Members publish their own name, address and keys (design §3); nothing of a patient goes there.
    const clinical = chain.filter(({ to }) => to !== registry && to !== 'deployment')
    expect(clinical.length).toBeGreaterThan(50)
    const everywhere = forbiddenAboutPatients()
    expect(
      findAnywhere(
        chain.filter(({ to }) => to !== 'deployment'),
        everywhere,
      ),
    ).toEqual([])
    expect(findAnywhere(clinical, forbiddenWords())).toEqual([])
  }, 60_000)

  test('every pointer has one length', () => {
    const directory = file.chain.contracts.recordDirectory.toLowerCase()
    const events = chain.filter(({ place, to }) => place.startsWith('event') && to === directory)
    expect(events.length).toBeGreaterThan(2_000)
    expect(new Set(events.map(({ hex }) => hex.length)).size).toBe(1)
  })
})

describe('what the processes log', () => {
  test('at the finest level names no sample patient, record number, Patient id, birth date, word or handle', async () => {
    // The embedded FHIR server's access log is that of a FHIR server, and no log of ours.
    const logs = globSync('**/*.log', { cwd: home }).filter((path) => !path.endsWith('fhir-access.log'))
    expect(logs.filter((path) => path.endsWith('broker.log'))).toHaveLength(3)
    const forbidden = forbiddenAboutPatients()
    for (const { words } of file.patients) forbidden.set(words, 'a patient’s words')
    for (const path of logs) {
      const text = readFileSync(join(home, path), 'utf8')
      const found = [...forbidden].filter(([secret]) => text.includes(secret)).map(([, what]) => what)
      expect(found, path).toEqual([])
      if (path.endsWith('broker.log'))
        for (const line of text.trim().split('\n'))
          expect(LOG_MESSAGES).toContain((JSON.parse(line) as { msg: string }).msg)
    }
  })
})

describe('a sandbox whose brokers are killed', () => {
  test('starts each again, and the story still ends well', async () => {
    sandbox.child.kill('SIGINT')
    expect((await sandbox.ended).code).toBe(0)
    expect(file.hospitals.filter(({ pid }) => isAlive(pid))).toEqual([])

    sandbox = wayleave('sandbox', '--dir', home, '--once', '--json', join(dir, 'again.json'))
    await eventually(async () => sandbox.output().includes('brokers are ready'), 60_000)
    // One kill after another while patients are looked up and the story is played.
    let kills = 0
    const slowest: number[] = []
    while (sandbox.child.exitCode === null && kills < 4) {
      const victim = readSandboxFile(sandboxFile).hospitals[kills % 3]
      if (!victim || !isAlive(victim.pid)) {
        await new Promise((done) => setTimeout(done, 50))
        continue
      }
      const started = performance.now()
      process.kill(victim.pid, 'SIGKILL')
      kills++
      await eventually(
        async () => (await fetch(`${victim.broker}/health`)).ok || sandbox.child.exitCode !== null,
        20_000,
      ).catch(() => {})
      slowest.push(performance.now() - started)
      // Long enough for a step to get somewhere before the next one falls.
      await new Promise((done) => setTimeout(done, 1_500))
    }
    expect(kills).toBeGreaterThan(0)
    const { code } = await sandbox.ended
    process.stdout.write(`${kills} kills, back after ${slowest.map((ms) => Math.round(ms)).join(', ')} ms\n`)
    expect(code, sandbox.output()).toBe(0)
    const out = JSON.parse(readFileSync(join(dir, 'again.json'), 'utf8')) as { steps: { ok: boolean }[] }
    expect(out.steps.every(({ ok }) => ok)).toBe(true)
  }, 150_000)

  // Last: what the page pushes is in no sample, and the story counts the samples.
  test('docs/integrate.md, docs/audit.md: every command works in its order, and the answers shown are the answers given', async () => {
    sandbox = wayleave('sandbox', '--dir', home, '--no-story')
    await eventually(async () => sandbox.output().includes('Everything for programs'), 60_000)
    const ran = await runAndCompare('docs/integrate.md')
    expect(ran.length).toBeGreaterThan(15)
    expect((await runAndCompare('docs/audit.md')).length).toBeGreaterThan(5)
    sandbox.child.kill('SIGINT')
    expect((await sandbox.ended).code).toBe(0)
  }, 150_000)

  test('leaves no process behind', () => {
    for (const { pid } of readSandboxFile(sandboxFile).hospitals) expect(isAlive(pid)).toBe(false)
    expect(existsSync(join(home, 'chain', 'anvil.pid'))).toBe(false)
  })
})

/** Runs a page beside the sandbox, as somebody does who began with `npm start`. */
async function runAndCompare(page: string) {
  const folder = join(dir, basename(page, '.md'))
  mkdirSync(folder)
  symlinkSync(home, join(folder, '.wayleave'))
  const ran = await runPage(read(page), folder, { SANDBOX: sandboxFile })
  const wrong = ran.flatMap(({ command, shown, printed }) => {
    if (!shown) return []
    const found =
      shown.kind === 'text'
        ? unlikeText(shown.text, printed)
        : unlike(JSON.parse(shown.text), JSON.parse(printed))
    return found.map((difference) => `${command.slice(0, 200)}\n${difference}`)
  })
  expect(wrong).toEqual([])
  return ran
}

describe("two hospitals' entries about one patient", () => {
  test('share no value on the chain', async () => {
    const byHospital = new Map<string, Map<string, Set<string>>>()
    for (const { key } of file.hospitals) byHospital.set(key, await valuesOnChain(key))
    let compared = 0
    for (const person of file.patients) {
      const sets = person.at.map(({ hospital, patientId }) => ({
        hospital,
        values: byHospital.get(hospital)?.get(patientId) ?? new Set<string>(),
      }))
      for (const [i, one] of sets.entries()) {
        for (const other of sets.slice(i + 1)) {
          compared++
          expect([...one.values].filter((value) => other.values.has(value))).toEqual([])
        }
      }
    }
    expect(compared).toBeGreaterThan(10)
  }, 60_000)
})

/** What must stand nowhere, the members' own registry included. */
function forbiddenAboutPatients(): Map<string, string> {
  const forbidden = new Map<string, string>()
  for (const { nationalId, name, at } of file.patients) {
    forbidden.set(nationalId.value, 'a national ID')
    forbidden.set(`${nationalId.system}|${nationalId.value}`, 'a national ID with its system')
    for (const part of name.split(' ').filter((p) => /\d/.test(p))) forbidden.set(part, 'a name')
    for (const place of at) {
      forbidden.set(place.recordNumber, 'a record number')
      forbidden.set(place.patientId, 'a Patient id')
    }
  }
  for (const { key } of file.hospitals) {
    for (const { resource } of sampleBundles(key).flatMap((bundle) => bundle.entry ?? [])) {
      if (resource?.resourceType === 'Patient' && resource.birthDate)
        forbidden.set(resource.birthDate, 'a birth date')
    }
  }
  return forbidden
}

function forbiddenWords(): Map<string, string> {
  const forbidden = new Map<string, string>([
    ['http://', 'a URL'],
    ['https://', 'a URL'],
    ['snomed', 'a code system'],
    ['loinc', 'a code system'],
  ])
  for (const dataClass of Object.keys(DATA_CLASSES)) forbidden.set(dataClass, 'a data class')
  for (const purpose of Object.keys(PURPOSES)) if (purpose.length >= 5) forbidden.set(purpose, 'a purpose')
  for (const { key, fhir } of file.hospitals) {
    forbidden.set(fhir, 'a FHIR server')
    for (const { resource } of sampleBundles(key).flatMap((bundle) => bundle.entry ?? [])) {
      const codings = (resource as { code?: { coding?: { code?: string }[] } }).code?.coding ?? []
      for (const { code } of codings) if (code && code.length >= 6) forbidden.set(code, 'a clinical code')
    }
  }
  return forbidden
}

/** Every large value on the chain that a hospital wrote about each of its patients, by the patient's FHIR id. */
async function valuesOnChain(key: string): Promise<Map<string, Set<string>>> {
  const database = await openDatabase({ kind: 'pglite', dir: join(home, key, 'database') })
  try {
    const db = await openBrokerTables(database.db)
    const keyring = await loadKeyring(join(home, key, 'keys.json'))
    const vault = createVault(Buffer.from(keyring.kek, 'base64url'))
    const clock = { now: () => 0, monotonic: () => 0 }
    const patients = createPatientStore({ vault, clock })
    const found = new Map<string, Set<string>>()
    for (const { id } of await db.selectFrom('patients').select('id').execute()) {
      const patient = await patients.byId(db, id)
      if (!patient) continue
      const values = new Set<string>()
      const rows = await db
        .selectFrom('records')
        .select(['tag', 'commitment', 'pointer'])
        .where('patient_id', '=', id)
        .execute()
      for (const { tag, commitment, pointer } of rows) {
        for (const word of largeWords(
          `${tag.slice(2)}${commitment.slice(2)}${Buffer.from(pointer).toString('hex')}`,
          false,
        ))
          values.add(word)
      }
      const handle = patient.secrets.handle.slice(2)
      const acts = chain.filter(({ hex }) => hex.includes(handle))
      for (const { hex, place } of acts) {
        // Which member holds the handle is public, and one and the same for all of its patients.
        for (const word of largeWords(hex, place.startsWith('transaction')))
          if (!isPublic(word)) values.add(word)
      }
      found.set(patient.secrets.fhirId, values)
    }
    return found
  } finally {
    await database.close()
  }
}

const EVENT_SIGNATURES = new Set(
  [ConsentRegistry__factory, PatientRegistry__factory].flatMap((factory) => {
    const names: string[] = []
    factory.createInterface().forEachEvent((event) => names.push(event.topicHash.slice(2)))
    return names
  }),
)

/** Event signatures and member ids say nothing about a patient. */
function isPublic(word: string): boolean {
  return (
    EVENT_SIGNATURES.has(word) || file.hospitals.some(({ member }) => member.slice(2).toLowerCase() === word)
  )
}

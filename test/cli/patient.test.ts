import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { patientCommand } from '../../src/cli/patient.ts'
import { DATA_CLASSES } from '../../src/domain/consent/data-classes.ts'
import { identifierText } from '../../src/domain/identity/member-id.ts'
import { createPatientClient } from '../../src/patient/client.ts'
import { childKey, createWords } from '../../src/patient/seed.ts'
import { writeSandboxFile } from '../../src/sandbox/sandbox-file.ts'
import { ANNA, condition, patient } from '../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../support/world.ts'
import { createTerminal, sandboxOf } from './terminal.ts'

let world: World
let a: TestHospital
let b: TestHospital
let dir: string
const words = createWords()

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  dir = mkdtempSync(join(tmpdir(), 'wayleave-cli-'))
  writeFileSync(join(dir, 'words'), `${words}\n`, { mode: 0o600 })
  writeSandboxFile(join(dir, 'sandbox.json'), sandboxOf(world))
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
  await world.enrol(a, ANNA, words)
}, 60_000)

afterAll(async () => {
  await world?.close()
  rmSync(dir, { recursive: true, force: true })
})

const run = createTerminal(() => [
  words,
  words.split(' ').slice(0, 3).join(' '),
  childKey(words, a.member).privateKey.slice(2),
])

const asAnna = () => [
  '--words-file',
  join(dir, 'words'),
  '--sandbox',
  join(dir, 'sandbox.json'),
  '--custodian',
  'a',
]
const toB = () => ['--to', 'b', '--purpose', 'TREAT']

describe('the patient in the terminal', () => {
  test('grants, and is told that it is in force, to whom, for what and until when', async () => {
    const { code, out } = await run(
      'grant',
      ...asAnna(),
      ...toB(),
      '--classes',
      'problems,allergies',
      '--until',
      '2030-01-31',
    )
    expect(code).toBe(0)
    expect(out).toMatch(
      /^Hospital B may see your records at Hospital A for treatment from \d{4}-\d\d-\d\d to 2030-01-31 \(Allergies and adverse reactions, Problems and diagnoses; nothing sensitive\); it is in force on the chain\.\n$/,
    )
    expect((await b.his.list(ANNA, 'TREAT')).status).toBe(200)
  })

  test('reads the state back, in sentences and as JSON without salts', async () => {
    const { out } = await run('status', ...asAnna())
    expect(out).toContain('Hospital A: not locked.\n')
    expect(out).toMatch(/- Hospital B may see for treatment, .* to 2030-01-31: Allergies/)
    const { out: json } = await run('status', ...asAnna(), '--json')
    expect(json).not.toContain('salt')
    const slot = (JSON.parse(json) as { consents: { scope: object; state: string }[] }).consents[0]
    expect(slot).toMatchObject({ state: 'permit', scope: { granteeType: 'Organization', purpose: 'TREAT' } })
  })

  test('revokes, and is told that it counts already', async () => {
    const { code, out } = await run('revoke', ...asAnna(), ...toB())
    expect(code).toBe(0)
    expect(out).toBe(
      'Hospital B may no longer see your records at Hospital A for treatment; this counts already, and stands on the chain.\n',
    )
    expect((await run('status', ...asAnna())).out).toContain(
      'Nobody has been allowed, or kept from, anything.',
    )
  })

  test('who names no kinds of data shares what care needs, for a year, and nothing sensitive', async () => {
    const { out } = await run('grant', ...asAnna(), '--to', b.member, '--purpose', 'TREAT', '--json')
    expect(JSON.parse(out)).toMatchObject({ act: 'Grant', standing: 'in force', countsAlready: false })
    const own = JSON.parse((await run('status', ...asAnna(), '--json')).out) as {
      consents: { terms?: { dataClasses: string[]; sensitivities: string[] }; from: string; until: string }[]
    }
    const { terms, from, until } = own.consents[0] ?? {}
    expect(Object.keys(DATA_CLASSES).filter((c) => !terms?.dataClasses.includes(c))).toEqual([
      'billing',
      'research',
      'administrative',
      'knowledge',
    ])
    expect(terms?.sensitivities).toEqual([])
    expect(Date.parse(until ?? '') - Date.parse(from ?? '')).toBe(365 * 86_400_000)
  })

  test('objects for a whole group, and withdraws', async () => {
    const group = ['--to', 'group:GP practices', '--purpose', 'PurposeOfUse']
    expect((await run('object', ...asAnna(), ...group)).out).toBe(
      'The group GP practices is kept from seeing your records at Hospital A for any purpose (everything); this counts already, and stands on the chain.\n',
    )
    expect((await run('status', ...asAnna())).out).toContain(
      '- The group GP practices is kept from seeing for any purpose: everything.',
    )
    expect((await run('withdraw', ...asAnna(), ...group)).out).toBe(
      'Your objection against the group GP practices seeing your records at Hospital A for any purpose is withdrawn; it is in force on the chain.\n',
    )
  })

  test('locks and unlocks', async () => {
    expect((await run('lock', ...asAnna())).out).toContain(
      'released to anybody; this counts already, and stands on the chain.',
    )
    expect((await run('status', ...asAnna())).out).toContain('Hospital A: locked, nothing is released.')
    const refused = await run('grant', ...asAnna(), ...toB())
    expect(refused.code).toBe(1)
    expect(refused.err).toMatch(/^wayleave: .+ \([a-z-]+\)\n$/)
    expect((await run('unlock', ...asAnna())).out).toContain('it is in force on the chain')
    expect((await run('status', ...asAnna())).out).toContain('Hospital A: not locked.')
  })

  test('signs only: the file is its owner’s, and posting it to the custodian is all that is left', async () => {
    const file = join(dir, 'revocation.json')
    const { out, err } = await run('revoke', ...asAnna(), ...toB(), '--sign-only', file)
    expect(out).toBe('')
    expect(err).toContain('Signed and not sent.')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect((await run('status', ...asAnna())).out).toContain('Hospital B may see')
    const answer = await post(a.broker.base, readFileSync(file, 'utf8'))
    expect(answer.status).toBe(202)
    await eventually(async () => !(await run('status', ...asAnna())).out.includes('Hospital B may see'))
  })

  test('sends through another hospital, sealed to the keys that the custodian has published on the chain', async () => {
    const via = await run('object', ...asAnna(), ...toB(), '--via', 'b')
    expect(via.out).toBe(
      'Hospital B is kept from seeing your records at Hospital A for treatment (everything); it stands on the chain.\n',
    )
    const file = join(dir, 'sealed.json')
    await run(
      'revoke',
      ...asAnna(),
      '--to',
      'everyone',
      '--purpose',
      'TREAT',
      '--via',
      'b',
      '--sign-only',
      file,
    )
    const form = readFileSync(file, 'utf8')
    expect(form).not.toMatch(/TREAT|Everyone/)
    expect((await post(b.broker.base, form)).status).toBe(202)
  })

  test('reads the history', async () => {
    const { out } = await run('history', ...asAnna(), '--count', '5')
    const lines = out.trim().split('\n')
    expect(lines.length).toBeLessThanOrEqual(5)
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\S+ {2}\S.+/)
    const { history } = JSON.parse((await run('history', ...asAnna(), '--json')).out) as {
      history: unknown[]
    }
    expect(history.length).toBeGreaterThan(5)
  })

  test('a grant whose version another took meanwhile is refused when it is posted', async () => {
    const file = join(dir, 'late.json')
    const daughter = ['--to', 'urn:oid:2.999.7|daughter', '--purpose', 'FAMRQT']
    await run('grant', ...asAnna(), ...daughter, '--sign-only', file)
    // Two runs share no memory, so the second takes the same version.
    await run('grant', ...asAnna(), ...daughter)
    const answer = await post(a.broker.base, readFileSync(file, 'utf8'))
    expect(answer.status).toBe(409)
    expect(JSON.stringify(await answer.json())).toContain('version-wrong')
  })
})

const post = (base: string, body: string) =>
  fetch(`${base}/relay`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })

describe('what cannot be done is said in one sentence, with exit code 1', () => {
  const nothing = () => ['--purpose', 'TREAT', '--to', 'b']

  test.each([
    ['no sandbox', () => ['--sandbox', join(dir, 'none.json')], 'Start one with: npm start'],
    ['no words', () => ['--words-file', join(dir, 'none')], 'The words cannot be read'],
    ['an unknown custodian', () => ['--custodian', 'hospital-9'], 'no hospital hospital-9 here. Known: a, b'],
    ['an unknown grantee', () => ['--to', '0x1234'], 'no hospital 0x1234 here'],
    ['an unknown purpose', () => ['--purpose', 'CURIOSITY'], 'CURIOSITY is not a PurposeOfUse code'],
    ['an unknown kind of data', () => ['--classes', 'problems,secrets'], 'secrets is not something'],
    ['very restricted records', () => ['--sensitive', 'V'], 'V is not something'],
    ['a day that is none', () => ['--until', '31-12-2030'], 'write it YYYY-MM-DD'],
  ])('%s', async (_name, wrong, message) => {
    const { code, out, err } = await run('grant', ...asAnna(), ...nothing(), ...wrong())
    expect(code).toBe(1)
    expect(out).toBe('')
    expect(err).toMatch(/^wayleave: .+\n$/)
    expect(err).toContain(message)
  })

  test('words that do not belong together are not repeated', async () => {
    writeFileSync(join(dir, 'misspelt'), words.split(' ').reverse().concat('zzzz').slice(1).join(' '))
    const { code, err } = await run('status', ...asAnna(), '--words-file', join(dir, 'misspelt'))
    expect(code).toBe(1)
    expect(err).toBe('wayleave: Word 12 is not on the list of words. Check its spelling.\n')
  })

  test('a stranger’s words get the broker’s code, in JSON, too', async () => {
    writeFileSync(join(dir, 'stranger'), createWords())
    const { code, out } = await run('status', ...asAnna(), '--words-file', join(dir, 'stranger'), '--json')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'signer-unknown' } })
  })

  test('an option that is missing is named', async () => {
    const { code, err } = await run('grant', '--custodian', 'a')
    expect(code).toBe(1)
    expect(err).toContain("required option '--words-file <file>' not specified")
  })
})

describe('help', () => {
  test('every subcommand explains every option that it has', async () => {
    const command = patientCommand({ out: () => {}, err: () => {} })
    const names = command.commands.map((sub) => sub.name())
    expect(names).toEqual([
      'grant',
      'revoke',
      'object',
      'withdraw',
      'requests',
      'answer',
      'refuse',
      'proposals',
      'accept',
      'decline',
      'lock',
      'unlock',
      'status',
      'history',
      'record',
      ...['helper-code', 'delegates', 'appoint', 'end-delegation', 'recover', 'recovery', 'veto'],
      ...['renew', 'revoke-all', 'forbid-emergency', 'allow-emergency'],
    ])
    for (const name of names) {
      const { out } = await run(name, '--help')
      for (const option of command.commands.find((sub) => sub.name() === name)?.options ?? []) {
        expect(out, name).toContain(option.long)
        expect(option.description, `${name} ${option.long}`).not.toBe('')
      }
      expect(out).toContain('Exit code:')
    }
  })

  test('the words can be given in no argument', () => {
    const { commands } = patientCommand({ out: () => {}, err: () => {} })
    for (const sub of commands) {
      expect(sub.options.map(({ long }) => long)).not.toContain('--words')
      expect(sub.registeredArguments).toEqual([])
    }
  })
})

test('the command ends as soon as it is done, as a process of its own', async () => {
  const main = `
    import { patientCommand } from ${JSON.stringify(new URL('../../src/cli/patient.ts', import.meta.url).href)}
    await patientCommand().parseAsync(process.argv.slice(1), { from: 'user' })
  `
  const args = [
    '--input-type=module',
    '-e',
    main,
    'grant',
    ...asAnna(),
    '--to',
    'everyone',
    '--purpose',
    'PUBHLTH',
  ]
  const began = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [[code], out] = await Promise.all([once(child, 'exit'), text(child.stdout)])
  expect(code).toBe(0)
  expect(out).toContain('Everyone may see your records at Hospital A for public health')
  expect(performance.now() - began).toBeLessThan(10_000)
})

test('the same wish means the same slot to the command and to any other device', async () => {
  const { chainId, contracts } = world.chain
  const place = {
    chainId,
    consentRegistry: contracts.consentRegistry,
    patientRegistry: contracts.patientRegistry,
  }
  const device = createPatientClient({ broker: a.broker.base, member: a.member, words, chain: place })
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  const { form } = await device.revoke({ to, purpose: 'TREAT' }, { signOnly: true })
  const { out } = await run('revoke', ...asAnna(), ...toB(), '--sign-only', '-')
  const scopeIn = (signed: unknown) =>
    (signed as { typedData: { message: { scope: object } } }).typedData.message.scope
  expect(scopeIn(JSON.parse(out))).toEqual(scopeIn(form))
})

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { consent, deny, permit, request } from '../domain/consent/fhir/builders.ts'
import {
  bundleOf,
  entryOf,
  observation,
  searchset,
  secret,
  thePatient,
} from '../domain/consent/filtering/answers.ts'

const root = join(import.meta.dirname, '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'wayleave-filter-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function filter(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'bin', 'wayleave.mjs'), 'filter', ...args],
    { cwd: folder, encoding: 'utf8' },
  )
  return { status, stdout, stderr }
}

function file(name: string, content: unknown): string {
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  return name
}

const consents = file('consent.json', consent(permit({ but: [deny({ labels: ['HIV'] })] })))
const asked = file('request.json', request({ patient: { reference: 'Patient/p' } }))
const of = (bundle: unknown, ...more: string[]) =>
  filter('--consents', consents, '--request', asked, '--bundle', file('bundle.json', bundle), ...more)
const answerOf = (stdout: string) => JSON.parse(stdout) as { answer: unknown; withheld: unknown[] }

describe('wayleave filter', () => {
  test('answers with one JSON object on stdout and ends with 0', () => {
    const { status, stdout, stderr } = of(searchset(observation('o'), secret('s')))
    expect([status, stderr, stdout.endsWith('}\n')]).toEqual([0, '', true])
    expect(answerOf(stdout)).toEqual({
      answer: bundleOf('searchset', [entryOf(observation('o'), 'match')]),
      withheld: [
        {
          path: 'entry[1]',
          id: 'Observation/s',
          reason: 'denied',
          why: 'denied by Consent/consent provision.provision[0]',
        },
      ],
    })
  })

  test('answers null where nothing may be handed on, and says so only where it may be told', () => {
    expect(answerOf(of(secret('s')).stdout).answer).toBeNull()
    expect(answerOf(of(secret('s'), '--tell-redactions').stdout).answer).toMatchObject({
      resourceType: 'OperationOutcome',
      issue: [{ code: 'suppressed' }],
    })
  })

  test('withholds an entry that names a key twice, and reads the others', () => {
    const text = JSON.stringify(searchset(observation('o'), observation('x'))).replace(
      '"id":"x"',
      '"id":"x","id":"x"',
    )
    const { answer, withheld } = answerOf(of(text).stdout)
    expect(answer).toEqual(bundleOf('searchset', [entryOf(observation('o'), 'match')]))
    expect(withheld).toMatchObject([{ path: 'entry[1]', reason: 'malformed' }])
  })

  test('takes the base of the server, with or without a slash', () => {
    const at = observation('o', { subject: { reference: 'https://hospital.example/fhir/Patient/p' } })
    expect(answerOf(of(at).stdout).answer).toBeNull()
    for (const base of ['https://hospital.example/fhir', 'https://hospital.example/fhir/'])
      expect(answerOf(of(at, '--base', base).stdout).answer).toEqual(at)
  })

  test('labels by rules of one’s own, beside or in place of those that come along', () => {
    const words = (text: string, defaults = 'add') => ({ defaults, rules: [{ kind: 'HIV', words: [text] }] })
    const both = searchset(
      observation('a', { note: [{ text: 'blue' }] }),
      observation('b', { note: [{ text: 'hiv' }] }),
    )
    const ids = (rules: object) => {
      const { answer } = answerOf(of(both, '--label-rules', file('rules.json', rules)).stdout)
      return ((answer as { entry?: { resource: { id: string } }[] }).entry ?? []).map(
        ({ resource }) => resource.id,
      )
    }
    expect(ids(words('green'))).toEqual(['a'])
    expect(ids(words('blue'))).toEqual([])
    expect(ids(words('blue', 'replace'))).toEqual(['b'])
  })

  test('names what of a consent cannot be enforced on stderr, and withholds', () => {
    const unclear = file('unclear.json', consent(permit({ period: { start: 'soon' } })))
    const { status, stdout, stderr } = filter(
      '--consents',
      unclear,
      '--request',
      asked,
      '--bundle',
      file('bundle.json', searchset(thePatient)),
    )
    expect([status, stderr]).toEqual([
      0,
      'wayleave filter: Consent/consent provision.period: a malformed period\n',
    ])
    expect(answerOf(stdout).withheld).toMatchObject([
      { reason: 'denied', why: expect.stringContaining('unenforceable') },
    ])
  })

  test.each([
    ['no option', []],
    ['an option that there is not', ['--what']],
    [
      'no patient in the request',
      ['--consents', consents, '--request', file('nobody.json', request()), '--bundle', consents],
    ],
    [
      'a patient that is none',
      [
        '--consents',
        consents,
        '--request',
        file('group.json', request({ patient: { reference: 'Group/1' } })),
        '--bundle',
        consents,
      ],
    ],
    ['no such file', ['--consents', consents, '--request', asked, '--bundle', 'none.json']],
    [
      'a Bundle that is no JSON',
      ['--consents', consents, '--request', asked, '--bundle', file('broken.json', '{')],
    ],
    [
      'something that is no resource',
      ['--consents', consents, '--request', asked, '--bundle', file('list.json', [])],
    ],
    [
      'wrong rules',
      [
        '--consents',
        consents,
        '--request',
        asked,
        '--bundle',
        consents,
        '--label-rules',
        file('wrong.json', { rules: [{ kind: 'X' }] }),
      ],
    ],
    [
      'a base that is no address',
      ['--consents', consents, '--request', asked, '--bundle', consents, '--base', 'here'],
    ],
  ])('%s ends with 2 and an empty stdout', (_, args) => {
    const { status, stdout, stderr } = filter(...args)
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).not.toBe('')
  })
})

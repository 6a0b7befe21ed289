import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { consent, deny, observation, permit, request } from '../domain/consent/fhir/builders.ts'

const root = join(import.meta.dirname, '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'wayleave-decide-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs it as anybody would, from anywhere. */
function decide(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'bin', 'wayleave.mjs'), 'decide', ...args],
    { cwd: folder, encoding: 'utf8' },
  )
  return { status, stdout, stderr, answers: stdout.split('\n').slice(0, -1).map(parse) }
}
const parse = (line: string) => JSON.parse(line) as { decision?: string; error?: { code: string } }

function file(name: string, content: unknown): string {
  mkdirSync(join(folder, name, '..'), { recursive: true })
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  return name
}

const yes = file('yes.json', consent(permit({ to: 'Organization/a', but: [deny({ labels: ['R'] })] })))
const asked = file('request.json', request())

describe('wayleave decide', () => {
  test('answers with one JSON object on stdout and ends with 0', () => {
    const { status, stdout, stderr, answers } = decide('--consents', yes, '--request', asked)
    expect([status, answers.length, stdout.endsWith('}\n'), stderr]).toEqual([0, 1, true, ''])
    expect(Object.keys(answers[0] ?? {})).toEqual([
      'decision',
      'rule',
      'beaten',
      'residual',
      'obligations',
      'resources',
    ])
  })

  test('ends with 0 whatever is decided, and names what cannot be enforced on stderr only', () => {
    const no = file('no.json', consent(permit({ period: { start: 'soon' } })))
    const { status, stderr, answers } = decide('--consents', no, '--request', asked)
    expect([status, answers[0]?.decision]).toEqual([0, 'unenforceable'])
    expect(stderr).toBe('wayleave decide: Consent/consent provision.period: a malformed period\n')
  })

  test('judges each resource in the order given, those of an array or a Bundle, too', () => {
    const one = file('one.json', observation([], { id: '1' }))
    const more = file('more.json', [
      observation(['R'], { id: '2' }),
      { resourceType: 'Bundle', entry: [{ resource: observation([], { id: '3' }) }] },
    ])
    const { stdout } = decide('--consents', yes, '--request', asked, '--resource', one, '--resource', more)
    const { resources } = JSON.parse(stdout) as { resources: { id: string; decision: string }[] }
    expect(resources.map(({ id, decision }) => `${id} ${decision}`)).toEqual([
      'Observation/1 permit',
      'Observation/2 deny',
      'Observation/3 permit',
    ])
  })

  test('reads folders of files, folders in them included, and several of them', () => {
    file('many/a.json', consent(permit(), { id: 'a' }))
    file('many/deeper/b.json', [consent(deny({ to: 'Organization/a' }), { id: 'b' })])
    file('many/notes.txt', 'not JSON')
    file('many/request.json', request())
    const { answers } = decide('--consents', yes, '--consents', 'many', '--request', asked)
    expect(answers[0]?.decision).toBe('deny')
  })

  test('a folder without consents gives no-consent', () => {
    mkdirSync(join(folder, 'empty'))
    expect(decide('--consents', 'empty', '--request', asked).answers[0]?.decision).toBe('no-consent')
  })
})

describe('a batch', () => {
  const line = (value: unknown) => JSON.stringify(value)
  const good = { consents: [consent(permit())], request: request() }

  test('answers line by line, in order', () => {
    const bundle = { resourceType: 'Bundle', entry: [{ resource: consent(deny()) }] }
    const batch = file(
      'good.jsonl',
      [
        line(good),
        '',
        line({ ...good, consents: bundle }),
        line({ ...good, consents: [], resources: [observation()] }),
      ].join('\n'),
    )
    const { status, answers } = decide('--batch', batch)
    expect(answers.map(({ decision }) => decision)).toEqual(['permit', 'deny', 'no-consent'])
    expect(status).toBe(0)
  })

  test('answers a wrong line with an error, goes on, and ends with 1', () => {
    const wrong = [
      '{"consents":[],"consents":[],"request":{}}',
      '{"consents":',
      '[]',
      line({ request: request() }),
      line({ ...good, request: { ...request(), purposeOfUse: [] } }),
      line({ ...good, request: { ...request(), at: '2025-06-01' } }),
      line({ ...good, request: { ...request(), at: '2025-06-01T12:00:00' } }),
      line({ ...good, consents: 'all' }),
      line({ ...good, resources: 'all' }),
    ]
    const { status, answers } = decide('--batch', file('wrong.jsonl', [...wrong, line(good)].join('\n')))
    expect(answers.map(({ error, decision }) => error?.code ?? decision)).toEqual([
      'duplicate-key',
      'malformed-json',
      ...wrong.slice(2).map(() => 'request-invalid'),
      'permit',
    ])
    expect(status).toBe(1)
  })

  test('of many lines is answered whole', () => {
    const many = file('many.jsonl', `${line(good)}\n`.repeat(3000))
    const { status, answers } = decide('--batch', many)
    expect([status, answers.length, new Set(answers.map(({ decision }) => decision))]).toEqual([
      0,
      3000,
      new Set(['permit']),
    ])
  })
})

describe('a mistake prints no JSON and ends with 2', () => {
  const refused = (...args: string[]) => {
    const { status, stdout, stderr } = decide(...args)
    expect([status, stdout, stderr.length > 0]).toEqual([2, '', true])
  }

  test('in the options: no request, no consents, an unknown one, a batch and something else', () => {
    refused('--consents', yes)
    refused('--request', asked)
    refused('--consents', yes, '--request', asked, '--force')
    refused('--batch', asked, '--request', asked)
  })

  test('a file that is not there', () => {
    refused('--consents', 'nowhere', '--request', asked)
    refused('--consents', yes, '--request', 'nowhere')
    refused('--batch', 'nowhere')
  })

  test.each([
    ['that is not JSON', '{'],
    ['with a key that comes twice', '{"at":"2025-06-01T12:00:00Z","at":"x"}'],
    ['without a purpose', { ...request(), purposeOfUse: undefined }],
    ['without a recipient', { ...request(), recipient: undefined }],
    ['at a time without a zone', { ...request(), at: '2025-06-01T12:00:00' }],
    ['at a date without a time', { ...request(), at: '2025-06-01' }],
  ])('a request %s', (_, content) => {
    refused('--consents', yes, '--request', file('wrong.json', content))
  })

  test('consents that are neither object nor array', () => {
    refused('--consents', file('c1.json', '"yes"'), '--request', asked)
  })

  test('a resource to be judged that is none', () => {
    refused('--consents', yes, '--request', asked, '--resource', asked)
  })

  test('one bad file in a folder of good ones', () => {
    cpSync(join(folder, yes), join(folder, 'mixed', 'good.json'))
    file('mixed/bad.json', '[')
    refused('--consents', 'mixed', '--request', asked)
  })
})

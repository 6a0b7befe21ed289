import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { councilCommand } from '../../src/cli/council.ts'
import { writeSandboxFile } from '../../src/sandbox/sandbox-file.ts'
import { createWorld, eventually, type World } from '../support/world.ts'
import { createTerminal, sandboxOf } from './terminal.ts'

let world: World
let dir: string
const sandbox = () => ['--sandbox', join(dir, 'sandbox.json')]

beforeAll(async () => {
  world = await createWorld({ councilDelay: 3 })
  dir = mkdtempSync(join(tmpdir(), 'wayleave-cli-'))
  writeSandboxFile(join(dir, 'sandbox.json'), sandboxOf(world))
}, 60_000)

afterAll(async () => {
  await world?.close()
  rmSync(dir, { recursive: true, force: true })
})

const run = createTerminal(() => world.seats.map(({ key }) => key.slice(2)), councilCommand)
const as = (seat: string, ...words: string[]) => run(...words, '--seat', seat, ...sandbox())

/** The act's number, from the line that a vote or a proposal prints. */
const idIn = (out: string) => /^\s*(\d+) /.exec(out)?.[1] ?? 'none'

/** Proposed by the providers, carried by the two other chambers. */
async function carried(...words: string[]): Promise<{ id: string; out: string }> {
  const id = idIn((await as('providers', 'propose', ...words)).out)
  await as('regulators', 'approve', id)
  return { id, out: (await as('advocates', 'approve', id)).out }
}

test('the seats are shown by chamber', async () => {
  const { code, out } = await run('seats', ...sandbox())
  expect(code).toBe(0)
  for (const { chamber, key } of world.seats)
    expect(out).toMatch(new RegExp(`${chamber} +${new Wallet(key).address}`))
})

test('a suspension is told in words, waits for a vote of each chamber, and is done at once', async () => {
  const proposed = await as('providers', 'propose', 'suspend', 'b')
  expect(proposed.out).toContain('suspend Hospital B: waits for votes. For it: providers.')
  const id = idIn(proposed.out)
  expect((await as('regulators', 'approve', id)).out).toContain('waits for votes')
  const last = await as('advocates', 'approve', id)
  expect(last.out).toContain('suspend Hospital B: done. For it: providers, regulators, advocates.')
})

describe('an act with a delay', () => {
  test('is refused in words before its time, and performed after it', async () => {
    const { id, out } = await carried('reinstate', 'b')
    expect(out).toContain('carried; can be performed from 20')
    const early = await as('providers', 'perform', id)
    expect([early.code, early.err]).toEqual([1, 'wayleave: the delay of this act is not over yet\n'])
    const done = await eventually(async () => {
      const { code, out } = await as('providers', 'perform', id)
      return code === 0 && out
    })
    expect(done).toContain('reinstate Hospital B: done')
  })

  test('is stopped by one chamber', async () => {
    const { id } = await carried('remove', 'b')
    expect((await as('regulators', 'stop', id)).out).toContain('stopped by the regulators')
    const { code, err } = await as('providers', 'perform', id)
    expect([code, err]).toEqual([1, `wayleave: act ${id} is stopped\n`])
  })
})

test('groups, roles, seats and successors are told in words', async () => {
  const { contracts } = world.chain
  const account = Wallet.createRandom().address
  const expected: [string[], string][] = [
    [['join', 'gp', 'b'], 'put Hospital B into the group gp'],
    [['leave', 'gp', 'b'], 'take Hospital B out of the group gp'],
    [['set-roles', 'b', 'custodian,requester'], 'make Hospital B custodian, requester'],
    [['set-seat', account, 'advocates'], `give ${account} a seat of the advocates`],
    [['set-seat', account, 'none'], `take the seat of ${account}`],
    [
      ['announce', contracts.consentRegistry, contracts.accessLog],
      'announce accessLog as the successor of consentRegistry',
    ],
    [['adopt', 'a,b'], 'take over Hospital A, Hospital B'],
    [
      ['bind', contracts.memberRegistry, 'at-once', 'suspend'],
      'let the council ask memberRegistry for suspend, at-once',
    ],
    [
      ['bind', contracts.succession, 'delayed', 'announce,adopt'],
      'let the council ask succession for announce, adopt, delayed',
    ],
  ]
  for (const [words, sentence] of expected)
    expect((await as('providers', 'propose', ...words)).out).toContain(`${sentence}: waits for votes`)
})

test('what is bound is a function of the council’s, to a role that it has', async () => {
  const { memberRegistry } = world.chain.contracts
  const role = await as('providers', 'propose', 'bind', memberRegistry, 'never', 'suspend')
  expect(role.err).toContain('There is no role never of the council: at-once, delayed.')
  const name = await as('providers', 'propose', 'bind', memberRegistry, 'delayed', 'grant')
  expect(name.err).toContain('There is no function grant that the council is asked for.')
})

test('a member is admitted from a file', async () => {
  const file = join(dir, 'hospital.json')
  const operator = Wallet.createRandom().address
  const identifier = { system: 'urn:test', value: 'new' }
  writeFileSync(
    file,
    JSON.stringify({ identifier, roles: ['requester'], operator, profile: { name: 'New Hospital' } }),
  )
  const { out } = await as('providers', 'propose', 'admit', file)
  expect(out).toContain(
    `admit urn:test|new, called New Hospital, as requester, operator ${operator}: waits for votes`,
  )
  writeFileSync(file, JSON.stringify({ identifier, roles: ['surgeon'], operator }))
  expect((await as('providers', 'propose', 'admit', file)).err).toContain('There is no role surgeon')
})

test('every act is listed, for people and for programs', async () => {
  const { out } = await run('acts', ...sandbox())
  const { acts } = JSON.parse((await run('acts', '--json', ...sandbox())).out) as {
    acts: { id: number; state: string; what: string; approvals: { chamber: string }[] }[]
  }
  expect(out.trim().split('\n')).toHaveLength(acts.length)
  expect(acts[0]).toMatchObject({ id: 1, state: 'done', what: 'suspend Hospital B' })
  expect(acts[0]?.approvals.map(({ chamber }) => chamber)).toEqual(['providers', 'regulators', 'advocates'])
})

describe('a key', () => {
  test('in a file votes by a broker’s configuration, and hands its seat to the next one', async () => {
    const [, , advocate] = world.seats
    const keyFile = join(dir, 'advocate.key')
    const newKeyFile = join(dir, 'next.key')
    writeFileSync(keyFile, advocate?.key ?? '', { mode: 0o600 })
    const config = ['--config', world.hospitals[0]?.files.configFile ?? '']
    const proposed = await run(
      'propose',
      'suspend',
      world.hospitals[1]?.member ?? '',
      '--key-file',
      keyFile,
      ...config,
    )
    expect(proposed.out).toContain('waits for votes. For it: advocates.')

    const rotated = await run('rotate', '--key-file', keyFile, '--new-key-file', newKeyFile, ...config)
    const next = new Wallet(readFileSync(newKeyFile, 'utf8').trim()).address
    expect(rotated.out).toMatch(new RegExp(`advocates +${next}`))
    expect(statSync(newKeyFile).mode & 0o077).toBe(0)
    expect((await run('approve', '1', '--key-file', keyFile, ...config)).err).toContain(
      'has no seat in the council',
    )
    expect((await run('acts', ...config)).out).toContain('lapsed: the seats have changed since')
    await run('rotate', '--key-file', newKeyFile, '--new-key-file', keyFile, ...config)
  })

  test('in a file that others can read is refused', async () => {
    const file = join(dir, 'open.key')
    writeFileSync(file, Wallet.createRandom().privateKey)
    chmodSync(file, 0o644)
    const { code, err } = await run('approve', '1', '--key-file', file, ...sandbox())
    expect([code, err]).toEqual([1, `wayleave: ${file} can be read by others: chmod 600 ${file}\n`])
  })
})

test('what names nobody and nothing is refused in a sentence', async () => {
  expect((await as('providers', 'propose', 'suspend', 'z')).err).toContain('z names no member')
  expect((await as('nobody', 'approve', '1')).err).toContain('There is no seat nobody here')
  expect((await as('providers', 'approve', 'x')).err).toContain('x is no number of an act')
  expect((await run('approve', '1', ...sandbox())).err).toContain('Who votes?')
  expect((await as('providers', 'approve', '1')).err).toBe('wayleave: act 1 is done\n')
})

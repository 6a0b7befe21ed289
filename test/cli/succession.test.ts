import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Wallet } from 'ethers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { successionCommand } from '../../src/cli/succession.ts'
import { writeSandboxFile } from '../../src/sandbox/sandbox-file.ts'
import { admit, partyOf } from '../support/acts.ts'
import { createWorld, eventually, type TestHospital, type World } from '../support/world.ts'
import { createTerminal, sandboxOf } from './terminal.ts'

let world: World
let a: TestHospital
let dir: string
let successor = ''

beforeAll(async () => {
  world = await createWorld()
  const [first, b] = world.hospitals as [TestHospital, TestHospital]
  a = first
  dir = mkdtempSync(join(tmpdir(), 'wayleave-cli-'))
  writeSandboxFile(join(dir, 'sandbox.json'), sandboxOf(world))
  const nationalId = await admit(a, 'anna', 0)
  await a.settled()
  const anna = await world.enrol(a, nationalId)
  await anna.grant({ to: partyOf(b), purpose: 'TREAT', classes: ['problems'] })
  await eventually(async () => (await anna.consents()).consents.some(({ state }) => state === 'permit'))
}, 60_000)

afterAll(async () => {
  await world?.close()
  rmSync(dir, { recursive: true, force: true })
})

const run = createTerminal(
  () => world.hospitals.map(({ files }) => files.keyring.operator.slice(2)),
  successionCommand,
)
const sandbox = () => ['--sandbox', join(dir, 'sandbox.json')]

test('a successor is deployed, and lacks something until it is migrated', async () => {
  const deployed = await run('deploy', '--json', ...sandbox())
  const [made] = (JSON.parse(deployed.out) as { deployed: { successor: string }[] }).deployed
  successor = made?.successor ?? ''
  const before = await run('prove', successor, ...sandbox())
  expect(before.code).toBe(1)
  expect(before.out).toContain('1 slots; 0 equal, 0 moved on at the successor, 1 missing, 0 behind')
  expect(before.out).toContain('The successor lacks something: wayleave succession migrate.')
})

test('migrated, it holds what the predecessor holds, and says so with two equal digests', async () => {
  const { code, out, err } = await run('migrate', successor, ...sandbox())
  expect([code, err]).toEqual([0, '1 of 1 adopted\n'])
  const [, theirs] = /predecessor {2}(0x\w+)/.exec(out) ?? []
  const [, ours] = /successor {4}(0x\w+)/.exec(out) ?? []
  expect([theirs, out]).toEqual([
    ours,
    expect.stringContaining('holds what the predecessor holds, and nothing else'),
  ])
})

test('it is accepted only once the council has announced it, and by each member for itself', async () => {
  const config = ['--config', a.files.configFile]
  const early = await run('accept', successor, ...config)
  expect(early.err).toBe(
    `wayleave: the council has announced no successor for ${world.chain.contracts.consentRegistry}\n`,
  )
  await world.council.announce(world.chain.contracts.consentRegistry, successor)
  expect((await run('status', ...sandbox())).out).toContain(
    'Accepted by nobody; not yet by Hospital A, Hospital B.',
  )
  await a.stop()
  const { code, out } = await run('accept', successor, ...config)
  await a.start()
  expect(code).toBe(0)
  expect(out).toContain(`contracts.consentRegistry     "${successor}"`)
  expect(out).toContain(`predecessors.consentRegistry  ["${world.chain.contracts.consentRegistry}"]`)
  expect((await run('status', ...sandbox())).out).toContain('Accepted by Hospital A; not yet by Hospital B.')
})

test('any contract is replaced, with whatever names it for good, and both are accepted with one command', async () => {
  const config = ['--config', a.files.configFile]
  const { patientRegistry, consentRegistry } = world.chain.contracts
  const { deployed } = JSON.parse((await run('deploy', 'patientRegistry', '--json', ...sandbox())).out) as {
    deployed: { contract: string; successor: string }[]
  }
  expect(deployed.map(({ contract }) => contract)).toEqual(['patientRegistry', 'consentRegistry'])
  const [patients = '', consents = ''] = deployed.map(({ successor }) => successor)
  const proof = await run('prove', patients, ...sandbox())
  expect([proof.code, proof.out]).toEqual([0, expect.stringContaining('1 handles; 1 equal, 0 moved on')])
  expect(proof.out).toContain('1 rights; 1 equal')
  await world.council.announce(patientRegistry, patients)
  await world.council.announce(consentRegistry, consents)
  const early = await run('accept', patients, consents, ...config)
  expect(early.err).toContain('consentRegistry: the successor lacks something that the predecessor holds')
  await run('migrate', consents, ...sandbox())
  await a.stop()
  const { out } = await run('accept', patients, consents, ...config)
  await a.start()
  for (const [name, address] of [
    ['patientRegistry', patients],
    ['consentRegistry', consents],
  ])
    expect(out).toContain(`contracts.${name}     "${address}"`)
  const { out: status } = await run('status', ...sandbox())
  expect(status.trim().split('\n')).toHaveLength(2)
  expect(status).toContain(`patientRegistry: ${patients}`)
})

test('a contract that is none is not replaced', async () => {
  const { err } = await run('deploy', 'council', ...sandbox())
  expect(err).toContain(
    'There is no contract council to replace: consentRegistry, recordDirectory, accessLog',
  )
})

test('what is no successor is refused in a sentence', async () => {
  expect((await run('prove', 'x', ...sandbox())).err).toContain('x is no address')
  const nobody = Wallet.createRandom().address
  expect((await run('prove', nobody, ...sandbox())).err).toContain(
    'is no successor of a contract that is configured',
  )
  expect((await run('accept', successor, ...sandbox())).err).toContain('Which member accepts? Give --config.')
  writeFileSync(join(dir, 'bad.json'), '{}')
  expect((await run('accept', successor, '--config', join(dir, 'bad.json'))).code).toBe(1)
})

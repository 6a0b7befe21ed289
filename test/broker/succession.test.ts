import { concat, keccak256, toBeHex, Wallet } from 'ethers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConsentRegistry__factory, type Contracts } from '../../src/chain/contracts.ts'
import { createMigration } from '../../src/chain/migration/index.ts'
import { createSuccession } from '../../src/chain/succession.ts'
import { readConsentWord } from '../../src/domain/consent/consent-word.ts'
import { type ActMessages, scopeHash } from '../../src/domain/consent/typed-data.ts'
import type { Identifier } from '../../src/domain/identity/national-ids.ts'
import { createPatientClient, type PatientClient } from '../../src/patient/client.ts'
import { createWords } from '../../src/patient/seed.ts'
import { dropIndex } from '../../src/store/migrate.ts'
import { admit, groupOf, partyOf } from '../support/acts.ts'
import { createAsker } from '../support/asker.ts'
import { insideOf, refusedAt } from '../support/inside.ts'
import { createWorld, eventually, type TestHospital, type World } from '../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
let bram: PatientClient
let old: Contracts
const words = createWords()
const share = { purpose: 'TREAT', classes: ['problems'] }
const people = new Map<string, Identifier>()

// The steps of one migration, in their order: each test begins where the one before it ended.
let successor = ''
let codeHash = ''

beforeAll(async () => {
  world = await createWorld({ councilDelay: 1 })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  old = world.chain.contracts
  for (const [i, name] of ['anna', 'bram'].entries()) people.set(name, await admit(a, name, i))
  await a.settled()
  anna = await world.enrol(a, people.get('anna') as Identifier, words)
  bram = await world.enrol(a, people.get('bram') as Identifier)
  await anna.grant({ to: partyOf(b), ...share })
  await anna.object({ to: groupOf('somebody'), purpose: 'TREAT' })
  await bram.grant({ to: partyOf(b), ...share })
  await bram.revoke({ to: partyOf(b), purpose: 'TREAT' })
  await bram.grant({ to: partyOf(b), ...share })
  await eventually(() => isOpened('anna'))
  await eventually(() => isOpened('bram'))
}, 60_000)

afterAll(() => world?.close())

const succession = () => createSuccession({ provider: world.provider, ...world.chain })
const migration = () =>
  createMigration({
    contract: 'consentRegistry',
    provider: world.provider,
    predecessor: old.consentRegistry,
    successor,
    patientRegistry: old.patientRegistry,
    deployedAt: world.chain.deployedAt,
  })
const somebody = () => new Wallet(Wallet.createRandom().privateKey, world.provider)
const operatorOf = (hospital: TestHospital) => new Wallet(hospital.files.keyring.operator, world.provider)

async function ask(name: string) {
  return (await createAsker(b, a)).fetch(await insideOf(a).tagOf('Condition', `${name}-c1`))
}
const isOpened = async (name: string) => (await ask(name)).status === 200

/** The word of Anna's consent for B at a contract. */
async function wordAt(contract: string) {
  const { signed } = await anna.revoke({ to: partyOf(b), purpose: 'TREAT' }, { signOnly: true })
  const { handle, scope } = signed.typedData.message as ActMessages['Revocation']
  const registry = ConsentRegistry__factory.connect(contract, world.provider)
  return readConsentWord(await registry.wordOf(handle, scopeHash(scope)))
}

/** The member's operator changes the configuration, and starts the broker anew with its index dropped. */
async function configure(
  hospital: TestHospital,
  chain: Partial<World['chain']>,
  meanwhile = async () => {},
): Promise<void> {
  await hospital.stop()
  await meanwhile()
  Object.assign(hospital.config.chain, chain)
  await dropIndex(hospital.database.db)
  await hospital.start()
}

test('a successor is deployed and adopts everything, sent by somebody who is nobody', async () => {
  const [deployed] = await succession().deploySuccessor(somebody(), 'consentRegistry')
  successor = deployed?.successor ?? ''
  codeHash = deployed?.codeHash ?? ''
  const before = await migration().prove()
  expect([before.complete, before.parts[0]?.standing.missing]).toEqual([false, before.parts[0]?.items])
  const proof = await migration().migrate(somebody())
  const [slots] = proof.parts
  expect(slots?.standing).toEqual({ equal: 3, missing: 0, behind: 0, 'moved on': 0, differs: 0 })
  expect([proof.complete, slots?.digests.successor]).toEqual([true, slots?.digests.predecessor])
})

test('the digest is one that anybody can compute from the events and the words', async () => {
  const registry = ConsentRegistry__factory.connect(old.consentRegistry, world.provider)
  const slots = new Set<string>()
  for (const log of await world.provider.getLogs({ address: old.consentRegistry, fromBlock: 0 }))
    if (log.topics.length === 3) slots.add(`${log.topics[1]}${log.topics[2]?.slice(2)}`)
  const parts: string[] = []
  for (const slot of [...slots].sort()) {
    const [handle, scope] = [slot.slice(0, 66), `0x${slot.slice(66)}`]
    parts.push(handle, scope, toBeHex(await registry.wordOf(handle, scope), 32))
  }
  const [proof] = (await migration().prove()).parts
  expect(proof?.digests.successor).toBe(keccak256(concat(parts)))
})

test('no member reads it before the council has announced it, and then none but those that accept it', async () => {
  const accept = () => succession().accept(operatorOf(a), old.consentRegistry, successor)
  await expect(accept()).rejects.toMatchObject({ code: 'CALL_EXCEPTION' })
  await world.council.announce(old.consentRegistry, successor)
  const [announced] = await succession().announcements()
  expect(announced).toEqual({
    predecessor: old.consentRegistry,
    successor,
    codeHash,
    acceptedBy: [],
    waitingFor: [a.member, b.member],
  })
  // A's broker has A's operator account to itself, so it stops meanwhile.
  await a.stop()
  await accept()
  await a.start()
  expect(await succession().announcements()).toMatchObject([
    { acceptedBy: [a.member], waitingFor: [b.member] },
  ])
  expect(await isOpened('anna')).toBe(true)
})

test('a broker that is configured to the successor decides the same, and its index holds the events of both', async () => {
  await configure(a, {
    contracts: { ...old, consentRegistry: successor },
    predecessors: { consentRegistry: [old.consentRegistry] },
    codeHashes: { ...world.chain.codeHashes, consentRegistry: codeHash },
  })
  for (const name of ['anna', 'bram']) await eventually(() => isOpened(name))
  const { consents } = await anna.consents()
  expect(consents.map(({ state, version }) => [state, version]).sort()).toEqual([
    ['objection', 2],
    ['permit', 1],
  ])
  const events = await a.database.db
    .withSchema('chain_index')
    .withTables<{ events: { name: string } }>()
    .selectFrom('events')
    .select('name')
    .execute()
  const count = (name: string) => events.filter((event) => event.name === name).length
  expect([count('ConsentGranted'), count('ConsentAdopted')]).toEqual([3, 3])
})

test('a revocation signed for the old contract counts at once, and lands at the new one', async () => {
  const { receipt } = await anna.revoke({ to: partyOf(b), purpose: 'TREAT' })
  expect(receipt?.counts).toBe('now')
  await refusedAt(a, undefined, () => ask('anna'))
  await eventually(async () => (await wordAt(successor)).state === 'silent')
  expect((await wordAt(old.consentRegistry)).state).toBe('permit')
  expect((await migration().prove()).parts[0]?.standing['moved on']).toBe(1)
  // Adopting once more does not bring the permit back.
  await migration().migrate(somebody())
  expect((await wordAt(successor)).state).toBe('silent')
})

test('a grant counts only where it is signed for the new contract', async () => {
  await expect(anna.grant({ to: partyOf(b), ...share })).rejects.toMatchObject({ code: 'wrong-contract' })
  const { chainId } = world.chain
  const device = createPatientClient({
    broker: a.broker.base,
    member: a.member,
    words,
    clock: a.clock,
    chain: { chainId, consentRegistry: successor, patientRegistry: old.patientRegistry },
  })
  await device.grant({ to: partyOf(b), ...share })
  await eventually(() => isOpened('anna'))
  expect(await wordAt(successor)).toMatchObject({ state: 'permit', version: 4 })
})

test('a member that comes later accepts a successor that has moved on, and lacks nothing', async () => {
  const proof = await migration().prove()
  expect(proof.complete).toBe(true)
  await configure(
    b,
    {
      contracts: { ...old, consentRegistry: successor },
      predecessors: { consentRegistry: [old.consentRegistry] },
      codeHashes: { ...world.chain.codeHashes, consentRegistry: codeHash },
    },
    () => succession().accept(operatorOf(b), old.consentRegistry, successor),
  )
  expect((await succession().announcements())[0]?.waitingFor).toEqual([])
  await eventually(() => isOpened('anna'))
})

test('a broker does not believe a contract whose code is not the pinned one', async () => {
  await configure(a, { codeHashes: { consentRegistry: keccak256('0x') } })
  await eventually(async () => (await fetch(`${a.broker.base}/ready`)).ok)
  const { answer } = await refusedAt(a, undefined, () => ask('bram'))
  expect(answer.status).toBeGreaterThanOrEqual(400)
  await configure(a, { codeHashes: { consentRegistry: codeHash } })
  await eventually(() => isOpened('bram'))
})

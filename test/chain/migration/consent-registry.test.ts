import { type HDNodeWallet, type TransactionRequest, Wallet } from 'ethers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { actCall } from '../../../src/chain/act-calls.ts'
import { ConsentRegistry__factory, ConsentSuccessor__factory } from '../../../src/chain/contracts.ts'
import { createMigration } from '../../../src/chain/migration/index.ts'
import { createSuccession } from '../../../src/chain/succession.ts'
import type { SaltedScope } from '../../../src/domain/consent/scope.ts'
import {
  type ActMessages,
  type ActName,
  actDomain,
  hashedMessage,
  scopeHash,
  typesOf,
} from '../../../src/domain/consent/typed-data.ts'
import { dateOfDay } from '../../../src/domain/days.ts'
import { type Hex, ZERO_32 } from '../../../src/domain/hex.ts'
import { hash } from '../../domain/consent/acts.ts'
import { NO_FLAGS } from '../../support/in-words.ts'
import { createTestChain, FREE, mined, type TestChain, type TestMember } from '../test-chain.ts'

const SLOTS = 60
const terms = { dataClasses: ['problems'], sensitivities: [], body: ZERO_32, salt: hash('terms') }
const referral = hash('a referral')

type Patient = { handle: Hex; key: HDNodeWallet; custodian: TestMember }

let chain: TestChain
let custodians: TestMember[]
let patients: Patient[]
let successor: string

beforeAll(async () => {
  chain = await createTestChain()
  custodians = [await chain.member('a'), await chain.member('b')]
  patients = []
  for (const custodian of custodians)
    for (const name of ['anna', 'bram']) patients.push(await bound(`${name} at ${custodian.id}`, custodian))
  for (const [i, patient] of patients.entries()) await live(patient, i)
  const referred = patients[0] as Patient
  const registry = ConsentRegistry__factory.connect(
    chain.contracts.consentRegistry,
    referred.custodian.wallet,
  )
  const until = Math.floor((await chain.blockTime()) / 86_400) + 5
  await mined(registry.anchorReferral(referred.handle, scopeHash(scopeOf(0)), referral, until, FREE))
  const [deployed] = await createSuccession(chain).deploySuccessor(stranger(), 'consentRegistry')
  successor = deployed?.successor ?? ''
}, 120_000)
afterAll(() => chain.close())

const stranger = () => new Wallet(Wallet.createRandom().privateKey, chain.provider)

const scopeOf = (n: number): SaltedScope => ({
  granteeType: 'Organization',
  grantee: `urn:o|${n}`,
  purpose: 'TREAT',
  salt: hash(`scope ${n}`),
})

async function callOf<A extends ActName>({ key }: Patient, act: A, message: ActMessages[A]) {
  const { patientRegistry, consentRegistry } = chain.contracts
  const contract = act === 'Bind' ? patientRegistry : consentRegistry
  const domain = actDomain(act, Number(chain.provider._network.chainId), contract as Hex)
  const signature = (await key.signTypedData(domain, typesOf(act), message)) as Hex
  return actCall(act, chain.contracts, hashedMessage(act, message), key.address as Hex, signature)
}

async function bound(name: string, custodian: TestMember): Promise<Patient> {
  const patient = { handle: hash(name), key: Wallet.createRandom(), custodian }
  const deadline = (await chain.blockTime()) + 900
  const { contract, data } = await callOf(patient, 'Bind', {
    handle: patient.handle,
    custodian: custodian.id,
    deadline,
  })
  await mined(custodian.wallet.sendTransaction({ to: contract, data, ...FREE }) as never)
  return patient
}

/** Grants in every slot; in every third it revokes afterwards, and in every third but one it objects. */
async function live(patient: Patient, salt: number): Promise<void> {
  const { handle } = patient
  const day = Math.floor((await chain.blockTime()) / 86_400)
  const deadline = (await chain.blockTime()) + 900
  const period = { from: dateOfDay(day), until: dateOfDay(day + 30), ...NO_FLAGS }
  const calls: string[] = []
  for (let n = 0; n < SLOTS; n++) {
    const scope = scopeOf(n)
    const grant = {
      handle,
      scope,
      terms,
      ...period,
      mayBeReferredOn: n === 0,
      version: 1,
      epoch: 0,
      deadline,
    }
    calls.push((await callOf(patient, 'Grant', grant)).data)
    if ((n + salt) % 3 === 1)
      calls.push((await callOf(patient, 'Revocation', { handle, scope, upToVersion: 2 })).data)
    if ((n + salt) % 3 === 2)
      calls.push((await callOf(patient, 'Objection', { handle, scope, terms, upToVersion: 1 })).data)
  }
  const registry = ConsentRegistry__factory.connect(chain.contracts.consentRegistry, stranger())
  for (let i = 0; i < calls.length; i += 50)
    await mined(registry.batch(calls.slice(i, i + 50), { ...FREE, gasLimit: 15_000_000n }))
}

const migration = () =>
  createMigration({
    contract: 'consentRegistry',
    provider: chain.provider,
    predecessor: chain.contracts.consentRegistry,
    successor,
    patientRegistry: chain.contracts.patientRegistry,
    deployedAt: chain.deployedAt,
  })

async function proven() {
  const { parts, complete } = await migration().prove()
  const [slots, referrals] = parts
  return { slots, referrals, complete }
}

/** An account whose machine dies after so many transactions. */
function dying(after: number): Wallet {
  const wallet = stranger()
  const send = wallet.sendTransaction.bind(wallet)
  let sent = 0
  wallet.sendTransaction = (transaction: TransactionRequest) => {
    if (++sent > after) throw new Error('the machine died')
    return send(transaction)
  }
  return Object.assign(wallet, { connect: () => wallet })
}

test('a migration that was broken off goes on where it was, and ends with equal digests', async () => {
  const all = patients.length * SLOTS
  expect(await proven()).toMatchObject({
    slots: { of: 'slots', items: all, standing: { missing: all } },
    complete: false,
  })
  await expect(migration().migrate(dying(2))).rejects.toThrow('the machine died')
  const { slots: half } = await proven()
  expect(half?.standing).toMatchObject({ equal: 100, missing: all - 100 })
  expect(half?.digests.successor).not.toBe(half?.digests.predecessor)

  const told: string[] = []
  const proof = await migration().migrate(stranger(), (done, of) => told.push(`${done} of ${of}`))
  expect(told.slice(0, 2)).toEqual(['20 of 140', '70 of 140'])
  const [slots] = proof.parts
  expect(slots?.standing).toEqual({ equal: all, missing: 0, behind: 0, 'moved on': 0, differs: 0 })
  expect(slots?.digests.successor).toBe(slots?.digests.predecessor)
  expect(proof.complete).toBe(true)
})

test('no transaction of it holds slots of two custodians (I8)', async () => {
  const { interface: api, filters } = ConsentSuccessor__factory.connect(successor, chain.provider)
  const logs = await chain.provider.getLogs({
    address: successor,
    topics: await filters.ConsentAdopted().getTopicFilter(),
    fromBlock: 0,
  })
  const handles = Map.groupBy(logs, ({ transactionHash }) => transactionHash)
  expect(handles.size).toBeGreaterThan(2)
  for (const [, theirs] of handles) {
    const holders = theirs.map((log) => {
      const handle = api.parseLog(log)?.args.handle as string
      return patients.find((patient) => patient.handle === handle)?.custodian.id
    })
    expect(new Set(holders).size).toBe(1)
  }
})

test('a live referral comes along with the permit that carries it', async () => {
  const [{ handle } = { handle: ZERO_32 }] = patients
  const next = ConsentSuccessor__factory.connect(successor, chain.provider)
  const [anchored, live] = await next.referralOf(handle, scopeHash(scopeOf(0)), referral)
  expect([anchored.parentVersion, live]).toEqual([1n, true])
  const { referrals } = await proven()
  expect(referrals).toMatchObject({ of: 'live referrals', items: 1, standing: { equal: 1, missing: 0 } })
  expect(referrals?.digests.successor).toBe(referrals?.digests.predecessor)
})

test('what narrows at the old contract afterwards is behind until it is adopted, too', async () => {
  const patient = patients[1] as Patient
  const scope = scopeOf(2)
  const call = await callOf(patient, 'Revocation', { handle: patient.handle, scope, upToVersion: 9 })
  await mined(stranger().sendTransaction({ to: call.contract, data: call.data, ...FREE }) as never)
  expect(await proven()).toMatchObject({ slots: { standing: { behind: 1 } }, complete: false })
  // Within the same second both words would be the same.
  await chain.provider.send('evm_increaseTime', [5])
  const proof = await migration().migrate(stranger())
  expect(proof).toMatchObject({ parts: [{ standing: { behind: 0, 'moved on': 1 } }, {}], complete: true })
})

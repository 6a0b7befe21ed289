import { type HDNodeWallet, isError, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { actCall, signerOf } from '../../src/chain/act-calls.ts'
import { type ConsentReader, createConsentReader } from '../../src/chain/consent-reader.ts'
import { errorCodeOfSelector } from '../../src/chain/contract-errors.ts'
import { mined } from '../../src/chain/mined.ts'
import { createNodeRpc, type NodeRpc } from '../../src/chain/node-rpc.ts'
import { termsKey } from '../../src/domain/consent/consent-word.ts'
import type { SaltedScope } from '../../src/domain/consent/scope.ts'
import type { SaltedTerms } from '../../src/domain/consent/terms.ts'
import {
  type ActMessages,
  type ActName,
  actDomain,
  hashedMessage,
  scopeHash,
  termsHash,
  typesOf,
} from '../../src/domain/consent/typed-data.ts'
import { dateOfDay, dayOfDate } from '../../src/domain/days.ts'
import { type Hex, ZERO_32 } from '../../src/domain/hex.ts'
import { hash } from '../domain/consent/acts.ts'
import { NO_FLAGS } from '../support/in-words.ts'
import { createTestChain, FREE, type TestChain, type TestMember } from './test-chain.ts'

const scope: SaltedScope = {
  granteeType: 'Organization',
  grantee: 'urn:o|b',
  purpose: 'TREAT',
  salt: hash('scope'),
}
const terms: SaltedTerms = {
  dataClasses: ['problems'],
  sensitivities: ['HIV'],
  body: ZERO_32,
  salt: hash('terms'),
}

let chain: TestChain
let custodian: TestMember
let requester: TestMember
let rpc: NodeRpc
let reader: ConsentReader
/** Sends acts, has no money, and is nobody. */
let anybody: Wallet
beforeAll(async () => {
  chain = await createTestChain()
  custodian = await chain.member('a')
  requester = await chain.member('b')
  rpc = createNodeRpc({ url: chain.anvil.rpc })
  reader = createConsentReader(rpc, chain.contracts)
  anybody = new Wallet(Wallet.createRandom().privateKey, chain.provider)
})
afterAll(async () => {
  await rpc.close()
  await chain.close()
})

type Patient = { handle: Hex; key: HDNodeWallet }

const domainOf = (act: ActName) => {
  const patientActs: ActName[] = ['Bind', 'Lock', 'Unlock']
  const { patientRegistry, consentRegistry } = chain.contracts
  const contract = patientActs.includes(act) ? patientRegistry : consentRegistry
  return actDomain(act, Number(chain.provider._network.chainId), contract as Hex)
}

async function signed<A extends ActName>(patient: Patient, act: A, message: ActMessages[A]) {
  const signature = (await patient.key.signTypedData(domainOf(act), typesOf(act), message)) as Hex
  const hashed = hashedMessage(act, message)
  return {
    hashed,
    signature,
    call: actCall(act, chain.contracts, hashed, patient.key.address as Hex, signature),
  }
}

async function land<A extends ActName>(
  patient: Patient,
  act: A,
  message: ActMessages[A],
  from: Wallet = anybody,
) {
  const { call } = await signed(patient, act, message)
  const sent = await from.sendTransaction({ to: call.contract, data: call.data, ...FREE })
  expect((await mined(sent)).status).toBe(1)
}

/** What the contract answers to the act: nothing where it takes it, else our code for its refusal. */
async function refusal<A extends ActName>(patient: Patient, act: A, message: ActMessages[A]) {
  const { call } = await signed(patient, act, message)
  try {
    await chain.provider.call({ to: call.contract, data: call.data, from: anybody.address })
    return undefined
  } catch (error) {
    if (!isError(error, 'CALL_EXCEPTION')) throw error
    return errorCodeOfSelector(error.data ?? '')
  }
}

let patients = 0
const deadline = async () => (await chain.blockTime()) + 900
async function boundPatient(): Promise<Patient> {
  const patient = { handle: hash(`patient ${++patients}`), key: Wallet.createRandom() }
  const message = { handle: patient.handle, custodian: custodian.id, deadline: await deadline() }
  await land(patient, 'Bind', message, custodian.wallet)
  return patient
}

async function read({ handle }: Patient) {
  const query = {
    handle,
    scopes: [hash('another'), scopeHash(scope)],
    requester: requester.id,
    groups: [],
  }
  const reading = await reader.read(query)
  const [other, word] = reading.words
  if (!word) throw new Error('no word')
  expect(other).toMatchObject({ state: 'silent', version: 0 })
  return { ...reading, word }
}

async function grantOf({ handle }: Patient, version: number, more: Partial<ActMessages['Grant']> = {}) {
  const day = Math.floor((await chain.blockTime()) / 86_400)
  const period = { from: dateOfDay(day), until: dateOfDay(day + 30), ...NO_FLAGS }
  return { handle, scope, terms, ...period, version, epoch: 0, deadline: await deadline(), ...more }
}

describe('each act that a patient signs lands on its contract, and the word is read as it was meant', () => {
  test('a binding makes the custodian and nobody else the holder', async () => {
    const patient = await boundPatient()
    expect(await read(patient)).toMatchObject({
      bound: true,
      custodian: custodian.id,
      handle: { locked: false, epoch: 0 },
      requester: { live: true },
    })
    expect((await read({ ...patient, handle: hash('nobody') })).bound).toBe(false)
  })

  test('a grant permits from its first to its last day, with its terms and flags, at the time of its block', async () => {
    const patient = await boundPatient()
    const message = await grantOf(patient, 1, { mayBeReferredOn: true, laterMembersToo: true })
    await land(patient, 'Grant', message)
    expect((await read(patient)).word).toEqual({
      state: 'permit',
      version: 1,
      terms: termsKey(termsHash(terms)),
      minedAt: await chain.blockTime(),
      fromDay: dayOfDate(message.from),
      untilDay: dayOfDate(message.until),
      flags: { snapshotOnly: false, mayBeReferredOn: true, needsApproval: false, laterMembersToo: true },
    })
  })

  test('every flag is the one that was signed', async () => {
    for (const name of ['snapshotOnly', 'mayBeReferredOn', 'laterMembersToo']) {
      const patient = await boundPatient()
      await land(patient, 'Grant', await grantOf(patient, 1, { [name]: true }))
      const set = Object.entries((await read(patient)).word.flags).filter(([, on]) => on)
      expect(set).toEqual([[name, true]])
    }
  })

  test('a grant that needs approval does not land without it', async () => {
    const patient = await boundPatient()
    expect(await refusal(patient, 'Grant', await grantOf(patient, 1, { needsApproval: true }))).toBe(
      'typed-data-invalid',
    )
  })

  test('a revocation ends it, and a later grant stands against the same revocation sent again', async () => {
    const patient = await boundPatient()
    const revocation = { handle: patient.handle, scope, upToVersion: 1 }
    await land(patient, 'Grant', await grantOf(patient, 1))
    await land(patient, 'Revocation', revocation)
    expect((await read(patient)).word).toMatchObject({ state: 'silent', version: 2 })
    await land(patient, 'Grant', await grantOf(patient, 3))
    await land(patient, 'Revocation', revocation)
    expect((await read(patient)).word).toMatchObject({ state: 'permit', version: 3 })
  })

  test('a revocation of what is not there yet voids the grant that comes after it', async () => {
    const patient = await boundPatient()
    await land(patient, 'Revocation', { handle: patient.handle, scope, upToVersion: 5 })
    expect(await refusal(patient, 'Grant', await grantOf(patient, 1))).toBe('version-wrong')
    expect((await read(patient)).word).toMatchObject({ state: 'silent', version: 6 })
  })

  test('an objection takes the place of a grant, and its withdrawal leaves silence', async () => {
    const patient = await boundPatient()
    await land(patient, 'Grant', await grantOf(patient, 1))
    await land(patient, 'Objection', { handle: patient.handle, scope, terms, upToVersion: 1 })
    expect((await read(patient)).word).toMatchObject({
      state: 'objection',
      version: 2,
      terms: termsKey(termsHash(terms)),
    })
    const withdrawal = { handle: patient.handle, scope, version: 3, epoch: 0, deadline: await deadline() }
    await land(patient, 'Withdrawal', withdrawal)
    expect((await read(patient)).word).toMatchObject({ state: 'silent', version: 3 })
    expect(await refusal(patient, 'Withdrawal', withdrawal)).toBe('version-wrong')
  })

  test('a lock raises the epoch, an unlocking keeps it', async () => {
    const patient = await boundPatient()
    await land(patient, 'Lock', { handle: patient.handle, upToEpoch: 4 })
    expect((await read(patient)).handle).toMatchObject({ locked: true, epoch: 5 })
    expect(await refusal(patient, 'Grant', await grantOf(patient, 1, { epoch: 5 }))).toBe('epoch-wrong')
    await land(patient, 'Unlock', { handle: patient.handle, epoch: 5, deadline: await deadline() })
    expect((await read(patient)).handle).toMatchObject({ locked: false, epoch: 5 })
  })
})

describe('what the contract refuses is told with a code', () => {
  let patient: Patient
  beforeAll(async () => {
    patient = await boundPatient()
  })

  test('a late deadline', async () => {
    const late = (await chain.blockTime()) - 1
    expect(await refusal(patient, 'Grant', await grantOf(patient, 1, { deadline: late }))).toBe(
      'deadline-passed',
    )
  })
  test('another epoch', async () => {
    expect(await refusal(patient, 'Grant', await grantOf(patient, 1, { epoch: 1 }))).toBe('epoch-wrong')
  })
  test('another version', async () => {
    expect(await refusal(patient, 'Grant', await grantOf(patient, 2))).toBe('version-wrong')
  })
  test('a signer who does not own the handle', async () => {
    const thief = { ...patient, key: Wallet.createRandom() }
    expect(await refusal(thief, 'Grant', await grantOf(patient, 1))).toBe('signer-unknown')
    expect(await refusal(thief, 'Lock', { handle: patient.handle, upToEpoch: 0 })).toBe('signer-unknown')
  })
  test('a handle that nobody has bound', async () => {
    const nobody = { handle: hash('unbound'), key: Wallet.createRandom() }
    expect(await refusal(nobody, 'Grant', await grantOf(nobody, 1))).toBe('handle-unknown')
  })
  test('an unlocking of what is not locked', async () => {
    const message = { handle: patient.handle, epoch: 0, deadline: await deadline() }
    expect(await refusal(patient, 'Unlock', message)).toBe('epoch-wrong')
  })
  test('anything else', () => {
    expect(errorCodeOfSelector('0x')).toBe('typed-data-invalid')
    expect(errorCodeOfSelector('0x12345678')).toBe('typed-data-invalid')
  })
})

describe('a signature', () => {
  test('names its signer, and any change of it, of the act or of the domain names another or none', async () => {
    const patient = await boundPatient()
    const message = { handle: patient.handle, upToEpoch: 0 }
    const { hashed, signature } = await signed(patient, 'Lock', message)
    const own = patient.key.address.toLowerCase()
    expect(signerOf('Lock', domainOf('Lock'), hashed, signature)).toBe(own)
    expect(signerOf('Lock', domainOf('Lock'), { ...hashed, upToEpoch: 1 }, signature)).not.toBe(own)
    expect(signerOf('Lock', { ...domainOf('Lock'), chainId: 1 }, hashed, signature)).not.toBe(own)
    const changed =
      `${signature.slice(0, 10)}${signature[10] === '0' ? '1' : '0'}${signature.slice(11)}` as Hex
    expect(signerOf('Lock', domainOf('Lock'), hashed, changed)).not.toBe(own)
    expect(signerOf('Lock', domainOf('Lock'), hashed, `0x${'00'.repeat(65)}`)).toBeUndefined()
  })

  test('with a recovery byte of 0 or 1, as some devices write it, lands all the same', async () => {
    const patient = await boundPatient()
    const message = { handle: patient.handle, upToEpoch: 0 }
    const { hashed, signature } = await signed(patient, 'Lock', message)
    const v = Number.parseInt(signature.slice(-2), 16) - 27
    const device = `${signature.slice(0, -2)}0${v}` as Hex
    expect(signerOf('Lock', domainOf('Lock'), hashed, device)).toBe(patient.key.address.toLowerCase())
    const call = actCall('Lock', chain.contracts, hashed, patient.key.address as Hex, device)
    await mined(await anybody.sendTransaction({ to: call.contract, data: call.data, ...FREE }))
    expect((await read(patient)).handle.locked).toBe(true)
  })

  test('in its other form, with s in the upper half, is none: neither here nor at the contract', async () => {
    const patient = await boundPatient()
    const { hashed, signature } = await signed(patient, 'Lock', { handle: patient.handle, upToEpoch: 0 })
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const s = (order - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0')
    const v = signature.endsWith('1b') ? '1c' : '1b'
    const high = `${signature.slice(0, 66)}${s}${v}` as Hex
    expect(signerOf('Lock', domainOf('Lock'), hashed, high)).toBeUndefined()
    expect(() => actCall('Lock', chain.contracts, hashed, patient.key.address as Hex, high)).toThrow()
  })
})

test('calldata holds no word of who, why or what', async () => {
  const patient = await boundPatient()
  const { call } = await signed(patient, 'Grant', await grantOf(patient, 1))
  const bytes = Buffer.from(call.data.slice(2), 'hex').toString('latin1')
  for (const clear of ['urn:o|b', 'TREAT', 'Organization', 'problems', 'HIV'])
    expect(bytes).not.toContain(clear)
})

import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import { type HDNodeWallet, isError, keccak256, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { actCall, completeRecoveryCall, overrideCall, signerOf } from '../../src/chain/act-calls.ts'
import { type ConsentReader, createConsentReader } from '../../src/chain/consent-reader.ts'
import { errorCodeOfSelector } from '../../src/chain/contract-errors.ts'
import { MemberRegistry__factory, PatientRegistry__factory } from '../../src/chain/contracts.ts'
import { mined } from '../../src/chain/mined.ts'
import { createNodeRpc, type NodeRpc } from '../../src/chain/node-rpc.ts'
import { termsKey } from '../../src/domain/consent/consent-word.ts'
import { readRights } from '../../src/domain/consent/rights.ts'
import type { SaltedScope } from '../../src/domain/consent/scope.ts'
import type { SaltedTerms } from '../../src/domain/consent/terms.ts'
import {
  type ActMessages,
  type ActName,
  actDomain,
  hashedMessage,
  isForHandle,
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
  const { patientRegistry, consentRegistry } = chain.contracts
  const contract = isForHandle(act) ? patientRegistry : consentRegistry
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

const DAYS = 86_400
const bounds = {
  ...{ mayGrant: true, mayRevoke: true, mayObject: false, mayWithdrawObjections: false },
  ...{ mayLock: true, mayUnlock: false, ...NO_FLAGS, longestDays: 60, scopes: ZERO_32 },
}
const inDays = async (days: number) => dateOfDay(Math.floor((await chain.blockTime()) / DAYS) + days)
const hashOfSigner = (key: HDNodeWallet) => keccak256(key.address) as Hex
const handleOf = async ({ handle }: Patient) => (await read({ handle } as Patient)).handle

describe('each act about who signs lands as it was meant, too', () => {
  const registry = () => PatientRegistry__factory.connect(chain.contracts.patientRegistry, chain.provider)
  const rightsOf = async ({ handle }: Patient, key: HDNodeWallet) =>
    readRights((await registry().rightsOf(handle, hashOfSigner(key))).rights)

  test('a renewal lets a permit last longer and changes nothing else', async () => {
    const patient = await boundPatient()
    await land(patient, 'Grant', await grantOf(patient, 1, { mayBeReferredOn: true }))
    const until = await inDays(200)
    const renewal = { handle: patient.handle, scope, terms, until, version: 2, epoch: 0 }
    await land(patient, 'Renewal', { ...renewal, deadline: await deadline() })
    const { word } = await read(patient)
    expect(word).toMatchObject({ state: 'permit', version: 2, untilDay: dayOfDate(until) })
    expect(word).toMatchObject({ terms: termsKey(termsHash(terms)), flags: { mayBeReferredOn: true } })
    const other = { ...renewal, version: 3, terms: { ...terms, salt: hash('other') } }
    expect(await refusal(patient, 'Renewal', { ...other, deadline: await deadline() })).toBe(
      'typed-data-invalid',
    )
  })

  test('a list of revocations ends every permit that it names', async () => {
    const patient = await boundPatient()
    const second = { ...scope, purpose: 'HPAYMT', salt: hash('second') }
    await land(patient, 'Grant', await grantOf(patient, 1))
    await land(patient, 'Grant', await grantOf(patient, 1, { scope: second }))
    const items = [scope, second].map((one) => ({ scope: one, upToVersion: 2 }))
    await land(patient, 'RevocationList', { handle: patient.handle, items })
    expect((await read(patient)).word).toMatchObject({ state: 'silent', version: 3 })
  })

  test('a delegate has the rights that were signed, acts within them, and has none once they are ended', async () => {
    const patient = await boundPatient()
    const helper = Wallet.createRandom()
    const delegate = hashOfSigner(helper)
    const until = await inDays(90)
    const scopes = StandardMerkleTree.of([[scopeHash(scope)], [hash('another slot')]], ['bytes32'])
    await land(patient, 'Delegation', {
      ...{ handle: patient.handle, delegate, version: 1, epoch: 0, deadline: await deadline() },
      bounds: { ...bounds, until, scopes: scopes.root as Hex },
    })
    expect(await rightsOf(patient, helper)).toEqual({
      ...{
        kind: 'delegate',
        flags: 0,
        longestDays: 60,
        untilDay: dayOfDate(until),
        version: 1,
        scoped: true,
      },
      may: {
        ...{ mayGrant: true, mayRevoke: true, mayObject: false, mayWithdrawObjections: false },
        ...{ mayLock: true, mayUnlock: false },
      },
    })
    const acting = { ...patient, key: helper }
    const message = await grantOf(patient, 1)
    const signature = (await helper.signTypedData(domainOf('Grant'), typesOf('Grant'), message)) as Hex
    const args = [hashedMessage('Grant', message), helper.address as Hex, signature] as const
    const bare = actCall('Grant', chain.contracts, ...args)
    await expect(chain.provider.call({ to: bare.contract, data: bare.data })).rejects.toThrow()
    const proven = actCall('Grant', chain.contracts, ...args, scopes.getProof([scopeHash(scope)]) as Hex[])
    await mined(await anybody.sendTransaction({ to: proven.contract, data: proven.data, ...FREE }))
    expect((await read(patient)).word).toMatchObject({ state: 'permit', version: 1 })
    await land(acting, 'Revocation', { handle: patient.handle, scope, upToVersion: 1 })
    expect(await refusal(acting, 'Objection', { handle: patient.handle, scope, terms, upToVersion: 9 })).toBe(
      'not-within-bounds',
    )
    await land(patient, 'DelegationEnd', { handle: patient.handle, delegate, upToVersion: 1 })
    expect((await rightsOf(patient, helper)).kind).toBe('none')
    expect(await refusal(acting, 'Lock', { handle: patient.handle, upToEpoch: 0 })).toBe('signer-unknown')
  })

  test('emergency access is switched off at once, and on at exactly the next version', async () => {
    const patient = await boundPatient()
    const { handle } = patient
    await land(patient, 'BreakGlassOff', { handle, upToVersion: 0 })
    expect(await handleOf(patient)).toMatchObject({ breakGlassOff: true, breakGlassVersion: 1 })
    const on = { handle, version: 2, epoch: 0, deadline: await deadline() }
    await land(patient, 'BreakGlassOn', on)
    expect(await handleOf(patient)).toMatchObject({ breakGlassOff: false, breakGlassVersion: 2 })
    expect(await refusal(patient, 'BreakGlassOn', on)).toBe('version-wrong')
  })

  test('a guardian is bound until the end of a quarter, and of nothing else', async () => {
    const patient = { handle: hash(`patient ${++patients}`), key: Wallet.createRandom() }
    const year = new Date((await chain.blockTime()) * 1_000).getUTCFullYear() + 1
    const bind = { handle: patient.handle, custodian: custodian.id, deadline: await deadline() }
    await land(patient, 'BindGuardian', { ...bind, until: `${year}-06-30` }, custodian.wallet)
    expect(await rightsOf(patient, patient.key)).toMatchObject({
      kind: 'guardian',
      untilDay: dayOfDate(`${year}-06-30`),
    })
  })

  test('a recovery is vetoed by the old key, overridden by two registrars, and completed after seven days', async () => {
    const patient = await boundPatient()
    const { handle } = patient
    await land(patient, 'Grant', await grantOf(patient, 1))
    const next = { handle, key: Wallet.createRandom() }
    const proof = async (attempt: number) => ({
      ...{ handle, custodian: custodian.id, attempt, until: '', deadline: await deadline() },
    })
    await land(next, 'Recovery', await proof(1), custodian.wallet)
    expect(await handleOf(patient)).toMatchObject({ recovery: 1 })
    expect((await rightsOf(patient, next.key)).kind).toBe('candidate')
    expect(await refusal(patient, 'Grant', await grantOf(patient, 2))).toBe('recovery-pending')
    await land(patient, 'RecoveryVeto', { handle, attempt: 1 })
    expect(await handleOf(patient)).toMatchObject({ recovery: 2 })

    const second = Wallet.createRandom(chain.provider)
    const members = MemberRegistry__factory.connect(chain.contracts.memberRegistry, custodian.wallet)
    await mined(await members.setOperator(second.address, true, FREE))
    const message = await proof(2)
    const { hashed, signature } = await signed(next, 'Recovery', message)
    const over = overrideCall(chain.contracts, hashed, next.key.address as Hex, signature)
    for (const registrar of [custodian.wallet, second])
      await mined(await registrar.sendTransaction({ to: over.contract, data: over.data, ...FREE }))
    expect(await handleOf(patient)).toMatchObject({ recovery: 3 })

    await chain.provider.send('evm_increaseTime', [7 * DAYS])
    await chain.provider.send('evm_mine', [])
    const complete = completeRecoveryCall(chain.contracts, handle)
    await mined(await anybody.sendTransaction({ to: complete.contract, data: complete.data, ...FREE }))
    const after = await handleOf(patient)
    expect(after).toMatchObject({ recovery: 0, epoch: 1 })
    const { word } = await read(patient)
    expect(word.minedAt).toBeGreaterThanOrEqual(after.suspended?.from ?? Number.POSITIVE_INFINITY)
    expect((await rightsOf(patient, patient.key)).kind).toBe('none')
    expect((await rightsOf(patient, next.key)).kind).toBe('owner')
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

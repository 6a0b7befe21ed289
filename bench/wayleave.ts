import { concat, id } from 'ethers'
import { actCall, grantStruct } from '../src/chain/act-calls.ts'
import {
  AccessLog__factory,
  ConsentRegistry__factory,
  PatientRegistry__factory,
  RecordDirectory__factory,
} from '../src/chain/contracts.ts'
import type { Chamber } from '../src/chain/council.ts'
import { deployContracts } from '../src/chain/deploy.ts'
import {
  type ActName,
  actDomain,
  DOMAIN_NAME,
  digestOfHashed,
  type HashedMessage,
} from '../src/domain/consent/typed-data.ts'
import { dateOfDay } from '../src/domain/days.ts'
import type { Hex } from '../src/domain/hex.ts'
import { SANDBOX_CHAIN_ID } from '../src/sandbox/anvil.ts'
import { ALL_ROLES } from '../src/sandbox/council.ts'
import { BENCH_TIME, type BenchChain, DEADLINE, TODAY } from './chain.ts'
import { createBenchPasskey } from './passkey.ts'

const hash = (text: string) => id(text) as Hex

/** Our contracts on a chain, with a custodian and a patient, and the means to send what they sign. */
export async function createBenchWorld(chain: BenchChain) {
  const deployer = chain.wallet('council')
  const custodian = chain.wallet('custodian')
  const seat = (chamber: Chamber) => ({ chamber, holder: chain.wallet(chamber).address })
  const { contracts } = await deployContracts(deployer, {
    seats: [seat('providers'), seat('regulators'), seat('advocates')],
    members: [{ id: hash('custodian'), roles: ALL_ROLES, operator: custodian.address, profile: '{}' }],
  })
  const patient = chain.wallet('patient')
  const relayer = chain.wallet('relayer')
  await chain.send(deployer, relayer.address, '0x')

  const signed = (act: ActName, message: HashedMessage) => {
    const patientAct = DOMAIN_NAME[act] === 'Wayleave Patients'
    const contract = (patientAct ? contracts.patientRegistry : contracts.consentRegistry) as Hex
    const domain = actDomain(act, SANDBOX_CHAIN_ID, contract)
    const signature = patient.signingKey.sign(digestOfHashed(act, domain, message)).serialized as Hex
    return actCall(act, contracts, message, patient.address as Hex, signature)
  }
  return {
    chain,
    contracts,
    custodian,
    patient,
    relayer,
    hash,
    /** The call that carries an act of the patient. */
    signed,
    /** Gas of an act signed by the patient and sent by the relayer, or by the custodian for a binding. */
    act: async (act: ActName, message: HashedMessage): Promise<number> => {
      const { contract, data } = signed(act, message)
      return chain.gasOf(act === 'Bind' ? custodian : relayer, contract, data)
    },
    /** A grant for a year. */
    grant: (handle: Hex, scope: string, version: number): HashedMessage => ({
      handle,
      scope: hash(scope),
      terms: hash(`terms of ${scope}`),
      from: dateOfDay(TODAY),
      until: dateOfDay(TODAY + 365),
      ...{ snapshotOnly: false, mayBeReferredOn: false, needsApproval: false, laterMembersToo: false },
      version,
      epoch: 0,
      deadline: DEADLINE,
    }),
  }
}

/** Gas of grants by passkey, where the chain has the precompile for P-256 and where it has not. */
export type Passkeys = {
  precompile: { first: number; again: number }
  without: { first: number; again: number }
}

/**
 * Gas of grants by a passkey (WebAuthn, P-256), bound to a handle of its own: first in its slot, and again.
 * With the precompile of EIP-7951 or without, as the chain's rules have it.
 */
export async function measurePasskey(world: BenchWorld): Promise<{ first: number; again: number }> {
  const { chain, contracts, custodian, relayer, grant } = world
  const passkey = createBenchPasskey(contracts.passkeyVerifier)
  const handle = hash('handle of a passkey')
  const digest = (act: ActName, contract: string, message: HashedMessage) =>
    digestOfHashed(act, actDomain(act, SANDBOX_CHAIN_ID, contract as Hex), message)
  const binding = { handle, custodian: hash('custodian'), deadline: DEADLINE }
  const bound = passkey.sign(digest('Bind', contracts.patientRegistry, binding))
  const bind = PatientRegistry__factory.createInterface().encodeFunctionData('bind', [
    handle,
    DEADLINE,
    passkey.signer,
    bound,
  ])
  await chain.send(custodian, contracts.patientRegistry, bind)
  const granting = (version: number) => {
    const message = grant(handle, 'scope', version)
    const signature = passkey.sign(digest('Grant', contracts.consentRegistry, message))
    const calls = ConsentRegistry__factory.createInterface()
    const data = calls.encodeFunctionData('grant', [grantStruct(message), passkey.signer, signature])
    return chain.gasOf(relayer, contracts.consentRegistry, data)
  }
  return { first: await granting(1), again: await granting(2) }
}

export type BenchWorld = Awaited<ReturnType<typeof createBenchWorld>>

/** Gas of each operation; per item where the name says so. */
export type WayleaveGas = {
  bind: number
  grantFirst: number
  grantAgain: number
  revoke: number
  revokeUnchanged: number
  object: number
  withdraw: number
  lock: number
  unlock: number
  pointer: number
  pointerOf100: number
  windowFirst: number
  window: number
}

/** Sends each operation as whole transactions, in the order in which a hospital would. */
export async function measureWayleave(world: BenchWorld): Promise<WayleaveGas> {
  const { act, grant } = world
  const handle = hash('handle')
  const scope = hash('scope')
  const bind = await act('Bind', { handle, custodian: hash('custodian'), deadline: DEADLINE })
  const grantFirst = await act('Grant', grant(handle, 'scope', 1))
  const grantAgain = await act('Grant', grant(handle, 'scope', 2))
  const revoke = await act('Revocation', { handle, scope, upToVersion: 2 })
  const revokeUnchanged = await act('Revocation', { handle, scope, upToVersion: 2 })
  const object = await act('Objection', { handle, scope, terms: hash('terms'), upToVersion: 3 })
  const withdraw = await act('Withdrawal', { handle, scope, version: 5, epoch: 0, deadline: DEADLINE })
  const lock = await act('Lock', { handle, upToEpoch: 0 })
  const unlock = await act('Unlock', { handle, epoch: 1, deadline: DEADLINE })
  return {
    bind,
    grantFirst,
    grantAgain,
    revoke,
    revokeUnchanged,
    object,
    withdraw,
    lock,
    unlock,
    pointer: await registering(world, 'one', 1),
    pointerOf100: Math.round((await registering(world, 'hundred', 100)) / 100),
    windowFirst: await anchoring(world, 1),
    window: await anchoring(world, 2),
  }
}

/** Sealed bytes have hardly a zero among them, so these are hashes. */
function registering(
  { chain, contracts, custodian }: BenchWorld,
  what: string,
  count: number,
): Promise<number> {
  const numbers = Array.from({ length: count }, (_, i) => `${what} ${i}`)
  const pointers = numbers.flatMap((n) => Array.from({ length: 5 }, (_, part) => id(`pointer ${n} ${part}`)))
  const data = RecordDirectory__factory.createInterface().encodeFunctionData('register', [
    numbers.map((n) => id(`tag ${n}`)),
    numbers.map((n) => id(`commitment ${n}`)),
    concat(pointers),
  ])
  return chain.gasOf(custodian, contracts.recordDirectory, data)
}

function anchoring({ chain, contracts, custodian }: BenchWorld, number: number): Promise<number> {
  const args = [number, BENCH_TIME - 60 + number, id(`root ${number}`)] as const
  const data = AccessLog__factory.createInterface().encodeFunctionData('anchor', [...args])
  return chain.gasOf(custodian, contracts.accessLog, data)
}

/** The private key of a name, the same in every run. Worth nothing. */
export const benchKey = (name: string): Hex => hash(`Wayleave bench: ${name}`)

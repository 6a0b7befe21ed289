import { keccak256, Wallet } from 'ethers'
import { actCall } from '../../src/chain/act-calls.ts'
import { ConsentRegistry__factory, PatientRegistry__factory } from '../../src/chain/contracts.ts'
import { readConsentWord, readHandleWord } from '../../src/domain/consent/consent-word.ts'
import type { SignedAct } from '../../src/domain/consent/read-signed-act.ts'
import { type ActName, hashedMessage, type TypedData } from '../../src/domain/consent/typed-data.ts'
import type { Hex } from '../../src/domain/hex.ts'
import type { Party } from '../../src/patient/acts.ts'
import type { PatientClient } from '../../src/patient/client.ts'
import { childKey } from '../../src/patient/seed.ts'
import { signAct } from '../../src/patient/sign.ts'
import { type Answer, answerOf } from '../../src/sandbox/his-client.ts'
import { condition, observation, patient, somebody } from './samples.ts'
import { eventually, type TestHospital, type World } from './world.ts'

/** What the patient's own key receives at sign-in. */
export async function ownSecrets(client: PatientClient) {
  const { handle, scopeSecret } = await client.signIn()
  if (!scopeSecret) throw new Error('not the own key')
  return { handle, scopeSecret }
}

export const EVERYONE: Party = { granteeType: 'Everyone', grantee: '' }
export const groupOf = (grantee: string): Party => ({ granteeType: 'Group', grantee })

export function partyOf({ config: { identifier } }: TestHospital): Party {
  return { granteeType: 'Organization', grantee: `${identifier.system}|${identifier.value}` }
}

/** A person with a problem, a sensitive problem and a measurement: `NAME-c1`, `NAME-c2` (HIV) and `NAME-o1`. */
export async function admit(hospital: TestHospital, name: string, n: number) {
  const nationalId = somebody(n)
  await hospital.put(patient(name, nationalId))
  await hospital.put(condition(`${name}-c1`, name, 'Hypertension'))
  await hospital.put(condition(`${name}-c2`, name, 'HIV infection', '86406008'))
  await hospital.put(observation(`${name}-o1`, name, 72))
  return nationalId
}

/** Posts to a broker whatever a test has made of a signed act. */
export async function relay(
  hospital: TestHospital,
  form: unknown,
): Promise<Answer<{ receipt?: { counts?: string } }>> {
  const body = JSON.stringify(form)
  return answerOf(
    await fetch(`${hospital.broker.base}/relay`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    }),
  )
}

/** Signs an act as the device with these words would, whatever it says. */
export const signedBy = <A extends ActName>(words: string, hospital: TestHospital, data: TypedData<A>) =>
  signAct(childKey(words, hospital.member).privateKey, data)

/** Brings a signed act to the chain past every broker, from an account that nobody has seen; the mined status. */
export async function submit(world: World, signed: SignedAct): Promise<boolean> {
  const { primaryType, message } = signed.typedData
  const call = actCall(
    primaryType,
    world.chain.contracts,
    hashedMessage(primaryType, message),
    signed.signer,
    signed.signature,
  )
  const wallet = Wallet.createRandom(world.provider)
  const fees = { maxFeePerGas: 0, maxPriorityFeePerGas: 0, gasLimit: 300_000 }
  const sent = await wallet.sendTransaction({ to: call.contract, data: call.data, ...fees })
  for (;;) {
    const receipt = await world.provider.getTransactionReceipt(sent.hash)
    if (receipt) return receipt.status === 1
    await new Promise((done) => setTimeout(done, 20))
  }
}

/** What the chain itself says of a slot. */
export async function wordOf({ provider, chain }: World, handle: Hex, scope: Hex) {
  return readConsentWord(
    await ConsentRegistry__factory.connect(chain.contracts.consentRegistry, provider).wordOf(handle, scope),
  )
}

/** What the chain itself says of a handle. */
export async function handleWordOf({ provider, chain }: World, handle: Hex) {
  const { word } = await PatientRegistry__factory.connect(
    chain.contracts.patientRegistry,
    provider,
  ).handleState(handle)
  return readHandleWord(word)
}

/** Waits until a hospital's index holds all that is on the chain now. */
export async function indexed({ provider }: World, { broker }: TestHospital): Promise<void> {
  const block = await provider.getBlockNumber()
  await eventually(async () => {
    const ready = (await (await fetch(`${broker.base}/ready`)).json()) as { indexed: number }
    return ready.indexed >= block
  })
}

/**
 * While `work` runs, the nodes take every transaction of a broker and none is mined, as where validators censor; heads
 * stay fresh. Then all of them are. Brokers whose node has no front are not held.
 */
export async function unmined<T>({ provider, hospitals }: World, work: () => Promise<T>): Promise<T> {
  const held = new Set<string>()
  for (const { chainFront } of hospitals) {
    if (!chainFront) continue
    chainFront.behave = async ({ body }, forward) => {
      const { id, method, params } = JSON.parse(body.toString()) as {
        id: number
        method: string
        params: [string]
      }
      if (method !== 'eth_sendRawTransaction') return forward()
      held.add(params[0])
      const answer = JSON.stringify({ jsonrpc: '2.0', id, result: keccak256(params[0]) })
      return { status: 200, headers: { 'content-type': 'application/json' }, body: answer }
    }
  }
  try {
    return await work()
  } finally {
    for (const { chainFront } of hospitals) if (chainFront) chainFront.behave = undefined
    // What a broker sent again meanwhile is refused as a double.
    for (const raw of held) await provider.send('eth_sendRawTransaction', [raw]).catch(() => undefined)
  }
}

/** Days pass for the chain and every hospital alike. */
export async function passDays({ provider, hospitals }: World, days: number): Promise<void> {
  await provider.send('evm_increaseTime', [days * 86_400])
  await provider.send('evm_mine', [])
  for (const { clock } of hospitals) clock.advance(days * 86_400_000)
}

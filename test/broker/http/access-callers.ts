import { generateProof, type KeyPair } from 'dpop'
import { generateKeyPair, importJWK } from 'jose'
import { OPERATOR } from '../../../src/broker/index.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { issueToken } from '../../../src/exchange/access-token.ts'
import { ASSERTION_TYPE, makeClientAssertion } from '../../../src/exchange/client-assertion.ts'
import { childKey } from '../../../src/patient/seed.ts'
import { signSignIn } from '../../../src/patient/sign.ts'
import { createHisClient } from '../../../src/sandbox/his-client.ts'
import { createAsker } from '../../support/asker.ts'
import { operatorAt, staffAt } from '../../support/console-client.ts'
import { officeOf } from '../../support/office.ts'
import type { TestHospital, World } from '../../support/world.ts'
import type { CallerName, Place } from './access-table.ts'

/** What a caller sends to prove who it is, for one request. */
export type Credential = (method: string, url: string) => Promise<Record<string, string>>

const bearer =
  (token: string): Credential =>
  async () => ({ authorization: `Bearer ${token}` })

/** As a browser does it whose page is the console's own. */
const atConsole =
  ({ cookie = '', origin }: { cookie: string | undefined; origin: string }): Credential =>
  async (method) => ({ cookie, ...(method === 'GET' ? {} : { origin, 'x-wayleave-console': '1' }) })

/** Proofs are made for what is asked, as by whoever holds this key. */
const bound =
  (token: string, key: KeyPair): Credential =>
  async (method, url) => ({
    authorization: `DPoP ${token}`,
    dpop: await generateProof(key, url, method, undefined, token),
  })

/**
 * Everybody who may come to the broker of a hospital, with what that broker gave them.
 * @param other the member that asks it for records
 * @param words of the two patients
 */
export async function callersOf(
  world: World,
  [hospital, other]: readonly [TestHospital, TestHospital],
  { tag, reference }: Place,
  words: { patient: string; another: string },
): Promise<Record<CallerName, Credential>> {
  const admin = createHisClient({
    broker: hospital.broker.base,
    client: hospital.files.admin,
    organization: hospital.config.identifier,
    user: { id: 'op-1', name: 'Operator One', role: 'operator' },
    now: () => hospital.clock.now(),
  })
  const asker = await createAsker(other, hospital)
  const tokenFor = async (scope: string) => {
    const { body, status } = await asker.token(tag as Hex, { body: { scope } })
    if (!body.access_token) throw new Error(`no token for a member: ${status}`)
    return body.access_token
  }
  const [record, share] = [await tokenFor(`record:${tag}`), await tokenFor(`share:${reference}`)]
  const auditor = await staffAt(hospital, 'auditor', 'Auditor One')
  const officer = await staffAt(hospital, 'compliance', 'Officer One')
  const former = await staffAt(hospital, 'compliance', 'Officer Two')
  await operatorAt(hospital)('DELETE', `/operator/console/people/${former.id}`)
  const thief = (await generateKeyPair('ES256', { extractable: true })) as KeyPair
  return {
    nobody: async () => ({}),
    HIS: bearer(await hospital.his.token('TREAT')),
    registrar: bearer(await officeOf(hospital, 'clerk-1').his.token('PATADMIN')),
    auditor: bearer(await hospital.auditor.token('HCOMPL')),
    'client administrator': bearer(await admin.token('PATADMIN')),
    operator: bearer(await operatorToken(hospital)),
    'removed program': bearer(await removedProgram(hospital, admin)),
    'expired token': bearer(await expiredToken(hospital)),
    'auditor at the console': atConsole(auditor),
    'compliance at the console': atConsole(officer),
    'removed from the console': atConsole(former),
    patient: bearer(await sessionOf(world, hospital, words.patient)),
    'another patient': bearer(await sessionOf(world, hospital, words.another)),
    'member for a record': bound(record, asker.own),
    'member for a record, by another key': bound(record, thief),
    'member for a share': bound(share, asker.own),
    'member for a share, by another key': bound(share, thief),
  }
}

/** As `wayleave reconcile` gets it, with the broker's own key file. */
async function operatorToken(hospital: TestHospital): Promise<string> {
  const { signing } = hospital.files.keyring
  const audience = `${hospital.broker.base}/auth/token`
  const assertion = await makeClientAssertion({
    ...{ audience, clientId: OPERATOR, kid: signing.kid ?? '', alg: 'ES256' },
    key: (await importJWK(signing, 'ES256')) as CryptoKey,
    nowMs: hospital.clock.now(),
  })
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'system/operator',
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: assertion,
  })
  const answer = await fetch(audience, { method: 'POST', body })
  const { access_token } = (await answer.json()) as { access_token?: string }
  if (!access_token) throw new Error(`no token for the operator: ${answer.status}`)
  return access_token
}

/** Every scope that a program can be registered with, by the name of who holds it in this test. */
const ALL_SCOPES = (hospital: TestHospital) => [
  ...hospital.files.his.scopes,
  ...hospital.files.auditor.scopes.filter((scope) => scope !== 'system/reidentify'),
  ...(hospital.files.registrars[0]?.scopes ?? []),
]

/** A program that could do everything, until it was removed; its token would still be good for minutes. */
async function removedProgram(
  hospital: TestHospital,
  admin: ReturnType<typeof createHisClient>,
): Promise<string> {
  const { d: _private, ...publicKey } = hospital.files.his.jwk
  const made = await admin.manage<{ client_id: string }>('POST', '/auth/clients', {
    client_name: 'Old program',
    scope: ALL_SCOPES(hospital).join(' '),
    jwks: { keys: [publicKey] },
  })
  const id = made.body.client_id
  const program = createHisClient({
    broker: hospital.broker.base,
    client: { clientId: id, jwk: hospital.files.his.jwk, scopes: ALL_SCOPES(hospital) },
    organization: hospital.config.identifier,
    user: { id: 'dr-1', name: 'Dr One', role: 'physician' },
    now: () => hospital.clock.now(),
  })
  const token = await program.token('TREAT')
  const { status } = await admin.manage('DELETE', `/auth/clients/${id}`)
  if (status !== 204) throw new Error(`the program was not removed: ${status}`)
  return token
}

/** What the broker gave its HIS an hour ago, for everything. */
async function expiredToken(hospital: TestHospital): Promise<string> {
  const { signing } = hospital.files.keyring
  const key = (await importJWK(signing, 'ES256')) as CryptoKey
  const keys = { privateKey: key, publicKey: key, kid: signing.kid ?? '', issuer: hospital.member }
  const asker = {
    ...{ userId: 'dr-1', role: 'physician', purpose: 'TREAT' },
    organization: identifierText(hospital.config.identifier),
  }
  const more = [...hospital.files.admin.scopes, ...hospital.files.auditor.scopes, 'system/operator']
  const scopes = [...ALL_SCOPES(hospital), ...more]
  const grant = { kind: 'his', clientId: hospital.files.his.clientId, scopes, asker } as const
  return (await issueToken(keys, grant, hospital.clock.now() - 3_600_000)).token
}

export async function sessionOf(world: World, hospital: TestHospital, words: string): Promise<string> {
  const key = childKey(words, hospital.member)
  const post = async (path: string, body: unknown) => {
    const answer = await fetch(`${hospital.broker.base}/patient/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return (await answer.json()) as { nonce?: string; origin?: string; session?: string }
  }
  const { nonce = '', origin = '' } = await post('challenge', { signer: key.signer })
  const signature = await signSignIn(key.privateKey, world.chain.chainId, { origin, nonce } as never)
  const { session } = await post('session', { signer: key.signer, nonce, signature })
  if (!session) throw new Error('no session for a patient')
  return session
}

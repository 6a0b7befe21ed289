import { importJWK, type JWK } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifyRegistered } from '../../../src/broker/receive/registered-signature.ts'
import { publishProfile } from '../../../src/chain/member-profile.ts'
import { type Hex, toHex } from '../../../src/domain/hex.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { signRecord } from '../../../src/exchange/record-signature.ts'
import { createIndexQueries } from '../../../src/indexer/index.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import {
  createSigningKey,
  type Keyring,
  publicJwks,
  publicPart,
  renewSigning,
  replaceSigning,
} from '../../../src/store/keyring.ts'
import { createAsker } from '../../support/asker.ts'
import { insideOf, refusedAt } from '../../support/inside.ts'
import { ANNA, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
/** What B's HIS calls A's records, the first and whatever came after it. */
let records: string[]

const granted = () => ({
  to: { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) },
  purpose: 'TREAT',
})
const listed = async () => {
  const { body } = await b.his.list(ANNA, 'TREAT')
  return (body.entry ?? []).map(({ resource }) => resource?.id ?? '')
}

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
  anna = await world.enrol(a, ANNA)
  await anna.grant({ ...granted(), classes: ['problems'] })
  records = await eventually(async () => ((await listed()).length === 1 ? listed() : undefined))
}, 60_000)
afterAll(() => world?.close())

/** What a hospital's key file holds from its next start on. */
async function restartWith(hospital: TestHospital, keyring: Keyring): Promise<void> {
  await hospital.stop()
  hospital.files.keyring = keyring
  await hospital.start()
}
/** Waits until B's index has what A publishes. */
const known = (signing: JWK) =>
  eventually(async () => {
    const profile = await createIndexQueries(insideOf(b).index()).profile(a.member)
    return profile?.jwks.keys.some(({ kid }) => kid === signing.kid)
  })
const trailOfB = async (from: number) => (await insideOf(b).trail()).slice(from).filter(({ chain }) => !chain)

test('a signing key is renewed while others read: the next one is published first, and no read is wrong', async () => {
  const [first] = records as [string]
  const former = a.files.keyring.signing
  let reading = true
  const codes = new Set<string>()
  const reads = (async () => {
    while (reading) {
      const { status, code } = await b.his.open(first, 'TREAT')
      codes.add(`${status} ${code ?? ''}`.trim())
    }
  })()
  const before = (await insideOf(b).trail()).length
  for (const kids of [2, 2, 1]) {
    await restartWith(a, await renewSigning(a.files.keyring))
    const { keys } = publicJwks(a.files.keyring)
    expect(keys.filter(({ use }) => use === 'sig')).toHaveLength(kids)
    await known(a.files.keyring.nextSigning ?? a.files.keyring.signing)
    expect((await b.his.open(first, 'TREAT')).status).toBe(200)
  }
  reading = false
  await reads
  expect(a.files.keyring.signing.kid).not.toBe(former.kid)
  // While A starts it does not answer; nothing else goes wrong.
  codes.delete('504 peer-unavailable')
  expect([...codes]).toEqual(['200'])
  expect((await trailOfB(before)).filter(({ kind }) => kind === 'alarm')).toEqual([])
}, 60_000)

test('a record registered under a key that is retired since still verifies, and so does the next one', async () => {
  await restartWith(a, await replaceSigning(a.files.keyring))
  await known(a.files.keyring.signing)
  await a.put(condition('c2', 'anna', 'Asthma'))
  await a.settled()
  records = await eventually(async () => ((await listed()).length === 2 ? listed() : undefined))
  for (const record of records) expect((await b.his.open(record, 'TREAT')).status).toBe(200)
}, 60_000)

test('an answer and an assertion under a key that was taken back meanwhile are worth nothing: an alarm, and no record', async () => {
  const profile = await createIndexQueries(insideOf(b).index()).profile(a.member)
  const { id: _, ...before } = profile as NonNullable<typeof profile>
  const other = await createSigningKey()
  const publish = async (keys: JWK[]) => {
    await publishProfile({
      ...{ db: insideOf(a).db(), clock: a.clock, contracts: a.config.chain.contracts as never },
      ...{ member: a.member, profile: { ...before, jwks: { keys } }, known: undefined },
    })
    await known(keys[0] as JWK)
  }
  const own = publicJwks(a.files.keyring).keys
  await publish([publicPart(other), ...own.filter(({ use }) => use === 'enc')])
  const seen = (await insideOf(b).trail()).length
  const answer = await b.his.open(records[0] ?? '', 'TREAT')
  expect(answer).toMatchObject({ status: 502, code: 'response-invalid' })
  expect(await trailOfB(seen)).toMatchObject([{ kind: 'alarm', reason: 'signature-invalid' }])
  // A asks B under the same key.
  const asker = await createAsker(a, b)
  const refused = await refusedAt(b, undefined, () => asker.token(toHex(Buffer.alloc(32, 1))))
  expect(refused.answer).toMatchObject({ status: 401, code: 'assertion-invalid' })
  await publish(own)
  expect((await b.his.open(records[0] ?? '', 'TREAT')).status).toBe(200)
})

test('what waits for another member under a key that was taken back is said anew: nothing is lost', async () => {
  await b.stop()
  await anna.revoke(granted())
  await anna.grant({ ...granted(), purpose: 'HPAYMT', classes: ['problems'] })
  const waiting = () =>
    insideOf(a)
      .db()
      .selectFrom('exchange_outbox')
      .select('signed_by')
      .where('delivered_at', 'is', null)
      .execute()
  await eventually(async () => (await waiting()).length >= 2)
  await restartWith(a, await replaceSigning(a.files.keyring))
  await eventually(async () => (await waiting()).length >= 2)
  expect(new Set((await waiting()).map((row) => row.signed_by))).toEqual(
    new Set([a.files.keyring.signing.kid]),
  )
  await b.start()
  await eventually(async () => (await b.his.list(ANNA, 'HPAYMT')).body.total === 2)
  // The two messages arrive in whatever order.
  await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.total === 0)
  await eventually(async () => (await waiting()).length === 0)
}, 60_000)

test('a record signed by a key that was published only after it was registered, and retired since, does not verify', async () => {
  const [early, late, present] = [
    await createSigningKey(),
    await createSigningKey(),
    await createSigningKey(),
  ]
  const tag = toHex(Buffer.alloc(32, 2))
  const statement = {
    ...{ chainId: 1, directory: `0x${'d'.repeat(40)}` as Hex, custodian: a.member },
    commitment: toHex(Buffer.alloc(32, 3)),
  }
  const history = [
    { block: 10, key: early },
    { block: 20, key: late },
    { block: 30, key: present },
  ]
  const index = {
    pointer: async () => ({ commitment: statement.commitment, pointer: new Uint8Array(), block: 15 }),
    keysPublishedBy: async (_: Hex, block: number) => ({
      keys: history.filter((profile) => profile.block <= block).map(({ key }) => publicPart(key) as never),
    }),
  }
  const verified = async (key: JWK) => {
    const jws = await signRecord((await importJWK(key, 'ES256')) as CryptoKey, key.kid ?? '', statement)
    await verifyRegistered(index, { keys: [publicPart(present)] }, jws, tag, statement)
    return true
  }
  expect([await verified(early), await verified(present)]).toEqual([true, true])
  await expect(verified(late)).rejects.toMatchObject({ code: 'signature-invalid' })
})

import { Wallet } from 'ethers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MemberRegistry__factory } from '../../../src/chain/contracts.ts'
import { mined } from '../../../src/chain/mined.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { publicJwks } from '../../../src/store/keyring.ts'
import { createAsker } from '../../support/asker.ts'
import { insideOf, refusedAt } from '../../support/inside.ts'
import { ANNA, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let c: TestHospital

beforeAll(async () => {
  // Windows far apart: C's own transactions would take the numbers of those that the test sends in its name.
  world = await createWorld({ hospitals: 3, windowMs: 30_000 })
  ;[a, b, c] = world.hospitals as [TestHospital, TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
  const anna = await world.enrol(a, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.total === 1)
}, 60_000)

afterAll(() => world?.close())

/** C publishes whatever profile it likes, and A's index has it. */
async function publish(profile: unknown): Promise<void> {
  const wallet = new Wallet(c.files.keyring.operator, world.provider)
  const registry = MemberRegistry__factory.connect(world.chain.contracts.memberRegistry, wallet)
  const free = {
    maxFeePerGas: 0,
    maxPriorityFeePerGas: 0,
    nonce: await world.provider.getTransactionCount(wallet.address),
  }
  const receipt = await mined(await registry.setProfile(JSON.stringify(profile), free))
  await eventually(async () => {
    const { indexed } = (await (await fetch(`${a.broker.base}/ready`)).json()) as { indexed: number }
    return indexed >= receipt.blockNumber
  })
}

const own = () => ({
  name: c.config.name,
  identifier: c.config.identifier,
  endpoint: c.broker.base,
  jwks: publicJwks(c.files.keyring),
})

test('a member without consent is refused under its own name', async () => {
  const asker = await createAsker(c, a)
  const tag = await insideOf(a).tagOf('Condition', 'c1')
  const { answer } = await refusedAt(a, 'no-consent', () => asker.fetch(tag))
  expect(answer).toMatchObject({ status: 404, code: 'not-available' })
})

test('a member that publishes the identifier of another gets nothing of what the other may see', async () => {
  await publish({ ...own(), name: b.config.name, identifier: b.config.identifier })
  const asker = await createAsker(c, a)
  const tag = await insideOf(a).tagOf('Condition', 'c1')
  const { answer } = await refusedAt(a, undefined, () => asker.fetch(tag))
  expect(answer.status).toBeGreaterThanOrEqual(400)
  // Nor is it told where the records are.
  expect((await c.his.list(ANNA, 'TREAT')).body.total).toBe(0)
})

test('a member that publishes nonsense is a member without a profile, and keeps nobody else from theirs', async () => {
  for (const profile of [
    {},
    null,
    'B',
    { ...own(), jwks: undefined },
    { ...own(), endpoint: 'file:///etc/passwd' },
  ]) {
    await publish(profile)
    const asker = await createAsker(c, a)
    expect((await asker.token(await insideOf(a).tagOf('Condition', 'c1'))).code).toBe('assertion-invalid')
  }
  expect((await b.his.list(ANNA, 'TREAT')).body.total).toBe(1)
  await publish(own())
  const asker = await createAsker(c, a)
  expect((await asker.token(await insideOf(a).tagOf('Condition', 'c1'))).code).toBe('not-available')
})

test('a member that names another as asker in its own assertion is refused for that', async () => {
  const asker = await createAsker(c, a)
  const assertion = await asker.assertion({
    asker: { ...asker.who, organization: identifierText(b.config.identifier) },
  })
  const tag = await insideOf(a).tagOf('Condition', 'c1')
  const { answer } = await refusedAt(a, undefined, () => asker.token(tag, { assertion }))
  expect(answer).toMatchObject({ status: 400, code: 'user-missing' })
})

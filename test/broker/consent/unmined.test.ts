import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import { slotOf } from '../../../src/patient/acts.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { publicJwks } from '../../../src/store/keyring.ts'
import {
  admit,
  EVERYONE,
  handleWordOf,
  ownSecrets,
  partyOf,
  relay,
  unmined,
  wordOf,
} from '../../support/acts.ts'
import { createAsker } from '../../support/asker.ts'
import { insideOf, refusedAt } from '../../support/inside.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

// I5: what the patient signed to narrow counts from the moment that the custodian's broker has it. In each of these the
// act is kept off the chain, which goes on saying "permit".

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
let ANNA: Identifier
let record = 'none'

const slot = () => ({ to: partyOf(b), purpose: 'TREAT' })
const open = () => b.his.open(record, 'TREAT')

/** The patient's device reaches only the broker of B, whose access it ends and which passes on what it cannot read. */
const viaB = () => ({ base: b.broker.base, custodianKeys: publicJwks(a.files.keyring) })

async function word() {
  const { handle, scopeSecret } = await ownSecrets(anna)
  return wordOf(world, handle, slotOf(scopeSecret, partyOf(b), 'TREAT').hash)
}

async function isRefused(reason: string) {
  const { answer } = await refusedAt(a, reason, open)
  expect([answer.status, answer.code]).toEqual([404, 'not-available'])
}

/** Grants anew and waits until the record can be opened. */
async function opened() {
  await anna.grant({ ...slot(), classes: ['problems'] })
  // The share of a consent that has just ended may still be there for a moment.
  await eventually(async () => {
    record = (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id ?? record
    return (await open()).status === 200
  })
}

beforeAll(async () => {
  world = await createWorld({ fronts: { chain: ['a', 'b'] } })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  ANNA = await admit(a, 'anna', 0)
  await a.settled()
  anna = await world.enrol(a, ANNA)
  await opened()
}, 60_000)

afterAll(() => world?.close())

describe('Signed and not mined,', () => {
  test('a revocation is acknowledged as counting now, refuses at once, and survives a restart of the broker', async () => {
    await unmined(world, async () => {
      const { receipt } = await anna.revoke(slot())
      expect(receipt?.counts).toBe('now')
      await isRefused('revocation-pending')
      await a.restart()
      await isRefused('revocation-pending')
      expect((await word()).state).toBe('permit')
    })
    await eventually(async () => (await word()).state === 'silent')
    await isRefused('revoked')
  })

  test('a revocation that reached the hospital through another member refuses all the same', async () => {
    await opened()
    await unmined(world, async () => {
      const { receipt } = await anna.revoke(slot(), { via: viaB() })
      expect(receipt?.forwardedTo).toBe(a.member)
      await eventually(async () => (await open()).status === 404, 3_000)
      await isRefused('revocation-pending')
      expect((await word()).state).toBe('permit')
    })
    await eventually(async () => (await word()).state === 'silent')
  })

  test('an objection refuses, though a consent for everyone stands beside it', async () => {
    await opened()
    await anna.grant({ to: EVERYONE, purpose: 'TREAT', classes: ['problems'] })
    await unmined(world, async () => {
      await anna.object(slot(), { via: viaB() })
      await eventually(async () => (await open()).status === 404, 3_000)
      await isRefused('objection-pending')
      expect((await word()).state).toBe('permit')
    })
    await eventually(async () => (await word()).state === 'objection')
    await anna.withdraw(slot())
    await anna.revoke({ to: EVERYONE, purpose: 'TREAT' })
  })

  test('a lock refuses everything, and hides nothing longer than it stands', async () => {
    await opened()
    const { handle } = await anna.signIn()
    await unmined(world, async () => {
      const { receipt } = await anna.lock()
      expect(receipt?.counts).toBe('now')
      await isRefused('lock-pending')
      expect((await handleWordOf(world, handle)).locked).toBe(false)
    })
    await eventually(async () => (await handleWordOf(world, handle)).locked)
    await isRefused('locked')
    await anna.unlock()
    await eventually(async () => (await open()).status === 200)
  })

  test('a grant counts for nothing: what widens waits for the chain', async () => {
    await unmined(world, async () => {
      const { receipt } = await anna.grant({ ...slot(), purpose: 'HRESCH', classes: ['problems'] })
      expect(receipt?.counts).toBe('when mined')
      const { answer } = await refusedAt(a, undefined, () => b.his.open(record, 'HRESCH'))
      expect(answer.code).toBe('not-available')
    })
    await eventually(async () => (await b.his.open(record, 'HRESCH')).status === 200)
  })
})

describe('Between the steps of one request,', () => {
  const fetchable = async () => {
    const asker = await createAsker(b, a)
    const tag = await insideOf(a).tagOf('Condition', 'anna-c1')
    const token = (await asker.token(tag)).body.access_token ?? ''
    return { fetch: () => asker.record(tag, token) }
  }

  test('a revocation after the token was issued refuses, even inside the token’s lifetime', async () => {
    const { fetch } = await fetchable()
    expect((await fetch()).status).toBe(200)
    await anna.revoke(slot())
    const { answer } = await refusedAt(a, undefined, fetch)
    expect([answer.status, answer.code]).toEqual([404, 'not-available'])
  })

  test('a revocation between the intent and the release refuses: the intent stands in the trail, and no disclosure', async () => {
    await opened()
    const { fetch } = await fetchable()
    a.afterIntent = async () => {
      a.afterIntent = undefined
      await anna.revoke(slot())
    }
    const { answer, gained } = await refusedAt(a, undefined, fetch, 'inside')
    expect([answer.status, answer.code]).toEqual([404, 'not-available'])
    expect(gained.map(({ kind }) => kind)).toContain('intent')
  })

  test('a suspension between the intent and the release refuses', async () => {
    await opened()
    const { fetch } = await fetchable()
    a.afterIntent = async () => {
      a.afterIntent = undefined
      await world.council.suspend(b.member)
    }
    const { answer } = await refusedAt(a, 'member-not-live', fetch, 'inside')
    expect([answer.status, answer.code]).toEqual([404, 'not-available'])
    await world.council.reinstate(b.member)
  })
})

test('What another member passes on unread is no way around the hospital’s checks, and holds up nothing behind it', async () => {
  const stranger = await world.enrol(a, await newcomer())
  const theirs = await stranger.revoke(slot(), { via: viaB(), signOnly: true })
  const mine = await anna.revoke(slot(), { via: viaB(), signOnly: true })
  // Anna's signature with another person's body, and a body that is no JWE to A at all.
  const sealed = (form: unknown) => (form as { sealed: string }).sealed
  expect((await relay(b, { ...mine.form, sealed: sealed(theirs.form) })).status).toBe(202)
  expect((await relay(b, { ...mine.form, sealed: 'x.x.x.x.x' })).status).toBe(202)
  // B has sent it to the chain all the same, where it needs nobody's leave.
  await eventually(async () => (await word()).state === 'silent')
  await opened()
  await unmined(world, async () => {
    await anna.revoke(slot(), { via: viaB() })
    await eventually(async () => (await open()).status === 404, 3_000)
  })
})

async function newcomer(): Promise<Identifier> {
  const id = await admit(a, 'dirk', 5)
  await a.settled()
  return id
}

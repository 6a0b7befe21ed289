import type { Bundle, Consent, DocumentReference } from 'fhir/r4.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bodyHash } from '../../../src/domain/consent/body-hash.ts'
import { scopeHash } from '../../../src/domain/consent/typed-data.ts'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import type { Share } from '../../../src/exchange/share.ts'
import type { GrantWish } from '../../../src/patient/acts.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { publicJwks } from '../../../src/store/keyring.ts'
import { openJson } from '../../../src/store/vault.ts'
import { admit, partyOf, relay } from '../../support/acts.ts'
import { insideOf } from '../../support/inside.ts'
import { condition } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let ANNA: Identifier
let anna: PatientClient

const TREAT = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }
const one = (reference: string) => ({ data: [{ meaning: 'instance', reference: { reference } }] })

/** A Consent for B, as A's consent desk writes it. */
const written = (provision: object) => ({
  resourceType: 'Consent',
  status: 'active',
  scope: { coding: [{ code: 'patient-privacy' }] },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  patient: { reference: 'Patient/anna' },
  provision: {
    type: 'permit',
    actor: [{ role: { coding: [{ code: 'IRCP' }] }, reference: { identifier: b.config.identifier } }],
    purpose: [TREAT],
    ...provision,
  },
})

const names = (body: Bundle<DocumentReference>) =>
  (body.entry ?? []).flatMap(({ resource }) =>
    resource?.resourceType === 'DocumentReference' ? [resource.id ?? ''] : [],
  )
const listed = async () => names((await b.his.list(ANNA, 'TREAT')).body as Bundle<DocumentReference>)

/** Files a Consent at A and signs what becomes of it. */
async function signed(provision: object): Promise<string> {
  const { status, body } = await a.his.fhir<Consent>('POST', 'Consent', written(provision))
  expect(status).toBe(201)
  for (const proposal of await anna.proposals()) await anna.accept(proposal)
  await eventually(
    async () => (await a.his.fhir<Consent>('GET', `Consent/${body.id}`)).body.status === 'active',
  )
  return body.id ?? ''
}

async function cleared(): Promise<void> {
  await anna.revoke({ to: partyOf(b), purpose: 'TREAT' })
  await eventually(async () => (await listed()).length === 0)
}

/** The record behind a version at A, as B names it. */
async function idOf(type: string, id: string): Promise<string> {
  const tag = await insideOf(a).tagOf(type, id)
  const rows = await insideOf(b).db().selectFrom('received_records').select(['record_id', 'tag']).execute()
  return rows.find((row) => row.tag === tag)?.record_id ?? 'none'
}
const opened = async (id: string) => (await b.his.open(id, 'TREAT')).status

beforeAll(async () => {
  world = await createWorld({ fronts: { broker: ['a'] } })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  ANNA = await admit(a, 'anna', 0)
  await a.put(condition('anna-c3', 'anna', 'Asthma'))
  await a.settled()
  anna = await world.enrol(a, ANNA)
}, 60_000)

afterAll(() => world?.close())

describe('A consent for one record', () => {
  test('shows and opens that record and no other, and hands out no key', async () => {
    await signed(one('Condition/anna-c1'))
    const [id = ''] = await eventually(async () => {
      const ids = await listed()
      return ids.length === 1 ? ids : undefined
    })
    expect(id).toBe(await idOf('Condition', 'anna-c1'))
    expect(await opened(id)).toBe(200)
    const shares = await insideOf(b).db().selectFrom('shares_received').select('sealed').execute()
    expect(shares).toHaveLength(1)
    const [share] = shares.map(({ sealed }) => openJson<Share>(insideOf(b).vault.storeKey, sealed))
    expect(share).toMatchObject({ listing: 'custodian', compartments: [], ended: false })
    await cleared()
  })

  test('is told by the custodian only as long as it stands: after a revocation nothing is listed or opened', async () => {
    await signed(one('Condition/anna-c1'))
    const [id = ''] = await eventually(async () => {
      const ids = await listed()
      return ids.length === 1 ? ids : undefined
    })
    await anna.revoke({ to: partyOf(b), purpose: 'TREAT' })
    expect(await listed()).toEqual([])
    expect(await opened(id)).toBe(404)
    await cleared()
  })

  test('every listing is in the custodian’s trail: who asked, for what, under which consent', async () => {
    const consent = await signed(one('Condition/anna-c1'))
    await eventually(async () => (await listed()).length === 1)
    const trail = await insideOf(a).trail()
    expect(trail.findLast(({ kind }) => kind === 'list')).toMatchObject({
      ...{ purpose: 'TREAT', policy: `Consent/${consent}` },
      ...{ requester: { id: b.member }, patient: { reference: 'Patient/anna' }, user: { id: 'dr-1' } },
    })
    await cleared()
  })
})

describe('A consent for all but one record', () => {
  test('keeps that record back, lists and opens the others, and says nothing of what it keeps back', async () => {
    await signed({ provision: [{ type: 'deny', ...one('Condition/anna-c1') }], securityLabel: [N] })
    const ids = await eventually(async () => {
      const found = await listed()
      return found.length === 2 ? found : undefined
    })
    expect(ids.sort()).toEqual(
      [await idOf('Condition', 'anna-c3'), await idOf('Observation', 'anna-o1')].sort(),
    )
    expect(JSON.stringify((await b.his.list(ANNA, 'TREAT')).body)).not.toContain('anna-c1')
    await cleared()
  })

  test('an objection to one record is enough to keep it back from everybody, whatever a group or everyone may see', async () => {
    await anna.grant({
      to: { granteeType: 'Everyone', grantee: '' },
      purpose: 'TREAT',
      classes: ['problems'],
    })
    await eventually(async () => (await listed()).length === 2)
    await signed({ type: 'deny', ...one('Condition/anna-c1') })
    const ids = await eventually(async () => {
      const found = await listed()
      return found.length === 1 ? found : undefined
    })
    expect(ids).toEqual([await idOf('Condition', 'anna-c3')])
    expect(await opened(await idOf('Condition', 'anna-c1'))).toBe(404)
    const refused = (await insideOf(a).trail()).findLast(({ kind }) => kind === 'refusal')
    expect(refused).toMatchObject({ reason: 'objection' })
    await anna.withdraw({ to: partyOf(b), purpose: 'TREAT' })
    await anna.revoke({ to: { granteeType: 'Everyone', grantee: '' }, purpose: 'TREAT' })
    await eventually(async () => (await listed()).length === 0)
  })
})

const N = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }

describe('The body of a consent', () => {
  const body = {
    resourceType: 'Consent',
    status: 'active',
    provision: { type: 'permit', ...one('Condition/anna-c1') },
  }
  const wish = (): GrantWish => ({ to: partyOf(b), purpose: 'TREAT', classes: ['problems'], body })

  test('comes back word for word as it was signed', async () => {
    const id = await signed({ ...one('Condition/anna-c1'), period: { end: '2030-12-31T10:00:00Z' } })
    const { body: read } = await a.his.fhir<Consent>('GET', `Consent/${id}`)
    expect(read.provision).toMatchObject({
      ...one('Condition/anna-c1'),
      period: { end: '2030-12-31T10:00:00Z' },
      actor: [{ reference: { identifier: b.config.identifier } }],
    })
    const { consents } = await anna.consents()
    const mine = consents.find(({ state }) => state === 'permit')
    expect(mine?.terms?.body).toBe(bodyHash(mine?.body ?? {}))
    await cleared()
  })

  test('reaches its custodian unread through another hospital', async () => {
    const via = { base: b.broker.base, custodianKeys: publicJwks(a.files.keyring) }
    const { form } = await anna.grant(wish(), { via })
    expect(JSON.stringify(form)).not.toContain('anna-c1')
    await eventually(async () => (await listed()).length === 1)
    await cleared()
  })

  test.each<[string, (form: { body?: unknown }) => unknown, string]>([
    ['that was left out', ({ body: _, ...rest }) => rest, 'consent-body-missing'],
    [
      'that is another one',
      (form) => ({ ...form, body: { ...body, status: 'draft' } }),
      'consent-body-mismatch',
    ],
    [
      'that no byte form exists of',
      (form) => ({ ...form, body: { ...body, language: '\ud800' } }),
      'consent-body-mismatch',
    ],
  ])('%s is refused, and the consent with it', async (_what, change, code) => {
    const { signed } = await anna.grant(wish(), { signOnly: true })
    expect(await relay(a, change(signed))).toMatchObject({ status: 422, code })
  })

  test('of an objection may be missing: it is taken and forbids in whole, until the body comes that says less', async () => {
    await anna.grant({
      to: { granteeType: 'Everyone', grantee: '' },
      purpose: 'TREAT',
      classes: ['problems'],
    })
    const ids = await eventually(async () => ((await listed()).length === 2 ? listed() : undefined))
    const deny = { ...body, provision: { type: 'deny', ...one('Condition/anna-c1') } }
    const { signed } = await anna.object({ to: partyOf(b), purpose: 'TREAT', body: deny }, { signOnly: true })
    const { body: _, ...bodiless } = signed as typeof signed & { body?: unknown }
    const taken = await relay(a, bodiless)
    expect([taken.status, taken.body]).toMatchObject([202, { receipt: { counts: 'now' } }])
    for (const id of ids) expect(await opened(id)).toBe(404)
    expect((await relay(a, { ...bodiless, body: { ...deny, status: 'draft' } })).code).toBe(
      'consent-body-mismatch',
    )
    // Mined or not, it stays so until the body is there.
    await eventually(async () => (await anna.consents()).consents.some(({ state }) => state === 'objection'))
    for (const id of ids) expect(await opened(id)).toBe(404)
    expect((await relay(a, signed)).status).toBe(202)
    expect(await opened(await idOf('Condition', 'anna-c3'))).toBe(200)
    expect(await opened(await idOf('Condition', 'anna-c1'))).toBe(404)
    await anna.withdraw({ to: partyOf(b), purpose: 'TREAT' })
    await anna.revoke({ to: { granteeType: 'Everyone', grantee: '' }, purpose: 'TREAT' })
    await eventually(async () => (await listed()).length === 0)
  })

  test('that cannot be enforced is refused when it is signed, and told why', async () => {
    const provision = { ...body.provision, modifierExtension: [{ url: 'urn:x', valueBoolean: true }] }
    const { signed } = await anna.grant({ ...wish(), body: { ...body, provision } }, { signOnly: true })
    expect(await relay(a, signed)).toMatchObject({ status: 422, code: 'consent-unenforceable' })
  })

  test('that never reached its custodian opens nothing, though the consent stands on the chain', async () => {
    const { signed } = await anna.grant(wish(), { signOnly: true })
    const inside = insideOf(a)
    expect((await relay(a, signed)).status).toBe(202)
    const [id = ''] = await eventually(async () => {
      const all = await listed()
      return all.length === 1 && all
    })
    // As if a restore had lost it.
    const slot = scopeHash(signed.typedData.message.scope)
    const act = await inside
      .db()
      .selectFrom('acts')
      .selectAll()
      .where('scope_hash', '=', slot)
      .orderBy('received_at', 'desc')
      .executeTakeFirstOrThrow()
    await inside.db().deleteFrom('terms').where('terms_key', '=', act.terms_key).execute()
    const before = (await inside.trail()).length
    expect(await listed()).toEqual([])
    expect(await opened(id)).toBe(404)
    // A share that has ended may be asked about as well, until its end has arrived.
    const refusals = (await inside.trail()).slice(before).filter(({ kind }) => kind === 'refusal')
    expect(refusals.map(({ reason }) => reason)).toContain('terms-missing')
    await cleared()
  })
})

describe('A custodian that should be asked', () => {
  test('and does not answer is named beside what others share; one that lies is an alarm', async () => {
    await signed(one('Condition/anna-c1'))
    await eventually(async () => (await listed()).length === 1)
    const front = a.brokerFront
    if (!front) throw new Error('no front')
    front.behave = async ({ path }, forward) =>
      path.startsWith('/exchange/list') ? { status: 503, headers: {}, body: '' } : forward()
    const silent = await eventually(async () => {
      const { body } = await b.his.list(ANNA, 'TREAT')
      return (body.entry ?? []).length > 0 ? (body as Bundle) : undefined
    })
    expect(silent.total).toBe(0)
    expect(silent.entry?.[0]).toMatchObject({
      search: { mode: 'outcome' },
      resource: { resourceType: 'OperationOutcome', issue: [{ code: 'incomplete', severity: 'warning' }] },
    })
    front.behave = async ({ path }, forward) => {
      const answer = await forward()
      if (!path.startsWith('/exchange/list')) return answer
      return {
        ...answer,
        body: Buffer.from(
          Buffer.from(answer.body as Uint8Array)
            .toString()
            .replace('"current":true', '"current":false'),
        ),
      }
    }
    const lied = await eventually(async () => {
      const { entry = [] } = (await b.his.list(ANNA, 'TREAT')).body as Bundle
      return entry.length > 0 && entry
    })
    expect(lied).toMatchObject([{ search: { mode: 'outcome' } }])
    expect((await insideOf(b).trail()).findLast(({ kind }) => kind === 'alarm')).toMatchObject({
      reason: 'signature-invalid',
      custodian: { id: a.member },
    })
    front.behave = undefined
    await cleared()
  })
})

import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/store/database.ts'
import { openBrokerTables } from '../../src/store/migrate.ts'
import { createPatientStore, newPointerKey } from '../../src/store/patients.ts'
import type { BrokerTables } from '../../src/store/schema.ts'
import { createVault } from '../../src/store/vault.ts'
import { openFreshDatabase } from '../support/databases.ts'

const BSN = 'http://fhir.nl/fhir/NamingSystem/bsn'
const clock = { now: () => Date.UTC(2026, 0, 1), monotonic: () => 0 }
const kek = randomBytes(32)
const store = createPatientStore({ vault: createVault(kek), clock })

let database: Database
let db: Kysely<BrokerTables>
beforeAll(async () => {
  database = await openFreshDatabase()
  db = await openBrokerTables(database.db)
})
afterAll(() => database.close())

let count = 0
const person = () => {
  count++
  return { fhirId: `patient-${count}`, identifiers: [{ system: BSN, value: `99990000${count}` }] }
}

describe('a stored patient', () => {
  test('is found by each of its names, and has the same secrets by each', async () => {
    const { fhirId, identifiers } = person()
    const made = await store.create(db, { fhirId, identifiers })
    const [identifier] = identifiers
    if (!identifier) throw new Error('no identifier')
    expect(await store.byId(db, made.id)).toEqual(made)
    expect(await store.byFhirId(db, fhirId)).toEqual(made)
    expect(await store.byHandle(db, made.secrets.handle)).toEqual(made)
    expect(await store.byHandle(db, made.secrets.handle.toUpperCase().replace('0X', '0x'))).toEqual(made)
    expect(await store.byIdentifier(db, identifier)).toEqual([made])
  })

  test('is not found by a name that nobody has', async () => {
    expect(await store.byId(db, 'nobody')).toBeUndefined()
    expect(await store.byFhirId(db, 'nobody')).toBeUndefined()
    expect(await store.byHandle(db, `0x${'00'.repeat(32)}`)).toBeUndefined()
    expect(await store.byIdentifier(db, { system: BSN, value: 'x' })).toEqual([])
    expect(await store.bySignerHash(db, `0x${'11'.repeat(32)}`)).toBeUndefined()
  })

  test('has 32 random bytes each for handle, scope secret and pointer key, shared with no other patient', async () => {
    const [a, b] = [await store.create(db, person()), await store.create(db, person())]
    for (const { secrets } of [a, b]) {
      expect(secrets.handle).toMatch(/^0x[0-9a-f]{64}$/)
      expect(Buffer.from(secrets.scopeSecret, 'base64url')).toHaveLength(32)
      expect(secrets.pointerKeys.map((k) => k.number)).toEqual([1])
      expect(Buffer.from(secrets.pointerKeys[0]?.key ?? '', 'base64url')).toHaveLength(32)
    }
    expect(a.secrets.handle).not.toBe(b.secrets.handle)
    expect(a.secrets.scopeSecret).not.toBe(b.secrets.scopeSecret)
    expect(a.secrets.pointerKeys).not.toEqual(b.secrets.pointerKeys)
  })

  test('keeps its signer once it is bound, and what was saved of it', async () => {
    const made = await store.create(db, person())
    const signer = `0x${'ab'.repeat(32)}` as const
    await store.setSigner(db, made.id, signer)
    const pointerKeys = [...made.secrets.pointerKeys, newPointerKey(made.secrets.pointerKeys)]
    await store.save(db, { ...made, secrets: { ...made.secrets, pointerKeys }, opened: ['b/problems'] })
    const found = await store.bySignerHash(db, signer)
    expect(found).toMatchObject({ id: made.id, signerHash: signer, opened: ['b/problems'] })
    expect(found?.secrets.pointerKeys).toEqual(pointerKeys)
    expect(pointerKeys.map((k) => k.number)).toEqual([1, 2])
  })

  test('is found by the identifiers that it has now, not by those it had', async () => {
    const { fhirId, identifiers } = person()
    const made = await store.create(db, { fhirId, identifiers })
    const next = { system: BSN, value: '999911111' }
    await store.setIdentifiers(db, made.id, [next, next])
    expect(await store.byIdentifier(db, next)).toHaveLength(1)
    for (const old of identifiers) expect(await store.byIdentifier(db, old)).toEqual([])
    await store.setIdentifiers(db, made.id, [])
    expect(await store.byIdentifier(db, next)).toEqual([])
  })

  test('cannot exist twice for one person of the FHIR server', async () => {
    const { fhirId } = person()
    await store.create(db, { fhirId, identifiers: [] })
    await expect(store.create(db, { fhirId, identifiers: [] })).rejects.toThrow()
  })

  test('is listed for reconciliation only while it has a scope', async () => {
    const made = await store.create(db, person())
    const listed = async () => (await store.withScopes(db)).map(({ id }) => id)
    expect(await listed()).not.toContain(made.id)
    const scope = { scope_hash: 'h', patient_id: made.id, sealed: randomBytes(40) }
    await db.insertInto('scopes').values(scope).execute()
    expect(await listed()).toContain(made.id)
  })

  test('can be locked for the length of a transaction', async () => {
    const made = await store.create(db, person())
    const read = db.transaction().execute(async (trx) => {
      await store.lock(trx, made.id)
      return store.byId(trx, made.id)
    })
    expect(await read).toEqual(made)
  })
})

describe('the rows', () => {
  test('hold no identifier, handle, scope secret or pointer key in any readable form', async () => {
    const { fhirId, identifiers } = person()
    const made = await store.create(db, { fhirId, identifiers })
    const rows = [
      await db.selectFrom('patients').selectAll().where('id', '=', made.id).execute(),
      await db.selectFrom('patient_identifiers').selectAll().where('patient_id', '=', made.id).execute(),
    ]
    const text = JSON.stringify(rows, (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    )
    const secrets = [
      fhirId,
      identifiers[0]?.value ?? '',
      made.secrets.handle.slice(2),
      made.secrets.scopeSecret,
      made.secrets.pointerKeys[0]?.key ?? '',
    ]
    for (const secret of secrets) expect(text.includes(secret), secret).toBe(false)
  })

  test('cannot be read by a hospital with another key-encryption key', async () => {
    const made = await store.create(db, person())
    const stranger = createPatientStore({ vault: createVault(randomBytes(32)), clock })
    await expect(stranger.byId(db, made.id)).rejects.toThrow()
    expect(await stranger.byHandle(db, made.secrets.handle)).toBeUndefined()
  })

  test('tell nothing any more once the patient key is destroyed', async () => {
    const made = await store.create(db, person())
    const wrapped_key = createVault(kek).wrapKey(randomBytes(32))
    await db.updateTable('patients').set({ wrapped_key }).where('id', '=', made.id).execute()
    await expect(store.byId(db, made.id)).rejects.toThrow()
  })
})

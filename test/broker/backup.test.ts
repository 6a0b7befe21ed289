import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeBackup, restoreBackup } from '../../src/store/backup.ts'
import { openBrokerTables } from '../../src/store/migrate.ts'
import { openFreshDatabase } from '../support/databases.ts'
import { ANNA, condition, patient } from '../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../support/world.ts'

const PASSPHRASE = 'a passphrase for this test only'
let world: World
let a: TestHospital
let b: TestHospital

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
}, 60_000)

afterAll(() => world?.close())

test('a hospital that lost its database goes on from its encrypted backup: consents, records and grantees alike', async () => {
  const anna = await world.enrol(a, ANNA)
  const to = {
    granteeType: 'Organization' as const,
    grantee: `${b.config.identifier.system}|${b.config.identifier.value}`,
  }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  const listed = await eventually(async () => {
    const { body } = await b.his.list(ANNA, 'TREAT')
    return body.total === 1 ? body : undefined
  })
  const before = listed?.entry?.[0]?.resource?.id ?? ''
  const backup = await makeBackup(await openBrokerTables(a.database.db), a.files.keyring, PASSPHRASE)
  expect(backup).not.toContain('anna')

  // Lost with the database: an entry registered after the backup.
  await a.put(condition('c2', 'anna', 'Asthma', '195967001'))
  await a.settled()

  await a.replaceDatabase(async (database) => {
    const keyring = await restoreBackup(await openBrokerTables(database.db), backup, PASSPHRASE)
    expect(keyring).toEqual(a.files.keyring)
  })

  // The entry written after the backup is on the chain, unknown to the custodian; it is registered anew and takes its place.
  await eventually(async () => {
    const { body } = await b.his.list(ANNA, 'TREAT')
    const ids = (body.entry ?? []).map((e) => e.resource?.id ?? '')
    const opened = await Promise.all(ids.map(async (id) => (await b.his.open(id, 'TREAT')).body.id))
    return ids.includes(before) && opened.sort().join() === 'c1,c2'
  })
  await anna.revoke({ to, purpose: 'TREAT' })
  expect((await b.his.open(before, 'TREAT')).code).toBe('not-available')
}, 60_000)

test('a backup opens with its passphrase only, and fills an empty database only', async () => {
  const db = await openBrokerTables(a.database.db)
  const backup = await makeBackup(db, a.files.keyring, PASSPHRASE)
  const empty = await openFreshDatabase()
  try {
    await expect(
      restoreBackup(await openBrokerTables(empty.db), backup, 'another passphrase'),
    ).rejects.toThrow(/passphrase is wrong/)
    await expect(restoreBackup(db, backup, PASSPHRASE)).rejects.toThrow(/not empty/)
  } finally {
    await empty.close()
  }
})

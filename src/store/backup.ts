import { gunzipSync, gzipSync } from 'node:zlib'
import { CompactEncrypt, compactDecrypt } from 'jose'
import { type Kysely, sql } from 'kysely'
import type { Keyring } from './keyring.ts'
import type { BrokerTables } from './schema.ts'

/**
 * Tables in an order in which they can be filled again. Left out: sessions, challenges, enrolments, messages and calls under
 * way, which end with the broker that was lost, and the chain's index, which is replayed from the chain.
 */
const TABLES = [
  'patients',
  'patient_identifiers',
  'scopes',
  'terms',
  'acts',
  'patient_signers',
  'delegations',
  'recoveries',
  'requests_sent',
  'requests_received',
  'approvals',
  'proposals',
  'identity_events',
  'identity_event_patients',
  'chain_outbox',
  'records',
  'compartments',
  'feed',
  'feed_gaps',
  'shares_sent',
  'exchange_outbox',
  'shares_received',
  'share_identifiers',
  'received_records',
  'receipts',
  'exchanges',
  'replay',
  'access_log',
  'windows',
  'audit_events',
  'checkpoints',
  'audit_marks',
  'audit_holds',
  'audit_hold_patients',
  'clients',
  'console_people',
  'console_passkeys',
  'console_searches',
  'events',
  'subscriptions',
  'patient_preferences',
  'notices',
  'cases',
] as const satisfies readonly (keyof BrokerTables)[]

/** Columns that number themselves; after a restore they go on behind the highest. */
const SERIAL: Partial<Record<(typeof TABLES)[number], string>> = {
  chain_outbox: 'id',
  records: 'seq',
  feed_gaps: 'id',
  exchange_outbox: 'id',
  access_log: 'seq',
  audit_events: 'seq',
  events: 'seq',
  notices: 'seq',
}

type Backup = { format: 1; keyring: Keyring; tables: Record<string, Record<string, unknown>[]> }

/** More than any broker sends between two backups: what grantees hold from after the backup is older than what follows. */
const SEQUENCE_LEAP = 1_000_000

/**
 * Everything that a hospital cannot get back from the chain or its FHIR server: keys, handles, scope secrets, bodies of
 * scopes and terms, signed acts, entries, its log. As one JWE (PBES2-HS512+A256KW, A256GCM) under a passphrase.
 */
export async function makeBackup(
  db: Kysely<BrokerTables>,
  keyring: Keyring,
  passphrase: string,
): Promise<string> {
  const tables: Backup['tables'] = {}
  await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      for (const table of TABLES)
        tables[table] = (await trx.selectFrom(table).selectAll().execute()).map(packRow)
    })
  const clear = gzipSync(JSON.stringify({ format: 1, keyring, tables } satisfies Backup))
  return new CompactEncrypt(clear)
    .setProtectedHeader({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', typ: 'wayleave-backup' })
    .setKeyManagementParameters({ p2c: 210_000 })
    .encrypt(new TextEncoder().encode(passphrase))
}

/**
 * Fills an empty database from a backup and returns the keys. Entries written after the backup are on the chain, but not
 * in it: so every patient's pointer key changes before the next entry, lest a tag be used twice, and shares go on with a
 * far higher number, lest grantees take them for old ones; so do events.
 * @throws Error when the passphrase is wrong, the file is damaged, or the database is not empty.
 */
export async function restoreBackup(
  db: Kysely<BrokerTables>,
  jwe: string,
  passphrase: string,
): Promise<Keyring> {
  const { plaintext } = await compactDecrypt(jwe, new TextEncoder().encode(passphrase), {
    keyManagementAlgorithms: ['PBES2-HS512+A256KW'],
    maxPBES2Count: 1_000_000,
  }).catch(() => {
    throw new Error('The passphrase is wrong, or the backup is damaged')
  })
  const backup = JSON.parse(gunzipSync(plaintext).toString()) as Backup
  if (backup.format !== 1) throw new Error('A backup of an unknown format')
  await db.transaction().execute(async (trx) => {
    const taken = await trx.selectFrom('patients').select('id').limit(1).executeTakeFirst()
    if (taken) throw new Error('The database is not empty; a backup is restored into an empty one only')
    for (const table of TABLES) {
      const rows = (backup.tables[table] ?? []).map(unpackRow)
      for (let i = 0; i < rows.length; i += 200) {
        await trx
          .insertInto(table)
          .values(rows.slice(i, i + 200))
          .execute()
      }
      const serial = SERIAL[table]
      if (serial) {
        await sql`select setval(pg_get_serial_sequence(${`broker.${table}`}, ${serial}),
          greatest((select coalesce(max(${sql.ref(serial)}), 0) from ${sql.table(`broker.${table}`)}), 1))`.execute(
          trx,
        )
      }
    }
    await trx
      .updateTable('patients')
      .set({ opened: JSON.stringify(['restored']) })
      .execute()
    await trx
      .updateTable('shares_sent')
      .set({ sequence: sql`sequence + ${SEQUENCE_LEAP}`, digest: 'restored' })
      .execute()
    // A program may have read further than the backup knows: what follows is behind whatever cursor it has.
    await sql`select setval(pg_get_serial_sequence('broker.events', 'seq'),
      (select coalesce(max(seq), 0) from broker.events) + ${SEQUENCE_LEAP}::bigint)`.execute(trx)
    await trx
      .updateTable('audit_marks')
      .set({ place: sql`place + ${SEQUENCE_LEAP}` })
      .where('name', '=', 'filed')
      .execute()
    // Whatever the chain says of these calls, it says again when they are sent again; the contracts skip doubles.
    await trx
      .updateTable('chain_outbox')
      .set({ status: 'pending', tx_hash: null })
      .where('status', '=', 'sent')
      .execute()
  })
  return backup.keyring
}

type Packed = { base64: string }

function packRow(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (value instanceof Uint8Array)
        return [name, { base64: Buffer.from(value).toString('base64') } satisfies Packed]
      // jsonb comes back parsed and goes in as text.
      return [name, Array.isArray(value) ? JSON.stringify(value) : value]
    }),
  )
}

function unpackRow(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      const packed =
        typeof value === 'object' && value !== null && 'base64' in value ? (value as Packed) : undefined
      return [name, packed ? Buffer.from(packed.base64, 'base64') : value]
    }),
  )
}

import type { Kysely } from 'kysely'
import { expect } from 'vitest'
import type { AuditEntry } from '../../src/domain/audit/audit-entry.ts'
import type { Hex } from '../../src/domain/hex.ts'
import type { BrokerTables, IndexTables } from '../../src/store/schema.ts'
import { createVault, openJson, type Vault } from '../../src/store/vault.ts'
import type { TestHospital } from './world.ts'

/** What only the hospital itself can see: its tables, with the vault that opens them. */
export function insideOf(hospital: TestHospital) {
  const db = (): Kysely<BrokerTables> => hospital.database.db.withSchema('broker') as never
  const index = (): Kysely<IndexTables> => hospital.database.db.withSchema('chain_index') as never
  const vault: Vault = createVault(Buffer.from(hospital.files.keyring.kek, 'base64url'))

  return {
    db,
    index,
    vault,

    /** The whole trail, oldest first. */
    async trail(): Promise<AuditEntry[]> {
      const rows = await db().selectFrom('audit_events').select('sealed').orderBy('seq').execute()
      return rows.map(({ sealed }) => openJson<AuditEntry>(vault.storeKey, sealed))
    },

    /** The reference of the share by which this hospital opened a patient's records to a member. */
    async referenceFor(grantee: Hex, fhirId: string): Promise<string> {
      const row = await db()
        .selectFrom('shares_sent')
        .innerJoin('patients', 'patients.id', 'shares_sent.patient_id')
        .select('reference')
        .where('grantee', '=', grantee)
        .where('fhir_lookup', '=', vault.lookup('fhir', fhirId))
        .executeTakeFirstOrThrow()
      return row.reference
    },

    /** The tag under which a version is registered. */
    async tagOf(resourceType: string, id: string, versionId = '1'): Promise<Hex> {
      const row = await db()
        .selectFrom('records')
        .select('tag')
        .where('version_lookup', '=', vault.lookup('version', `${resourceType}/${id}/${versionId}`))
        .executeTakeFirstOrThrow()
      return row.tag as Hex
    },
  }
}

/** Clinical reads at a FHIR server: everything but polling the history, hooks, writes, and looking up who somebody is. */
export function clinicalReads(hospital: TestHospital, from = 0) {
  return hospital.fhirAccess.slice(from).filter(({ method, interaction, resourceType }) => {
    if (method !== 'GET' && !interaction.startsWith('search')) return false
    if (resourceType === undefined) return interaction !== 'history-system' && interaction !== 'capabilities'
    return resourceType !== 'Patient' && resourceType !== 'Subscription'
  })
}

/**
 * Does what must be refused, and holds the custodian to it: no clinical resource was read meanwhile, and its trail says why.
 * @param reason one of several, where it depends on what is mined already
 * @param isRead `inside`: after the intent the hospital's own broker may have read it, and kept it to itself
 * @returns what `work` returned, and the entries that the trail gained.
 */
export async function refusedAt<T>(
  custodian: TestHospital,
  reason: string | readonly string[] | undefined,
  work: () => Promise<T>,
  isRead: 'never' | 'inside' = 'never',
) {
  const inside = insideOf(custodian)
  const [reads, lines] = [custodian.fhirAccess.length, (await inside.trail()).length]
  const answer = await work()
  const gained = (await inside.trail()).slice(lines)
  if (isRead === 'never') expect(clinicalReads(custodian, reads)).toEqual([])
  expect(gained.filter(({ kind }) => kind === 'disclosure')).toEqual([])
  if (reason !== undefined) {
    const reasons = gained
      .filter(({ kind }) => kind === 'refusal' || kind === 'alarm')
      .map((entry) => entry.reason)
    expect(
      [reason].flat().some((one) => reasons.includes(one)),
      `${[reason].flat().join(' or ')} among ${reasons.join(', ')}`,
    ).toBe(true)
  }
  return { answer, gained }
}

import { randomUUID } from 'node:crypto'
import { createAccessLog, type LogEntry, personLookup } from '../../src/broker/audit/access-log.ts'
import { createReports } from '../../src/broker/reports/reports.ts'
import type { AuditEntry, AuditKind, AuditParty } from '../../src/domain/audit/audit-entry.ts'
import type { Hex } from '../../src/domain/hex.ts'
import { memberId } from '../../src/domain/identity/member-id.ts'
import type { Identifier } from '../../src/domain/identity/national-ids.ts'
import { createIndexQueries } from '../../src/indexer/index.ts'
import type { Database } from '../../src/store/database.ts'
import { openBrokerTables, openIndexTables } from '../../src/store/migrate.ts'
import { createPatientStore, type StoredPatient } from '../../src/store/patients.ts'
import { createVault, sealJson } from '../../src/store/vault.ts'

/** Organisations as members name each other; the first is the hospital whose trail it is. */
export function partiesOf(names: readonly string[]): AuditParty[] {
  return names.map((name, i) => {
    const identifier = { system: 'http://fhir.nl/fhir/NamingSystem/ura', value: `9000000${i}` }
    return { id: memberId(identifier), name, identifier }
  })
}

/** A hospital's real tables, access log and reports, without a broker around them; its clock is set by whoever writes. */
export async function openTrail(database: Database, self: AuditParty) {
  const db = await openBrokerTables(database.db)
  const indexDb = await openIndexTables(database.db)
  const vault = createVault(Buffer.alloc(32, 7))
  const hands = { at: Date.parse('2026-01-01T00:00:00Z') }
  const clock = { now: () => hands.at, monotonic: () => hands.at }
  const patients = createPatientStore({ vault, clock })
  const accessLog = createAccessLog({ vault, clock })
  const index = createIndexQueries(indexDb)
  const { name, identifier } = self
  await indexDb
    .insertInto('events')
    .values({
      ...{
        block: 1,
        log_index: 0,
        transaction: '0x',
        contract: '0x',
        name: 'ProfileSet',
        key1: self.id,
        key2: '',
      },
      args: JSON.stringify({
        profile: JSON.stringify({
          name,
          identifier,
          endpoint: 'https://hospital.example',
          jwks: { keys: [] },
        }),
      }),
    })
    .execute()
  const member = self.id as Hex
  const reports = createReports({ db, vault, patients, clock, accessLog, index, member })

  return {
    ...{ db, vault, patients, accessLog, reports, clock },
    setClock(at: string | number): void {
      hands.at = typeof at === 'number' ? at : Date.parse(at)
    },

    addPatient: (fhirId: string, identifiers: Identifier[]) => patients.create(db, { fhirId, identifiers }),

    /** Through the log, as a broker writes. */
    async write(at: string, entry: LogEntry, patient?: { id: string } | Identifier): Promise<AuditEntry> {
      hands.at = Date.parse(at)
      const id = await accessLog.append(db, entry, patient)
      return { id, recorded: new Date(hands.at).toISOString(), ...entry }
    },

    /** As the projection writes what it finds on the chain. */
    async onChain(
      entry: Omit<AuditEntry, 'id' | 'outcome'> & { chain: NonNullable<AuditEntry['chain']> },
      patient?: StoredPatient,
    ): Promise<AuditEntry> {
      const full: AuditEntry = { id: randomUUID(), outcome: '0', ...entry }
      await db
        .insertInto('audit_events')
        .values({
          ...{ id: full.id, recorded: full.recorded, kind: full.kind, block: entry.chain.block },
          patient_lookup: patient ? vault.lookup('patient', patient.id) : null,
          sealed: sealJson(vault.storeKey, full),
        })
        .execute()
      return full
    },

    /** Ten thousand lines take minutes one by one; so many at once are what a broker wrote over years. */
    async writeMany(entries: readonly { entry: AuditEntry; patient?: StoredPatient | Identifier }[]) {
      for (let i = 0; i < entries.length; i += 1_000) {
        await db
          .insertInto('audit_events')
          .values(
            entries.slice(i, i + 1_000).map(({ entry, patient }) => ({
              ...{ id: entry.id, recorded: entry.recorded, kind: entry.kind, block: null },
              patient_lookup:
                patient === undefined
                  ? null
                  : 'id' in patient
                    ? vault.lookup('patient', patient.id)
                    : personLookup(vault, patient),
              sealed: sealJson(vault.storeKey, entry),
            })),
          )
          .execute()
      }
    },
  }
}

export type Trail = Awaited<ReturnType<typeof openTrail>>

const KINDS: readonly AuditKind[] = [
  ...(['disclosure', 'disclosure', 'disclosure', 'intent', 'list', 'refusal', 'refusal'] as const),
  ...(['receipt', 'alarm', 'query', 'consent-granted', 'record-registered', 'share-received'] as const),
]
const PURPOSES = ['TREAT', 'ETREAT', 'HRESCH', 'CLINTRL', 'HPAYMT', 'PUBHLTH']
const REASONS = ['no-consent', 'revoked', 'wrong-purpose', 'expired', 'sensitivity-not-covered'] as const
const RECORDS = [
  ['Condition', 'problems'],
  ['Observation', 'observations'],
  ['MedicationRequest', 'medications'],
] as const

/**
 * What a hospital's log may hold of some years, the same for the same draws.
 * @param draw a whole number from 0 to below what it is given
 */
export function someEntries(
  draw: (below: number) => number,
  about: {
    count: number
    parties: readonly AuditParty[]
    patients: readonly StoredPatient[]
    from: string
    days: number
  },
): { entry: AuditEntry; patient?: StoredPatient }[] {
  const pick = <T>(list: readonly T[]): T => list[draw(list.length)] as T
  const [self, ...others] = about.parties
  return Array.from({ length: about.count }, (_, i) => {
    const kind = pick(KINDS)
    const other = pick(others)
    const [resourceType, dataClass] = pick(RECORDS)
    const asks = kind === 'receipt' || kind === 'query' || (kind === 'refusal' && draw(3) === 0)
    // Some refusals are about nobody that the hospital knows.
    const patient = kind === 'refusal' && draw(4) === 0 ? undefined : pick(about.patients)
    const at = Date.parse(about.from) + draw(about.days * 86_400_000)
    const entry: AuditEntry = {
      id: `entry-${i}`,
      recorded: new Date(at).toISOString(),
      ...{ kind, outcome: kind === 'refusal' ? '8' : '0' },
      ...(asks ? { recordedBy: 'requester' as const } : {}),
      ...(kind === 'query' ? {} : { custodian: asks ? other : self }),
      requester: asks ? (self as AuditParty) : other,
      user: { id: `dr-${draw(9)}`, name: `Dr ${draw(9)}`, role: 'physician' },
      purpose: pick(PURPOSES),
      ...(patient ? { patient: { reference: `Patient/${patient.secrets.fhirId}` } } : {}),
      ...(['disclosure', 'receipt', 'refusal', 'intent'].includes(kind)
        ? { record: { id: `record-${draw(500)}`, resourceType, dataClass } }
        : {}),
      ...(kind === 'refusal' && !asks ? { reason: pick(REASONS) } : {}),
      ...(kind === 'alarm' ? { reason: 'record-changed' as const, recordedBy: 'custodian' as const } : {}),
      ...(kind === 'disclosure' ? { policy: 'Consent/a' } : {}),
    }
    return { entry, ...(patient ? { patient } : {}) }
  })
}

/** Draws that a seed decides (mulberry32). */
export function draws(seed: number): (below: number) => number {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
}

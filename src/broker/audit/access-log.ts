import { randomBytes, randomUUID } from 'node:crypto'
import type { Insertable, Kysely } from 'kysely'
import type { AuditEntry } from '../../domain/audit/audit-entry.ts'
import { leafOf } from '../../domain/audit/leaf.ts'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { identifierText } from '../../domain/identity/member-id.ts'
import { checkNationalId, type Identifier } from '../../domain/identity/national-ids.ts'
import type { StoredPatient } from '../../store/patients.ts'
import { prepared } from '../../store/prepared.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { sealJson, type Vault } from '../../store/vault.ts'

type Db = Kysely<BrokerTables>

/** An entry of the broker's own log, as the caller knows it; the log adds id and time. */
export type LogEntry = Omit<AuditEntry, 'id' | 'recorded'>

export type AccessLog = {
  /**
   * Writes an entry, its salted leaf, and its audit event, in the caller's transaction where there is one. Durable when
   * it returns.
   * @param patient whom it is about: an own patient, or somebody known by an identifier alone
   * @param exchange the line of the books that goes with it: both stand, or neither
   * @throws WayleaveError `audit-unavailable` when the store cannot be written: then nothing may be released (I3, I4)
   */
  append(
    db: Db,
    entry: LogEntry,
    patient?: { id: string } | Identifier,
    exchange?: Insertable<BrokerTables['exchanges']>,
  ): Promise<string>
}

/** Where entries about a person stand who need not be this hospital's patient. */
export function personLookup(vault: Vault, identifier: Identifier): string {
  const checked = checkNationalId(identifier)
  return vault.lookup('audit-person', identifierText(checked.ok ? checked.identifier : identifier))
}

/** Everything under which entries about an own patient stand: as patient, and as the person others were asked about. */
export const lookupsOf = (vault: Vault, { id, secrets }: StoredPatient): string[] => [
  vault.lookup('patient', id),
  ...secrets.identifiers.map((identifier) => personLookup(vault, identifier)),
]

type LineValues = {
  id: string
  recorded: string
  kind: AuditEntry['kind']
  salt: Uint8Array
  leaf: Hex
  lookup: string | null
  sealed: Uint8Array
}
const LINE = ['id', 'recorded', 'kind', 'salt', 'leaf', 'lookup', 'sealed'] as const

/** One statement, so that all rows stand or none does, and a release waits once. */
const line = (db: Pick<Db, 'with'>, { id, recorded, kind, salt, leaf, lookup, sealed }: LineValues) =>
  db
    .with('leaf', (eb) =>
      eb
        .insertInto('access_log')
        .values({ at: recorded, salt, leaf, window_number: null, patient_lookup: lookup, sealed }),
    )
    .insertInto('audit_events')
    .values({ id, recorded, kind, patient_lookup: lookup, block: null, sealed })

const insertLine = prepared(LINE, (db: Db, values: LineValues) => line(db, values))

type Exchanged = Insertable<BrokerTables['exchanges']>
type BothValues = LineValues & { [Column in keyof Exchanged as `exchange_${Column}`]: Exchanged[Column] }
const EXCHANGED = ['id', 'side', 'peer', 'at', 'sealed', 'state', 'receipt'] as const
const columns = (of: Exchanged) =>
  Object.fromEntries(EXCHANGED.map((name) => [`exchange_${name}`, of[name]])) as BothValues

const insertBoth = prepared(
  [...LINE, ...EXCHANGED.map((name) => `exchange_${name}` as const)],
  (db: Db, values: BothValues) => {
    const row = Object.fromEntries(EXCHANGED.map((name) => [name, values[`exchange_${name}`]])) as Exchanged
    return line(db.with('exchange', (eb) => eb.insertInto('exchanges').values(row)) as unknown as Db, values)
  },
)

export function createAccessLog({ vault, clock }: { vault: Vault; clock: Clock }): AccessLog {
  return {
    async append(db, entry, patient, exchange) {
      const recorded = new Date(clock.now()).toISOString()
      const full: AuditEntry = { id: randomUUID(), recorded, ...entry }
      const salt = randomBytes(32)
      const lookup = patient
        ? 'id' in patient
          ? vault.lookup('patient', patient.id)
          : personLookup(vault, patient)
        : null
      const sealed = sealJson(vault.storeKey, full)
      const { id, kind } = full
      const line = { id, recorded, kind, salt, leaf: leafOf(salt, full), lookup, sealed }
      const written = exchange ? insertBoth(db, { ...line, ...columns(exchange) }) : insertLine(db, line)
      await inAuditStore(written)
      return full.id
    },
  }
}

/** Whatever keeps the store from taking a line has one name. @throws WayleaveError `audit-unavailable` */
export async function inAuditStore<T>(written: Promise<T>): Promise<T> {
  try {
    return await written
  } catch (cause) {
    throw wayleaveError('audit-unavailable', String(cause), cause)
  }
}

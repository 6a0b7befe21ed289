import { randomUUID } from 'node:crypto'
import type { Kysely, Selectable } from 'kysely'
import type { AuditEntry, AuditParty } from '../../domain/audit/audit-entry.ts'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'
import { type AccessLog, lookupsOf, personLookup } from './access-log.ts'

type Db = Kysely<BrokerTables>
type Row = Selectable<BrokerTables['audit_holds']>

/** Who does something with a hold: a person, by a program. */
export type HoldPerson = { user: NonNullable<AuditEntry['user']>; client: { id: string } }

export type HoldWish = {
  reason: string
  /** `Patient/ID` here, or a number by which somebody was asked about elsewhere; neither: all of the trail. */
  patient?: string
  identifier?: Identifier
  /** Instants, inclusive and exclusive. */
  from?: string
  until?: string
}

type HoldBody = HoldWish & { patientIds: string[]; liftReasons: { by: string; reason: string }[] }

export type Hold = Omit<HoldWish, 'identifier'> & {
  id: string
  covers: 'everybody' | 'patient'
  placedBy: string
  placedAt: string
  /** The first of the two who it takes to lift it. */
  liftAskedBy?: string
  liftedBy?: string
  liftedAt?: string
  liftReasons: { by: string; reason: string }[]
}

export type Holds = {
  /** Counts at once: keeping is what one person may decide. @throws WayleaveError `request-invalid` for an unknown patient */
  place(wish: HoldWish, by: HoldPerson): Promise<Hold>
  /** Standing and lifted, the newest first. */
  list(): Promise<Hold[]>
  /**
   * The first person's word asks for it, a second person's lifts it.
   * @throws WayleaveError `hold-unknown`, `hold-lifted`, `second-person-needed` where the same person says it again
   */
  lift(id: string, reason: string, by: HoldPerson): Promise<Hold>
  /** Finds anew under what the patients of standing holds are known: an identity may have changed since. */
  refresh(db: Db): Promise<void>
}

/** Legal holds on the trail: what they cover is kept, whatever the retention says. */
export function createHolds(deps: {
  db: Db
  vault: Vault
  clock: Clock
  patients: PatientStore
  accessLog: AccessLog
  /** This hospital, as the trail names it. */
  own: AuditParty
}): Holds {
  const { db, vault, clock, patients } = deps
  const now = () => new Date(clock.now()).toISOString()
  const bodyOf = (row: Row) => openJson<HoldBody>(vault.storeKey, row.sealed)

  const note = (trx: Db, by: HoldPerson, kind: AuditEntry['kind'], about: StoredPatient[], text: string) =>
    deps.accessLog.append(
      trx,
      {
        ...{ kind, outcome: '0', custodian: deps.own, ...by, note: text },
        ...(about[0] ? { patient: { reference: `Patient/${about[0].secrets.fhirId}` } } : {}),
      },
      about[0],
    )

  function viewOf(row: Row): Hold {
    const { reason, patient, from, until, liftReasons } = bodyOf(row)
    return {
      ...{ id: row.id, covers: row.everybody ? 'everybody' : 'patient', reason, liftReasons },
      ...{ placedBy: row.placed_by, placedAt: row.placed_at },
      ...(patient ? { patient } : {}),
      ...(from ? { from } : {}),
      ...(until ? { until } : {}),
      ...(row.lift_asked_by ? { liftAskedBy: row.lift_asked_by } : {}),
      ...(row.lifted_by && row.lifted_at ? { liftedBy: row.lifted_by, liftedAt: row.lifted_at } : {}),
    }
  }

  async function personsOf(trx: Db, ids: readonly string[]): Promise<StoredPatient[]> {
    const found = await Promise.all(ids.map((id) => patients.byId(trx, id)))
    return found.flatMap((one) => one ?? [])
  }

  async function lookupsFor(trx: Db, { patientIds, identifier }: HoldBody): Promise<string[]> {
    const persons = await personsOf(trx, patientIds)
    return [
      ...persons.flatMap((one) => lookupsOf(vault, one)),
      ...persons.flatMap(({ secrets }) => (secrets.formerly ?? []).map((id) => vault.lookup('patient', id))),
      ...(identifier ? [personLookup(vault, identifier)] : []),
    ]
  }

  async function cover(trx: Db, id: string, body: HoldBody): Promise<void> {
    const known = await trx
      .selectFrom('audit_hold_patients')
      .select('lookup')
      .where('hold_id', '=', id)
      .execute()
    const had = new Set(known.map(({ lookup }) => lookup))
    const lookups = [...new Set(await lookupsFor(trx, body))].filter((lookup) => !had.has(lookup))
    if (lookups.length > 0)
      await trx
        .insertInto('audit_hold_patients')
        .values(lookups.map((lookup) => ({ hold_id: id, lookup })))
        .execute()
  }

  return {
    place: (wish, by) =>
      db.transaction().execute(async (trx) => {
        const named = wish.patient
          ? await patients.byFhirId(trx, wish.patient.replace(/^Patient\//, ''))
          : undefined
        if (wish.patient && !named) throw wayleaveError('request-invalid', 'patient')
        const known = wish.identifier ? await patients.byIdentifier(trx, wish.identifier) : []
        const persons = named ? [named] : known
        const body: HoldBody = { ...wish, patientIds: persons.map(({ id }) => id), liftReasons: [] }
        const row: Row = {
          ...{ id: randomUUID(), from_at: wish.from ?? null, until_at: wish.until ?? null },
          everybody: !wish.patient && !wish.identifier,
          sealed: sealJson(vault.storeKey, body),
          ...{
            placed_by: by.user.id,
            placed_at: now(),
            lift_asked_by: null,
            lifted_by: null,
            lifted_at: null,
          },
        }
        await trx.insertInto('audit_holds').values(row).execute()
        if (!row.everybody) await cover(trx, row.id, body)
        await note(trx, by, 'hold-placed', persons, `Hold ${row.id}: ${wish.reason}`)
        return viewOf(row)
      }),

    async list() {
      const rows = await db.selectFrom('audit_holds').selectAll().orderBy('placed_at', 'desc').execute()
      return rows.map(viewOf)
    },

    lift: (id, reason, by) =>
      db.transaction().execute(async (trx) => {
        const row = await trx
          .selectFrom('audit_holds')
          .selectAll()
          .where('id', '=', id)
          .forUpdate()
          .executeTakeFirst()
        if (!row) throw wayleaveError('hold-unknown')
        if (row.lifted_at) throw wayleaveError('hold-lifted')
        if (row.lift_asked_by === by.user.id) throw wayleaveError('second-person-needed')
        const body = bodyOf(row)
        const isSecond = row.lift_asked_by !== null
        const changed: Partial<Row> = {
          sealed: sealJson(vault.storeKey, {
            ...body,
            liftReasons: [...body.liftReasons, { by: by.user.id, reason }],
          }),
          ...(isSecond ? { lifted_by: by.user.id, lifted_at: now() } : { lift_asked_by: by.user.id }),
        }
        await trx.updateTable('audit_holds').set(changed).where('id', '=', id).execute()
        const persons = await personsOf(trx, body.patientIds)
        await note(trx, by, isSecond ? 'hold-lifted' : 'hold-lift-asked', persons, `Hold ${id}: ${reason}`)
        return viewOf({ ...row, ...changed })
      }),

    async refresh(trx) {
      const rows = await trx
        .selectFrom('audit_holds')
        .selectAll()
        .where('lifted_at', 'is', null)
        .where('everybody', '=', false)
        .execute()
      for (const row of rows) await cover(trx, row.id, bodyOf(row))
    },
  }
}

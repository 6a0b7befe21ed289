import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { ResolutionRequest } from '../../domain/audit/resolution.ts'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { PatientStore } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Vault } from '../../store/vault.ts'
import { partyOf } from '../release/parties.ts'
import { type AccessLog, inAuditStore } from './access-log.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** One person within an hour, and all of the hospital within a day: an inquiry is about a few, and a curious eye about many. */
export const RESOLUTION_LIMITS = { ofPerson: 10, ofHospital: 40 }

/** Who asks, as the program says that it let them in. */
export type ResolvingPerson = { user: { id: string; role?: string; name?: string }; client: { id: string } }

export type Resolutions = {
  /**
   * Whose handle it is, at this hospital. It is in the log, and in the patient's own trail, before it is answered: who, when,
   * which handle, why.
   * @throws WayleaveError `not-available` for every handle that is not one of this hospital's patients', whoever's it is;
   * `rate-limited`, also in the log; `audit-unavailable`
   */
  resolve(
    by: ResolvingPerson,
    request: ResolutionRequest,
  ): Promise<{ patient: string; closed?: 'moved' | 'ended' }>
}

export function createResolutions(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  clock: Clock
  patients: PatientStore
  accessLog: AccessLog
  index: IndexQueries
  member: Hex
}): Resolutions {
  const { db, vault, clock } = deps
  const ago = (ms: number) => new Date(clock.now() - ms).toISOString()

  /** Noted first and counted then, so that many at once do not pass together. What is refused counts, too. */
  async function withinLimits({ user, client }: ResolvingPerson): Promise<boolean> {
    const person_lookup = vault.lookup('resolving-person', JSON.stringify([client.id, user.id]))
    await inAuditStore(
      db
        .insertInto('resolutions')
        .values({ id: randomUUID(), at: ago(0), client_id: client.id, person_lookup })
        .execute(),
    )
    await db.deleteFrom('resolutions').where('at', '<', ago(DAY)).execute()
    const { all } = await db
      .selectFrom('resolutions')
      .select((eb) => eb.fn.countAll().as('all'))
      .executeTakeFirstOrThrow()
    const { own } = await db
      .selectFrom('resolutions')
      .select((eb) => eb.fn.countAll().as('own'))
      .where('person_lookup', '=', person_lookup)
      .where('at', '>', ago(HOUR))
      .executeTakeFirstOrThrow()
    return Number(own) <= RESOLUTION_LIMITS.ofPerson && Number(all) <= RESOLUTION_LIMITS.ofHospital
  }

  return {
    async resolve(by, { handle, reason, note }) {
      const mayGoOn = await withinLimits(by)
      // Looked for in either case, so that what is refused takes as long.
      const patient = await deps.patients.byHandle(db, handle)
      const resolved = mayGoOn ? patient : undefined
      await deps.accessLog.append(
        db,
        {
          ...by,
          ...{ kind: 'handle-resolved', outcome: resolved ? '0' : '4', reason, note, handle },
          custodian: await partyOf(deps.index, deps.member),
          ...(resolved ? { patient: { reference: `Patient/${resolved.secrets.fhirId}` } } : {}),
        },
        resolved,
      )
      if (!mayGoOn) throw wayleaveError('rate-limited', 'resolutions')
      if (!resolved) throw wayleaveError('not-available', 'no handle of a patient here')
      return {
        patient: `Patient/${resolved.secrets.fhirId}`,
        ...(resolved.closed ? { closed: resolved.closed } : {}),
      }
    },
  }
}

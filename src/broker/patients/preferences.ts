import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { isLanguage } from '../../domain/identity/contact-points.ts'
import type { OwnPreferences } from '../../domain/portal/notices.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'

/** At most one message in so long says that something changed. Milliseconds. */
export const TOLD_EVERY = 3_600_000

export type Preferences = {
  of(patient: StoredPatient): Promise<OwnPreferences>
  /** @throws WayleaveError `request-invalid` */
  set(patient: StoredPatient, input: { channel?: unknown; language?: unknown }): Promise<OwnPreferences>
}

/** On which way a patient wants to hear that something changed: none, until they say so. */
export function createPreferences(deps: { db: Kysely<BrokerTables>; clock: Clock }): Preferences {
  const { db, clock } = deps
  return {
    async of(patient) {
      const row = await db
        .selectFrom('patient_preferences')
        .select(['channel', 'language'])
        .where('patient_id', '=', patient.id)
        .executeTakeFirst()
      return {
        channel: row?.channel ?? 'none',
        ...(isLanguage(row?.language) ? { language: row.language } : {}),
      }
    },

    async set(patient, { channel, language }) {
      if (channel !== 'none' && channel !== 'contact') throw wayleaveError('request-invalid', 'channel')
      if (language !== undefined && !isLanguage(language)) throw wayleaveError('request-invalid', 'language')
      const values = { channel: channel as OwnPreferences['channel'], language: language ?? null }
      await db
        .insertInto('patient_preferences')
        .values({
          ...{ patient_id: patient.id, ...values },
          // What happened before is not told of now.
          told_at: new Date(clock.now() - TOLD_EVERY).toISOString(),
        })
        .onConflict((oc) => oc.column('patient_id').doUpdateSet(values))
        .execute()
      return { channel: values.channel, ...(language === undefined ? {} : { language }) }
    },
  }
}

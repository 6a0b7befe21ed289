import type { Kysely } from 'kysely'
import type { AuditEntry } from '../../domain/audit/audit-entry.ts'
import type { Clock } from '../../domain/clock.ts'
import { contactsOf, isLanguage, type Language, languageOf } from '../../domain/identity/contact-points.ts'
import { NOTICED_KINDS, noticeOf } from '../../domain/portal/notices.ts'
import type { FhirSource } from '../../fhir/source.ts'
import type { Logger } from '../../observe/log.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, type Vault } from '../../store/vault.ts'
import type { Lead } from '../../turns/lead.ts'
import { createTurns, type Turns } from '../../turns/turns.ts'
import type { Messages } from './message-outbox.ts'
import type { Notices } from './notices.ts'
import { TOLD_EVERY } from './preferences.ts'

const MARK = 'notices'
const AT_ONCE = 200
const DAY = 24 * 3_600_000
/** How often consents are looked through for those that end soon. Milliseconds. */
const ENDINGS_EVERY = 6 * 3_600_000

/**
 * Follows the trail, and what waits for a signature, and keeps what of it a patient is to know; tells those who want it, by a
 * message that says no more than that something changed, at most once an hour. Whoever has no key bound here has no notices.
 */
export function createNoticeWatch(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  clock: Clock
  log: Logger
  lead: Pick<Lead, 'holds'>
  patients: PatientStore
  source: Pick<FhirSource, 'readPatient'>
  notices: Notices
  messages: Messages
  language: Language
  everyMs?: number
}): Turns {
  const { db, vault, clock, patients, notices } = deps
  const instant = (ms = 0) => new Date(clock.now() + ms).toISOString()
  /** Whose a lookup is; entries bear the one, and rows the other. */
  const ids = new Map<string, string>()
  let knownUntil = ''
  let proposalsSeen = ''
  let endingsAt = Number.NEGATIVE_INFINITY

  async function learnPatients(): Promise<void> {
    const rows = await db
      .selectFrom('patients')
      .select(['id', 'created_at'])
      .where('created_at', '>=', knownUntil)
      .orderBy('created_at')
      .execute()
    for (const { id } of rows) ids.set(patients.lookupOf({ id }), id)
    knownUntil = rows.at(-1)?.created_at ?? knownUntil
  }

  /** The patient, where there is one who could read it. */
  async function enrolled(id: string | undefined): Promise<StoredPatient | undefined> {
    const patient = id === undefined ? undefined : await patients.byId(db, id)
    return patient?.signerHash ? patient : undefined
  }

  async function markOf(name: string): Promise<number> {
    const row = await db.selectFrom('audit_marks').select('place').where('name', '=', name).executeTakeFirst()
    return row?.place ?? 0
  }

  async function followTrail(): Promise<void> {
    const filed = await markOf('filed')
    for (let place = await markOf(MARK); place < filed; ) {
      const rows = await db
        .selectFrom('audit_events')
        .select(['place', 'patient_lookup', 'sealed'])
        .where('place', '>', place)
        .where('place', '<=', filed)
        .where('kind', 'in', [...NOTICED_KINDS])
        .where('patient_lookup', 'is not', null)
        .orderBy('place')
        .limit(AT_ONCE)
        .execute()
      if (rows.length > 0) await learnPatients()
      for (const { patient_lookup, sealed } of rows) {
        const patient = await enrolled(ids.get(patient_lookup ?? ''))
        const notice = patient && noticeOf(openJson<AuditEntry>(vault.storeKey, sealed))
        if (notice) await notices.add(db, patient, notice.source, notice.body)
      }
      place = rows.length < AT_ONCE ? filed : (rows.at(-1)?.place ?? filed)
      await db
        .insertInto('audit_marks')
        .values({ name: MARK, place, busy_until: '' })
        .onConflict((oc) => oc.column('name').doUpdateSet({ place }))
        .execute()
    }
  }

  async function followProposals(): Promise<void> {
    const rows = await db
      .selectFrom('proposals')
      .select(['consent_id', 'patient_id', 'created_at'])
      .where('created_at', '>=', proposalsSeen)
      .orderBy('created_at')
      .limit(AT_ONCE)
      .execute()
    for (const { consent_id, patient_id, created_at } of rows) {
      const patient = await enrolled(patient_id)
      if (patient)
        await notices.add(db, patient, `proposal|${consent_id}|${created_at}`, {
          ...{ kind: 'proposal-waiting', at: created_at, about: consent_id },
        })
    }
    proposalsSeen = rows.at(-1)?.created_at ?? proposalsSeen
  }

  /** Whoever looks into the portal has them noticed then; this is for those who want to be told. */
  async function followEndings(): Promise<void> {
    if (clock.monotonic() - endingsAt < ENDINGS_EVERY) return
    endingsAt = clock.monotonic()
    const rows = await db
      .selectFrom('patient_preferences')
      .select('patient_id')
      .where('channel', '=', 'contact')
      .execute()
    for (const { patient_id } of rows) {
      const patient = await enrolled(patient_id)
      if (patient) await notices.noticeEndings(patient)
    }
  }

  async function tell(): Promise<void> {
    const due = await db
      .selectFrom('patient_preferences as p')
      .select(['p.patient_id', 'p.language'])
      .where('p.channel', '=', 'contact')
      .where((eb) => eb.or([eb('p.told_at', 'is', null), eb('p.told_at', '<=', instant(-TOLD_EVERY))]))
      .where((eb) =>
        eb.exists(
          eb
            .selectFrom('notices as n')
            .select('n.id')
            .whereRef('n.patient_id', '=', 'p.patient_id')
            .where('n.read', '=', false)
            .where('n.created_at', '>', instant(-DAY))
            .where((e) => e.or([e('p.told_at', 'is', null), e('n.created_at', '>', e.ref('p.told_at'))])),
        ),
      )
      .limit(AT_ONCE)
      .execute()
    for (const { patient_id, language } of due) await tellOne(patient_id, language)
    if (due.length > 0) void deps.messages.flush()
  }

  async function tellOne(id: string, chosen: string | null): Promise<void> {
    const patient = await enrolled(id)
    const file = patient && !patient.closed && (await deps.source.readPatient(patient.secrets.fhirId))
    const to = file && contactsOf(file, clock.now()).find(({ system }) => deps.messages.canReach(system))
    await db.transaction().execute(async (trx) => {
      // At most one in an hour, whoever else looks at the same time.
      const { numUpdatedRows } = await trx
        .updateTable('patient_preferences')
        .set({ told_at: instant() })
        .where('patient_id', '=', id)
        .where((eb) => eb.or([eb('told_at', 'is', null), eb('told_at', '<=', instant(-TOLD_EVERY))]))
        .executeTakeFirst()
      if (numUpdatedRows === 0n || !patient || !file || !to) return
      const language = isLanguage(chosen) ? chosen : (languageOf(file) ?? deps.language)
      await deps.messages.enqueue(trx, patient, to, language, { kind: 'changed' })
    })
  }

  return createTurns({
    everyMs: deps.everyMs ?? 1_000,
    lead: deps.lead,
    async run() {
      await followTrail()
      await followProposals()
      await followEndings()
      await tell()
    },
    failed: (error) => deps.log.warn({ error }, 'notices wait for the next turn'),
  })
}

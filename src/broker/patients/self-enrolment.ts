import { randomUUID } from 'node:crypto'
import { type Kysely, type Selectable, sql } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { errorCodeOf, wayleaveError } from '../../domain/errors.ts'
import {
  type ContactPoint,
  contactOnFile,
  contactsOf,
  type Language,
  languageOf,
  normalContact,
} from '../../domain/identity/contact-points.ts'
import { identifierText } from '../../domain/identity/member-id.ts'
import {
  checkNationalId,
  type Identifier,
  type NationalIdSystem,
  nationalIdSystems,
} from '../../domain/identity/national-ids.ts'
import type { FhirSource } from '../../fhir/source.ts'
import type { Logger } from '../../observe/log.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'
import { createTurns } from '../../turns/turns.ts'
import type { Admission } from './admit-patient.ts'
import { CONFIRM_WITHIN, type EnrolmentBody } from './enrolment-code.ts'
import type { Messages } from './message-outbox.ts'

type Row = Selectable<BrokerTables['enrolment_requests']>
type EnrolmentRequest = { identifier: Identifier; contact: ContactPoint }

const DAY = 24 * 3_600_000
/** How often a day one person may be asked for; what comes beyond is answered alike and leads nowhere. */
const MOST_A_DAY = 5
const AT_ONCE = 8
const LEASE = 30_000
const LONGEST_WAIT = 60_000
/** A record system that has not answered for so many tries keeps nobody waiting for ever. */
const MOST_TRIES = 60

export type SelfEnrolment = {
  /** National identifiers by which somebody can be found here. */
  systems(): NationalIdSystem[]
  /**
   * Somebody asks to be enrolled, by who they say they are and a contact point that they say is theirs.
   * @returns always an id, whoever is or is not a patient here
   * @throws WayleaveError for what nobody could be found by: `identifier-system-unknown`, `identifier-invalid`,
   * `contact-invalid`
   */
  request(input: { identifier?: unknown; contact?: unknown }): Promise<{ enrolment: string }>
  flush(): Promise<void>
  close(): Promise<void>
}

/**
 * Enrolment that the patient begins. Of the request itself nothing is looked up: it is stored, in one statement for everybody,
 * and answered; what comes of it shows at the contact on file and in the registrars' queue, and nowhere else (I11).
 */
export function createSelfEnrolment(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  clock: Clock
  log: Logger
  source: Pick<FhirSource, 'findPatients'>
  admission: Admission
  messages: Messages
  /** Identifier systems taken here; absent: every one that is known. */
  identifierSystems?: readonly string[] | undefined
  /** ISO 3166-1 code for telephone numbers without a country code. */
  country?: string | undefined
  language: Language
  everyMs?: number
}): SelfEnrolment {
  const { db, vault, clock, log, country } = deps
  const instant = (ms = 0) => new Date(clock.now() + ms).toISOString()
  const systems = () =>
    nationalIdSystems().filter(({ system }) => deps.identifierSystems?.includes(system) ?? true)

  async function run(): Promise<void> {
    await db.deleteFrom('enrolment_requests').where('created_at', '<', instant(-DAY)).execute()
    for (;;) {
      const due = await db
        .selectFrom('enrolment_requests')
        .select('id')
        .where('sealed', 'is not', null)
        .where('next_at', '<=', instant())
        .orderBy('created_at')
        .limit(AT_ONCE)
        .execute()
      for (const { id } of due) await claim(id).then((row) => row && follow(row))
      if (due.length < AT_ONCE) return
    }
  }

  const claim = (id: string): Promise<Row | undefined> =>
    db
      .updateTable('enrolment_requests')
      .set({ next_at: instant(LEASE), attempts: sql`attempts + 1` })
      .where('id', '=', id)
      .where('sealed', 'is not', null)
      .where('next_at', '<=', instant())
      .returningAll()
      .executeTakeFirst()

  async function follow(row: Row): Promise<void> {
    try {
      if (await isWithinLimit(row)) await lookUp(row)
    } catch (error) {
      const code = errorCodeOf(error)
      const passes = code === 'source-unavailable' || code === 'internal'
      if (passes && row.attempts < MOST_TRIES) {
        log.warn({ code, count: row.attempts }, 'requests for enrolment wait for the next turn')
        const wait = Math.min(LONGEST_WAIT, 500 * 2 ** Math.min(row.attempts, 20))
        await db
          .updateTable('enrolment_requests')
          .set({ next_at: instant(wait) })
          .where('id', '=', row.id)
          .execute()
        return
      }
    }
    await db.updateTable('enrolment_requests').set({ sealed: null }).where('id', '=', row.id).execute()
  }

  async function isWithinLimit({ identifier_lookup, created_at, id }: Row): Promise<boolean> {
    const { before } = await db
      .selectFrom('enrolment_requests')
      .select((eb) => eb.fn.countAll<number>().as('before'))
      .where('identifier_lookup', '=', identifier_lookup)
      .where('created_at', '<=', created_at)
      .where('id', '!=', id)
      .executeTakeFirstOrThrow()
    return Number(before) < MOST_A_DAY
  }

  /** @throws WayleaveError `identity-frozen`, `not-available`: then nothing comes of it */
  async function lookUp({ id, sealed }: Row): Promise<void> {
    if (!sealed) return
    const { identifier, contact } = openJson<EnrolmentRequest>(vault.storeKey, sealed)
    const [found, ...others] = await deps.source.findPatients(identifier)
    if (!found?.id || others.length > 0) return
    const to = contactOnFile(contactsOf(found, clock.now()), contact, country)
    if (!to || !deps.messages.canReach(to.system)) return
    const patient = await deps.admission(found.id, found)
    const body: EnrolmentBody = { to, language: languageOf(found) ?? deps.language }
    await db.transaction().execute(async (trx) => {
      if (patient.signerHash) {
        await deps.messages.enqueue(trx, patient, to, body.language, { kind: 'enrolled-already' })
        return
      }
      // Whoever asks again has lost sight of the first one: what nobody has confirmed yet gives way.
      await trx
        .deleteFrom('enrolments')
        .where('patient_id', '=', patient.id)
        .where('started_by', '=', 'patient')
        .where('second_registrar', 'is', null)
        .execute()
      await trx
        .insertInto('enrolments')
        .values({
          ...{ id, patient_id: patient.id, started_by: 'patient', code_hash: null },
          ...{ first_registrar: null, second_registrar: null, rejected_by: null, attempts: 0, used: false },
          sealed: sealJson(patient.key, body),
          created_at: instant(),
          expires_at: instant(CONFIRM_WITHIN),
        })
        .onConflict((oc) => oc.doNothing())
        .execute()
    })
    if (patient.signerHash) void deps.messages.flush()
  }

  const turns = createTurns({
    everyMs: deps.everyMs ?? 1_000,
    run,
    failed: (error) => log.warn({ error }, 'requests for enrolment wait for the next turn'),
  })

  return {
    systems,
    async request({ identifier, contact }) {
      const { system, value } = (identifier ?? {}) as Partial<Record<string, unknown>>
      if (typeof system !== 'string' || typeof value !== 'string') throw wayleaveError('identifier-invalid')
      if (!systems().some((one) => one.system === system)) throw wayleaveError('identifier-system-unknown')
      const checked = checkNationalId({ system, value })
      if (!checked.ok) throw wayleaveError(checked.code)
      const normal = typeof contact === 'string' ? normalContact(contact, country) : undefined
      if (!normal) throw wayleaveError('contact-invalid')
      const id = randomUUID()
      const asked: EnrolmentRequest = { identifier: checked.identifier, contact: normal }
      await db
        .insertInto('enrolment_requests')
        .values({
          id,
          identifier_lookup: vault.lookup('enrolment-request', identifierText(checked.identifier)),
          sealed: sealJson(vault.storeKey, asked),
          ...{ attempts: 0, next_at: instant(), created_at: instant() },
        })
        .execute()
      void turns.flush()
      return { enrolment: id }
    },
    flush: turns.flush,
    close: turns.close,
  }
}

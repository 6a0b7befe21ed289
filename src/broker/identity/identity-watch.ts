import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { AuditParty } from '../../domain/audit/audit-entry.ts'
import type { Clock } from '../../domain/clock.ts'
import {
  IDENTITY_KIND_TEXT,
  IDENTITY_KINDS,
  type IdentityKind,
  identityChanges,
  isOlder,
  linkedIds,
  NO_PICTURE,
  nationalIn,
  type PatientPicture,
  type Sighting,
} from '../../domain/identity/identity-events.ts'
import { parseIdentifierText } from '../../domain/identity/member-id.ts'
import { takeBackMessages } from '../../exchange/outbox.ts'
import { type PatientStore, type StoredPatient, storedPicture } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'
import type { AccessLog } from '../audit/access-log.ts'

type Db = Kysely<BrokerTables>

/** What one person has said of an event. */
export type Word = {
  word: 'confirm' | 'reject'
  at: string
  user: { id: string; name?: string; role?: string }
  client: { id: string }
  reason: string
  /** The person's own words; for the records office alone. */
  note?: string
}

/** What an event holds, sealed with the store key. Patients are named by their id at the FHIR server. */
export type EventBody = {
  changes: {
    at: string
    fhirId: string
    kinds: IdentityKind[]
    before: PatientPicture
    now: PatientPicture
  }[]
  /** What stood of each person concerned before the event. */
  before: Record<string, PatientPicture>
  words: Word[]
}

export type IdentityWatch = ReturnType<typeof createIdentityWatch>

/**
 * Sees what happens to patients' identities, and freezes them: in the transaction that stores the event nothing of the
 * persons concerned is shared or widened any more, until two persons have decided.
 */
export function createIdentityWatch(deps: {
  patients: PatientStore
  vault: Vault
  clock: Clock
  accessLog: AccessLog
  /** This hospital, as the trail names it. */
  own: AuditParty
}) {
  const { patients, vault, clock } = deps
  /** Whose shares have to be looked at once the transaction is over. */
  const touched = new Set<string>()

  /** The row of a file of this hospital; a new one where nothing is known of it but that others name it. */
  async function rowOf(trx: Db, fhirId: string): Promise<StoredPatient> {
    return (
      (await patients.byFhirId(trx, fhirId)) ??
      (await patients.create(trx, { fhirId, identifiers: [], unseen: true }))
    )
  }

  /** Others in whose files a number of this picture stands, too. */
  async function sharing(trx: Db, patient: StoredPatient, now: PatientPicture): Promise<StoredPatient[]> {
    const texts = new Set(nationalIn(now.identifiers))
    for (const one of now.identifiers)
      if (nationalIn([one]).length > 0) texts.add(`${one.system}|${one.value}`)
    const found = new Map<string, StoredPatient>()
    for (const text of texts)
      for (const other of await patients.byIdentifier(trx, parseIdentifierText(text)))
        found.set(other.id, other)
    found.delete(patient.id)
    return [...found.values()]
  }

  async function openEventOf(trx: Db, patient: StoredPatient) {
    return trx
      .selectFrom('identity_events')
      .innerJoin('identity_event_patients', 'identity_event_patients.event_id', 'identity_events.id')
      .selectAll('identity_events')
      .where('patient_id', '=', patient.id)
      .where('status', '=', 'open')
      .orderBy('created_at')
      .limit(1)
      .executeTakeFirst()
  }

  /** Stores an event, or adds to the one that is open; whatever a first person has said of it is void then. */
  async function raise(
    trx: Db,
    patient: StoredPatient,
    change: Omit<EventBody['changes'][number], 'at' | 'fhirId'>,
    others: readonly StoredPatient[],
  ): Promise<void> {
    const at = new Date(clock.now()).toISOString()
    const concerned = [patient, ...others]
    // In one order, so that two who freeze the same persons do not wait for each other.
    for (const { id } of [...concerned].sort((x, y) => (x.id < y.id ? -1 : 1))) await patients.lock(trx, id)
    const open = await openEventOf(trx, patient)
    const body: EventBody = open
      ? openJson<EventBody>(vault.storeKey, open.sealed)
      : { changes: [], before: {}, words: [] }
    body.changes.push({ at, fhirId: patient.secrets.fhirId, ...change })
    for (const one of concerned)
      body.before[one.secrets.fhirId] ??= one === patient ? change.before : storedPicture(one)
    const seen = new Set(body.changes.flatMap(({ kinds }) => kinds))
    const kind = IDENTITY_KINDS.find((one) => seen.has(one)) ?? 'linked'
    const said = { kind, word: null, first_person: null, sealed: sealJson(vault.storeKey, body) }
    const id = open?.id ?? randomUUID()
    if (open) await trx.updateTable('identity_events').set(said).where('id', '=', id).execute()
    else {
      const last = await trx
        .selectFrom('records')
        .select((eb) => eb.fn.max('seq').as('seq'))
        .executeTakeFirst()
      await trx
        .insertInto('identity_events')
        .values({
          ...said,
          id,
          status: 'open',
          records_from: Number(last?.seq ?? 0),
          second_person: null,
          created_at: at,
          closed_at: null,
        })
        .execute()
    }
    for (const one of concerned) {
      await trx
        .insertInto('identity_event_patients')
        .values({ event_id: id, patient_id: one.id })
        .onConflict((oc) => oc.doNothing())
        .execute()
      // What waits to be delivered would give out keys, whatever follows it.
      await takeBackMessages(trx, one.id)
      // What was taken back was never told: whatever is so afterwards is told anew, though it be the same.
      await trx.updateTable('shares_sent').set({ digest: '' }).where('patient_id', '=', one.id).execute()
      await note(trx, one, change.kinds)
      touched.add(one.id)
    }
  }

  async function note(trx: Db, patient: StoredPatient, kinds: readonly IdentityKind[]): Promise<void> {
    const entry = {
      kind: 'identity-event' as const,
      outcome: '0' as const,
      custodian: deps.own,
      patient: { reference: `Patient/${patient.secrets.fhirId}` },
      note: kinds.map((kind) => IDENTITY_KIND_TEXT[kind]).join(' '),
    }
    await deps.accessLog.append(trx, entry, patient)
  }

  async function observe(trx: Db, fhirId: string, seen: PatientPicture, at: Sighting): Promise<void> {
    let found = await patients.byFhirId(trx, fhirId)
    const isNew = found === undefined
    if (!found) {
      // Of somebody of whom nothing is registered a link alone matters, and only to those who have enrolled here.
      const targets: (StoredPatient | undefined)[] = []
      for (const id of linkedIds(seen)) targets.push(await patients.byFhirId(trx, id))
      if (!targets.some((target) => target?.signerHash)) return
      found = await patients.create(trx, { fhirId, identifiers: [], unseen: true })
    }
    await compare(trx, found, seen, isNew, at)
  }

  async function compare(
    trx: Db,
    found: StoredPatient,
    seen: PatientPicture,
    isNew: boolean,
    at: Sighting,
  ): Promise<void> {
    const patient = await patients.lock(trx, found.id)
    const last = patient.secrets.sighting
    if (last && isOlder(at, last)) return
    const first = isNew || patient.secrets.unseen === true
    // What a file says when it is seen for the first time is what stands, save what ties it to others.
    const before: PatientPicture = first
      ? { ...NO_PICTURE, identifiers: seen.identifiers, deceased: seen.deceased }
      : storedPicture(patient)
    if (!first && JSON.stringify(before) === JSON.stringify(seen)) return
    const { unseen: _unseen, ...secrets } = patient.secrets
    patient.secrets = { ...secrets, ...seen, sighting: bounded(at) }
    await patients.save(trx, patient)
    await patients.setIdentifiers(trx, patient.id, seen.identifiers)
    const kinds = identityChanges(before, seen)
    const others = new Map<string, StoredPatient>()
    for (const id of linkedIds({ ...NO_PICTURE, links: changedLinks(before, seen) })) {
      if (id === patient.secrets.fhirId) continue
      const other = first ? await patients.byFhirId(trx, id) : await rowOf(trx, id)
      if (other) others.set(other.id, other)
    }
    const had = first ? [] : before.identifiers
    const news = nationalIn(seen.identifiers).join() !== nationalIn(had).join()
    const sharers = news && !seen.removed ? await sharing(trx, patient, seen) : []
    for (const other of sharers) others.set(other.id, other)
    if (sharers.length > 0) kinds.push('identifier-shared')
    // Files as they are found are how things stand: there is a doubt only where somebody has signed already.
    const doubt = !first || [...others.values()].some(({ signerHash }) => signerHash !== undefined)
    if (kinds.length > 0 && doubt)
      await raise(trx, patient, { kinds, before, now: seen }, [...others.values()])
  }

  /** A version dated next year must not hide all that follows it until then. */
  const bounded = ({ versionId, lastUpdated }: Sighting): Sighting => {
    const at = Math.min(Date.parse(lastUpdated) || clock.now(), clock.now())
    return { versionId, lastUpdated: new Date(at).toISOString() }
  }

  return {
    /** What a Patient resource says now, in the transaction of whoever saw it. */
    observe,

    /** A file whose first record came: its row, drawn now, and all that has to be said of it. */
    async admit(
      trx: Db,
      fhirId: string,
      seen: { picture: PatientPicture; at: Sighting } | undefined,
    ): Promise<StoredPatient> {
      // A record may come before its Patient: the identifiers follow when that one comes, and nothing is lost meanwhile.
      const created = await patients.create(trx, { fhirId, identifiers: [], unseen: true })
      if (seen) await compare(trx, created, seen.picture, true, seen.at)
      return (await patients.byId(trx, created.id)) ?? created
    },

    /** The Patient resource was deleted. */
    async removed(trx: Db, fhirId: string, at: Sighting): Promise<void> {
      const found = await patients.byFhirId(trx, fhirId)
      if (found && !found.secrets.removed)
        await compare(trx, found, { ...storedPicture(found), removed: true }, false, at)
    },

    /** The chain shows one key for two patients: neither is believed to be who signs. Told twice, it is one event. */
    async sharedKey(trx: Db, patient: StoredPatient, other: StoredPatient): Promise<void> {
      const known = await trx
        .selectFrom('identity_events')
        .innerJoin('identity_event_patients as one', 'one.event_id', 'identity_events.id')
        .innerJoin('identity_event_patients as two', 'two.event_id', 'identity_events.id')
        .select('identity_events.sealed')
        .where('one.patient_id', '=', patient.id)
        .where('two.patient_id', '=', other.id)
        .execute()
      const told = known.some(({ sealed }) =>
        openJson<EventBody>(vault.storeKey, sealed).changes.some(({ kinds }) => kinds.includes('key-shared')),
      )
      if (told) return
      const picture = storedPicture(patient)
      await raise(trx, patient, { kinds: ['key-shared'], before: picture, now: picture }, [other])
    },

    /** Whose shares have to be looked at anew, since this was asked last. */
    takeTouched(): string[] {
      const ids = [...touched]
      touched.clear()
      return ids
    },
  }
}

const changedLinks = (before: PatientPicture, now: PatientPicture) => [
  ...now.links.filter((link) => !before.links.includes(link)),
  ...before.links.filter((link) => !now.links.includes(link)),
]

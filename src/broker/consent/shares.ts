import { createHash, randomBytes } from 'node:crypto'
import { importJWK, type JWK } from 'jose'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import type { Hex } from '../../domain/hex.ts'
import { checkNationalId } from '../../domain/identity/national-ids.ts'
import { compartmentKey } from '../../domain/records/compartments.ts'
import { enqueueMessage } from '../../exchange/outbox.ts'
import { type Share, sealShare } from '../../exchange/share.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog } from '../audit/access-log.ts'
import { freezeOf } from '../identity/freezes.ts'
import { partyOf } from '../release/parties.ts'
import type { ConsentStates } from './consent-state.ts'
import { type Opening, openedLine, openingsOf } from './openings.ts'
import { consentIdOf } from './proposals.ts'

type Db = Kysely<BrokerTables>

export type ShareDeps = {
  patients: PatientStore
  states: ConsentStates
  index: IndexQueries
  clock: Clock
  custodian: Hex
  signing: { key: CryptoKey; kid: string }
  accessLog: AccessLog
}

/** A share before it is numbered. */
type ShareBody = Omit<Share, 'reference' | 'sequence'>

/**
 * Holds what was shared against what the consents open now, and sends the difference: a new or changed share, or its end.
 * Safe to call at any time and any number of times.
 */
export async function reconcileShares(db: Db, deps: ShareDeps, patient: StoredPatient): Promise<void> {
  const compartments = await compartmentsOf(db, patient)
  const openings = await openingsOf(db, deps, patient, [...new Set(compartments.map(({ name }) => name))])
  const sent = await db.selectFrom('shares_sent').selectAll().where('patient_id', '=', patient.id).execute()
  const wanted = new Map(openings.map((o) => [`${o.grantee}/${o.scopeHash}`, o]))
  for (const opening of openings) {
    await send(
      db,
      deps,
      patient,
      opening.grantee,
      opening.scopeHash,
      bodyOf(deps, patient, opening, compartments),
    )
  }
  for (const { grantee, scope_hash } of sent) {
    if (wanted.has(`${grantee}/${scope_hash}`)) continue
    await send(db, deps, patient, grantee as Hex, scope_hash as Hex, endOf(deps, grantee as Hex))
  }
}

async function compartmentsOf(
  db: Db,
  patient: StoredPatient,
): Promise<{ name: string; keyNumber: number }[]> {
  const rows = await db
    .selectFrom('compartments')
    .select(['compartment', 'key_number'])
    .where('patient_id', '=', patient.id)
    .orderBy('compartment')
    .orderBy('key_number')
    .execute()
  return rows.map((row) => ({ name: row.compartment, keyNumber: row.key_number }))
}

function bodyOf(
  deps: ShareDeps,
  patient: StoredPatient,
  opening: Opening,
  all: { name: string; keyNumber: number }[],
): ShareBody {
  const { granteeType, grantee, purpose } = opening.scope
  const keys = new Map(
    patient.secrets.pointerKeys.map(({ number, key }) => [number, Buffer.from(key, 'base64url')]),
  )
  return {
    custodian: deps.custodian,
    grantee: opening.grantee,
    ended: false,
    // The number that both hospitals know; this hospital's own record number is none of the grantee's business.
    identifiers: patient.secrets.identifiers.filter((identifier) => checkNationalId(identifier).ok),
    scope: { granteeType, grantee, purpose },
    terms: opening.terms,
    fromDay: opening.fromDay,
    untilDay: opening.untilDay,
    listing: opening.listing,
    compartments: all.flatMap(({ name, keyNumber }) => {
      const key = keys.get(keyNumber)
      if (!key || !opening.compartments.includes(name)) return []
      return [{ name, keyNumber, key: Buffer.from(compartmentKey(key, name)).toString('base64url') }]
    }),
  }
}

function endOf(deps: ShareDeps, grantee: Hex): ShareBody {
  return {
    custodian: deps.custodian,
    grantee,
    ended: true,
    identifiers: [],
    scope: { granteeType: 'Organization', grantee: '', purpose: '' },
    terms: { dataClasses: [], sensitivities: [] },
    fromDay: 0,
    untilDay: 0,
    listing: 'chain',
    compartments: [],
  }
}

async function send(
  db: Db,
  deps: ShareDeps,
  patient: StoredPatient,
  grantee: Hex,
  scope: Hex,
  body: ShareBody,
): Promise<void> {
  const digest = createHash('sha256').update(JSON.stringify(body)).digest('base64url')
  const recipient = await sealingKey(deps.index, grantee)
  if (!recipient) return // without a key nobody can be told; the next reconciliation tries again
  // Before the transaction: the index has the same connection on an embedded database, and would be waited for ever.
  const custodian = await partyOf(deps.index, deps.custodian)
  const requester = await partyOf(deps.index, grantee)
  await db.transaction().execute(async (trx) => {
    // Under the patient's lock, which a freeze takes first: what was open when it was read may be open no more.
    await deps.patients.lock(trx, patient.id)
    if (!body.ended && (await freezeOf(trx, patient))) return
    const before = await trx
      .selectFrom('shares_sent')
      .selectAll()
      .where('patient_id', '=', patient.id)
      .where('grantee', '=', grantee)
      .where('scope_hash', '=', scope)
      .forUpdate()
      .executeTakeFirst()
    if (before?.digest === digest || (body.ended && !before)) return
    const reference = before?.reference ?? randomBytes(16).toString('base64url')
    const sequence = (before?.sequence ?? 0) + 1
    const row = { patient_id: patient.id, grantee, scope_hash: scope, reference, sequence, digest }
    await trx
      .insertInto('shares_sent')
      .values(row)
      .onConflict((oc) =>
        oc.columns(['patient_id', 'grantee', 'scope_hash']).doUpdateSet({ sequence, digest }),
      )
      .execute()
    const jwe = await sealShare({ reference, sequence, ...body }, deps.signing, recipient)
    await noteHanded(trx, deps, patient, grantee, body)
    const message = { member: grantee, path: '/exchange/share', body: jwe, signed_by: deps.signing.kid }
    await deps.accessLog.append(
      trx,
      {
        ...{ kind: 'share-sent', outcome: '0' },
        ...{ custodian, requester },
        patient: { reference: `Patient/${patient.secrets.fhirId}` },
        policy: `Consent/${consentIdOf(scope)}`,
        ...(body.ended ? { note: 'The share has ended.' } : {}),
      },
      patient,
    )
    // An end is not taken back.
    await enqueueMessage(trx, deps.clock, body.ended ? message : { ...message, about: patient.id })
  })
}

/** Who ever held a key of the current number makes it change once something ended for them (design §5). */
async function noteHanded(
  db: Db,
  { patients }: ShareDeps,
  { id }: StoredPatient,
  grantee: Hex,
  body: ShareBody,
): Promise<void> {
  const { secrets } = await patients.lock(db, id)
  const current = secrets.pointerKeys.at(-1)?.number
  const handed = body.compartments.filter(({ keyNumber }) => keyNumber === current)
  await patients.addOpened(
    db,
    id,
    handed.map(({ name }) => openedLine(grantee, name)),
  )
}

async function sealingKey(index: IndexQueries, member: Hex): Promise<JWK | undefined> {
  const profile = await index.profile(member)
  const key = profile?.jwks.keys.find((one) => one?.use === 'enc') as JWK | undefined
  // A member with a key that is none goes without a share; it must not keep others from theirs.
  const usable = key && (await importJWK(key, 'ECDH-ES+A256KW').catch(() => undefined))
  return usable && key
}

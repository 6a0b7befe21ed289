import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { type ConsentChange, changeOf, type Extent } from '../../domain/consent/consent-change.ts'
import { type ConsentWord, readConsentWord } from '../../domain/consent/consent-word.ts'
import { dateOfDay, dayOf } from '../../domain/days.ts'
import type { Hex } from '../../domain/hex.ts'
import type { IndexedEvent, IndexQueries } from '../../indexer/index.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { consentIdOf } from '../consent/proposals.ts'
import { scopesOf, termsOf } from '../consent/scopes.ts'
import type { EventLog } from './event-log.ts'

type Db = Kysely<BrokerTables>

const CHANGES: Partial<Record<string, ConsentChange>> = {
  ConsentRevoked: 'revoked',
  ConsentObjected: 'objected',
  ObjectionWithdrawn: 'objection-withdrawn',
  HandleLocked: 'locked',
  HandleUnlocked: 'unlocked',
}

/** What an event of the chain did to a consent of an own patient, named by what it is about and not by its place. */
export async function ownChange(
  db: Db,
  index: IndexQueries,
  { name, args }: IndexedEvent,
  patient: StoredPatient,
): Promise<{ source: string; change: ConsentChange; consent?: string; patient: string } | undefined> {
  const change = name === 'ConsentGranted' ? await grantedOrNarrowed(db, index, args, patient) : CHANGES[name]
  if (!change) return undefined
  const { handle, scope, word, epoch } = args
  const number = word === undefined ? epoch : readConsentWord(BigInt(word)).version
  return {
    source: ['own', handle, scope ?? '', name, number].join('/'),
    change,
    ...(scope ? { consent: `Consent/${consentIdOf(scope as Hex)}` } : {}),
    patient: `Patient/${patient.secrets.fhirId}`,
  }
}

async function grantedOrNarrowed(
  db: Db,
  index: IndexQueries,
  { handle, scope, word }: IndexedEvent['args'],
  patient: StoredPatient,
): Promise<ConsentChange> {
  const now = readConsentWord(BigInt(word ?? 0))
  const before = await index.slotWord(handle as Hex, scope as Hex, now.version)
  const earlier = before === undefined ? undefined : readConsentWord(before)
  if (earlier?.state !== 'permit') return 'granted'
  const terms = await termsOf(db, patient)
  const extentOf = ({ terms: key, fromDay, untilDay }: ConsentWord): Extent | undefined => {
    const known = terms.get(key)
    if (!known) return undefined
    const { dataClasses, sensitivities, consent } = known
    return { dataClasses, sensitivities, fromDay, untilDay, body: consent }
  }
  const [from, to] = [extentOf(earlier), extentOf(now)]
  return (from && to && changeOf(from, to)) ?? 'granted'
}

/** Notes once of each permit of a patient that its last day is over: of that the chain has no event. */
export async function noteEnded(
  db: Db,
  deps: { index: IndexQueries; clock: Clock; events: EventLog },
  patient: StoredPatient,
): Promise<void> {
  const { handle, fhirId } = patient.secrets
  const today = dayOf(deps.clock.now())
  for (const [scope] of await scopesOf(db, patient)) {
    const word = await deps.index.slotWord(handle, scope)
    const known = word === undefined ? undefined : readConsentWord(word)
    if (known?.state !== 'permit' || known.untilDay >= today) continue
    const event = {
      source: ['own', handle, scope, 'ended', known.version].join('/'),
      change: 'ended' as const,
      side: 'own' as const,
      at: `${dateOfDay(known.untilDay + 1)}T00:00:00.000Z`,
      consent: `Consent/${consentIdOf(scope)}`,
      patient: `Patient/${fhirId}`,
    }
    await db.transaction().execute((trx) => deps.events.append(trx, event))
  }
}

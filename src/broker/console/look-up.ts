import type { Kysely } from 'kysely'
import type { AuditParty } from '../../domain/audit/audit-entry.ts'
import { readLookUpRequest } from '../../domain/audit/resolution.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { parseIdentifierText } from '../../domain/identity/member-id.ts'
import { checkNationalId, type Identifier } from '../../domain/identity/national-ids.ts'
import type { PatientStore } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Vault } from '../../store/vault.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'
import { lookupsOf, personLookup } from '../audit/access-log.ts'
import type { References } from './references.ts'

export type LookedUp = {
  /** By which this session names the person. */
  reference: string
  /** A patient of this hospital, or somebody whom it was asked about only. */
  known: 'patient' | 'asked-about'
  lines: number
}

export type LookUp = {
  /**
   * Finds what the trail has about the person with this number. Who asked, and why, is in the log, and in the patient's own trail,
   * before it is answered.
   * @throws WayleaveError `not-available` where there is nothing, `resolution-reason`, `request-invalid`, `identifier-invalid`,
   * `identifier-system-unknown`
   */
  find(body: unknown, by: Required<Pick<LogEntry, 'user' | 'client'>>, session: string): Promise<LookedUp>
}

/** Looking a person up by the number that they are known by. It tells that there are lines, and nothing of who they are. */
export function createLookUp(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  patients: PatientStore
  accessLog: AccessLog
  references: References
  own: AuditParty
}): LookUp {
  const { db, vault, patients } = deps

  async function linesOf(lookups: string[]): Promise<number> {
    const { count } = await db
      .selectFrom('audit_events')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('patient_lookup', 'in', lookups)
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  return {
    async find(body, by, session) {
      const { identifier: text, reason, note } = readLookUpRequest(body)
      const identifier = identifierIn(text)
      const found = await patients.byIdentifier(db, identifier)
      // Two persons under one number are for the records office to sort out.
      const own = found.length === 1 ? found[0] : undefined
      const lines = await linesOf(own ? lookupsOf(vault, own) : [personLookup(vault, identifier)])
      const isThere = own !== undefined || lines > 0
      await deps.accessLog.append(
        db,
        {
          ...by,
          ...{ kind: 'patient-looked-up', outcome: isThere ? '0' : '4', reason, note, custodian: deps.own },
          ...(own ? { patient: { reference: `Patient/${own.secrets.fhirId}` } } : {}),
        },
        own,
      )
      if (!isThere) throw wayleaveError('not-available', 'nothing about such a person')
      const [reference = ''] = await deps.references.name(session, [
        own ? { kind: 'patient', patientId: own.secrets.fhirId } : { kind: 'person', identifier },
      ])
      return { reference, known: own ? 'patient' : 'asked-about', lines }
    },
  }
}

function identifierIn(text: string): Identifier {
  let parsed: Identifier
  try {
    parsed = parseIdentifierText(text)
  } catch (cause) {
    throw wayleaveError('request-invalid', 'identifier', cause)
  }
  const checked = checkNationalId(parsed)
  if (!checked.ok) throw wayleaveError(checked.code)
  return checked.identifier
}

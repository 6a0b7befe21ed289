import type { Kysely } from 'kysely'
import type { AuditEntry, AuditParty } from '../../domain/audit/audit-entry.ts'
import { describeAuditEntry } from '../../domain/audit/describe-audit-entry.ts'
import type { PatientStore } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Named, References } from './references.ts'

/** A line of the trail as the console shows it: all of it but who the patient is, who is named for this session only. */
export type Line = {
  id: string
  at: string
  kind: AuditEntry['kind']
  outcome: AuditEntry['outcome']
  /** In English. */
  sentence: string
  reason?: string
  note?: string
  purpose?: string
  custodian?: string
  requester?: string
  user?: NonNullable<AuditEntry['user']>
  client?: string
  record?: { id: string; resourceType?: string; dataClass?: string }
  block?: number
  exchange?: string
  /** References of this session. */
  patient?: string
  consent?: string
  request?: string
}

/** Texts of people and of other parts of a broker may name a patient; here nobody is named. */
export const unnamed = (text: string): string =>
  text.replace(/\bPatient\/[A-Za-z0-9.-]{1,64}/g, 'Patient/…').replace(/0x[0-9a-fA-F]{64}/g, '0x…')

/** Everything of an entry that says no more than what happened. */
export function lineOf(entry: AuditEntry): Line {
  const { id, recorded: at, kind, outcome, reason, note, purpose, user, record } = entry
  const { custodian, requester, client, chain, exchange } = entry
  return {
    ...{ id, at, kind, outcome, sentence: unnamed(describeAuditEntry(entry)) },
    ...given({ reason, purpose, user, client: client?.id, exchange, block: chain?.block }),
    ...given({ note: note === undefined ? undefined : unnamed(note) }),
    ...given({ custodian: nameOf(custodian), requester: nameOf(requester) }),
    ...(record
      ? {
          record: {
            id: record.id,
            ...given({ resourceType: record.resourceType, dataClass: record.dataClass }),
          },
        }
      : {}),
  }
}

export type Lines = {
  /** The same, with references of this session in place of names. */
  of(session: string, entries: readonly AuditEntry[]): Promise<Line[]>
}

export function createLines(deps: {
  db: Kysely<BrokerTables>
  patients: PatientStore
  references: References
}): Lines {
  /** The patient behind a line: by this hospital's own Patient, so that one person has one name; else by the number asked for. */
  async function whom({ patient }: AuditEntry): Promise<Named | undefined> {
    const { reference, identifier } = patient ?? {}
    const own = reference
      ? await deps.patients.byFhirId(deps.db, reference.replace(/^Patient\//, ''))
      : identifier && (await deps.patients.byIdentifier(deps.db, identifier)).at(0)
    if (own) return { kind: 'patient', patientId: own.secrets.fhirId }
    return identifier ? { kind: 'person', identifier } : undefined
  }

  return {
    async of(session, entries) {
      const known = new Map<string, Promise<Named | undefined>>()
      const whose = (entry: AuditEntry) => {
        const key = JSON.stringify(entry.patient ?? null)
        const before = known.get(key) ?? whom(entry)
        known.set(key, before)
        return before
      }
      const named: { line: Line; things: [keyof Line, Named][] }[] = []
      for (const entry of entries) {
        const patient = entry.patient && (await whose(entry))
        const { policy, request: task } = entry
        named.push({
          line: lineOf(entry),
          things: [
            ...(patient ? [['patient', patient] as [keyof Line, Named]] : []),
            ...(policy ? [['consent', { kind: 'consent', policy }] as [keyof Line, Named]] : []),
            ...(task ? [['request', { kind: 'request', task }] as [keyof Line, Named]] : []),
          ],
        })
      }
      const names = await deps.references.name(
        session,
        named.flatMap(({ things }) => things.map(([, thing]) => thing)),
      )
      let next = 0
      return named.map(({ line, things }) => ({
        ...line,
        ...Object.fromEntries(things.map(([key]) => [key, names[next++]])),
      }))
    },
  }
}

const nameOf = (party: AuditParty | undefined) => party?.name

const given = <T extends object>(parts: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as never

import type { Kysely } from 'kysely'
import type { AuditEntry } from '../../domain/audit/audit-entry.ts'
import type { Clock } from '../../domain/clock.ts'
import type { Hex } from '../../domain/hex.ts'
import type { Period } from '../../domain/reports/period.ts'
import { REPORT_TITLES, type Report, type ReportName } from '../../domain/reports/report.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { PatientStore } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Vault } from '../../store/vault.ts'
import type { AccessLog } from '../audit/access-log.ts'
import { partyOf } from '../release/parties.ts'
import type { Made, Making } from './about.ts'
import { disclosures } from './disclosures.ts'
import { organisations } from './organisations.ts'
import { refusals } from './refusals.ts'
import { revocations } from './revocations.ts'
import { subjectAccess } from './subject-access.ts'
import { openTrailPages } from './trail-pages.ts'
import type { Found } from './whose-entries.ts'

/** Reports about one person take a subject; the others are about all. */
export type ReportWish = { period: Period } & (
  | { name: 'subject-access' | 'disclosures'; subject: Found }
  | { name: Exclude<ReportName, 'subject-access' | 'disclosures'> }
)

/** Who reads it, as the trail is to name them; or the patient whom it is about. */
export type Reader = 'patient' | (Required<Pick<AuditEntry, 'user'>> & Pick<AuditEntry, 'client'>)

export type Reports = {
  /**
   * Writes down who reads what, and only then begins to read. Rows come as they are asked for, some hundreds at a time.
   * @throws WayleaveError `audit-unavailable` where the reading cannot be written down: then nothing is read
   */
  make(wish: ReportWish, reader: Reader): Promise<Report>
}

export function createReports(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  patients: PatientStore
  clock: Clock
  accessLog: AccessLog
  index: IndexQueries
  member: Hex
}): Reports {
  const { db, vault } = deps

  async function made(wish: ReportWish, making: Making): Promise<Made> {
    switch (wish.name) {
      case 'subject-access':
        return subjectAccess(making, wish.subject)
      case 'disclosures':
        return disclosures(making, wish.subject)
      case 'organisations':
        return organisations(making)
      case 'refusals':
        return refusals(making)
      case 'revocations':
        return revocations(making, deps)
    }
  }

  return {
    async make(wish, reader) {
      const { name, period } = wish
      const self = await partyOf(deps.index, deps.member)
      const title = REPORT_TITLES[name]
      const subject = 'subject' in wish ? wish.subject : undefined
      const note = `Report: ${title}.`
      await deps.accessLog.append(
        db,
        {
          ...(reader === 'patient'
            ? { kind: 'own-trail-read', custodian: self }
            : { kind: 'log-read', requester: self, ...reader }),
          ...{ outcome: '0', note },
          ...(subject ? { patient: namedIn(subject) } : {}),
        },
        subject?.of,
      )
      const trail = await openTrailPages(db, vault)
      const now = new Date(deps.clock.now()).toISOString()
      return {
        ...{ name, title, hospital: self, period, made: now },
        ...(subject ? { patient: subject.name } : {}),
        ...(await made(wish, { trail, period, self, made: now })),
      }
    },
  }
}

const namedIn = ({ of, name }: Found): NonNullable<AuditEntry['patient']> =>
  'id' in of ? { reference: name } : { identifier: of }

/**
 * What every route of a broker is for, by method and address: what it takes, what it answers, which scope it asks for, and
 * which codes of the error table it may refuse with beside those that any route may. `/openapi.json` is made of it; a test
 * holds that every route is here, and that what is answered is what is said.
 */
import type { Operation } from './operation.ts'
import { CASES } from './operations/cases.ts'
import { CONSENTS } from './operations/consents.ts'
import { CONSOLE } from './operations/console.ts'
import { DISCOVERY } from './operations/discovery.ts'
import { ENROLMENT } from './operations/enrolment.ts'
import { EVENTS } from './operations/events.ts'
import { EXCHANGE } from './operations/exchange.ts'
import { OPERATION } from './operations/operation.ts'
import { PATIENT } from './operations/patient.ts'
import { RECORDS } from './operations/records.ts'
import { RECOVERY } from './operations/recovery.ts'
import { REQUESTS } from './operations/requests.ts'
import { TOKEN } from './operations/token.ts'
import { TRAIL } from './operations/trail.ts'

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...DISCOVERY,
  ...TOKEN,
  ...RECORDS,
  ...CONSENTS,
  ...REQUESTS,
  ...EVENTS,
  ...TRAIL,
  ...CONSOLE,
  ...ENROLMENT,
  ...PATIENT,
  ...RECOVERY,
  ...CASES,
  ...EXCHANGE,
  ...OPERATION,
}

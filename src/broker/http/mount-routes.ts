import type { FastifyInstance } from 'fastify'
import { createIdempotencyStore } from '../../store/idempotency.ts'
import type { Turns } from '../../turns/turns.ts'
import type { AuditSide } from '../audit/audit-side.ts'
import type { ConsentSide } from '../consent/consent-side.ts'
import { createConsoleSide } from '../console/console-side.ts'
import type { Core } from '../core.ts'
import { createSubscriptions } from '../events/subscriptions.ts'
import type { EvidenceSide } from '../evidence/evidence-side.ts'
import type { ExchangeSide } from '../exchange-side.ts'
import type { Freezing, IdentitySide } from '../identity/identity-side.ts'
import type { Readiness } from '../operate/readiness.ts'
import type { PatientSide } from '../patients/patient-side.ts'
import { createPublisher } from '../publish/publish-documents.ts'
import type { createReceiveSide } from '../receive/receive-side.ts'
import type { RegisterSide } from '../register/register-side.ts'
import { partyOf } from '../release/parties.ts'
import type { createReleaseSide } from '../release/release-side.ts'
import { createReports } from '../reports/reports.ts'
import type { RequestSide } from '../requests/request-side.ts'
import { auditReconcileRoutes } from './audit-reconcile-routes.ts'
import { auditRoutes } from './audit-routes.ts'
import type { Callers } from './callers.ts'
import { caseRoutes } from './case-routes.ts'
import { cdsRoutes } from './cds-routes.ts'
import { checkpointRoutes } from './checkpoint-routes.ts'
import { clientRoutes } from './client-routes.ts'
import { consentRoutes } from './consent-routes.ts'
import { consolePages } from './console-pages.ts'
import { consolePeopleRoutes } from './console-people-routes.ts'
import { consoleRoutes } from './console-routes.ts'
import { delegateRoutes } from './delegate-routes.ts'
import { enrolmentRoutes } from './enrolment-routes.ts'
import { eventRoutes } from './event-routes.ts'
import { createStreams } from './event-stream.ts'
import { exchangeRoutes } from './exchange-routes.ts'
import { healthRoutes } from './health-routes.ts'
import { hisRoutes } from './his-routes.ts'
import { holdRoutes } from './hold-routes.ts'
import { keepIdempotent } from './idempotency.ts'
import { identityRoutes } from './identity-routes.ts'
import { liveRoutes } from './live-routes.ts'
import { operatorRoutes } from './operator-routes.ts'
import { refuseStrangePages } from './page-origins.ts'
import { patientRoutes } from './patient-routes.ts'
import { portalRoutes } from './portal-routes.ts'
import { publishRoutes } from './publish-routes.ts'
import { recordRoutes } from './record-routes.ts'
import { recoveryRoutes } from './recovery-routes.ts'
import { reportRoutes } from './report-routes.ts'
import { requestRoutes } from './request-routes.ts'
import { resolutionRoutes } from './resolution-routes.ts'

/** All sides of a broker, as its routes reach them. */
export type Sides = AuditSide &
  ExchangeSide &
  RequestSide &
  ConsentSide &
  RegisterSide &
  Freezing &
  IdentitySide &
  PatientSide &
  EvidenceSide & { delivery: Turns } & ReturnType<typeof createReleaseSide> &
  ReturnType<typeof createReceiveSide>

/**
 * Every endpoint of a broker: for its HIS, for other brokers, for patients and registrars, for auditors.
 * @param base Where the broker is reached, known once it listens.
 */
export function mountRoutes(
  app: FastifyInstance,
  core: Core,
  sides: Sides,
  deps: { callers: Callers; readiness: () => Promise<Readiness>; base: () => string },
): void {
  const { config, member, organization, signing, index, accessLog, db } = core
  const { callers, readiness, base } = deps
  const { keys, verifyToken, clients, sessions, origins } = callers
  app.addHook('onClose', () => callers.close())
  refuseStrangePages(app, { base, portalOrigins: config.portalOrigins ?? [] })
  keepIdempotent(app, { callers, store: createIdempotencyStore(core) })
  const { authorise, authoriseClinical } = hisRoutes(app, {
    ...core,
    ...sides,
    base,
    keys,
    verifyToken,
    publicJwk: signing.jwk,
    clients,
    organization: organization.identifier,
  })
  liveRoutes(app, { ...sides, base, authorise })
  clientRoutes(app, { ...core, base, clients, origins, authorise })
  const publisher = createPublisher({
    ...core,
    ...sides,
    base,
    fhirBase: sides.source.base,
    afterStore: () => sides.registration.nudge(),
  })
  publishRoutes(app, { publisher, authoriseClinical })
  recordRoutes(app, { ...core, ...sides, base, authoriseClinical })
  exchangeRoutes(app, {
    ...core,
    ...sides,
    base,
    keys,
    verifyToken,
    shares: sides.received,
    onShare: async ({ custodian, ended }) => {
      await accessLog.append(db, {
        kind: 'share-received',
        outcome: '0',
        custodian: await partyOf(index, custodian),
        requester: await partyOf(index, member),
        ...(ended ? { note: 'The share has ended.' } : {}),
      })
    },
  })
  checkpointRoutes(app, sides)
  enrolmentRoutes(app, { ...sides, perMinute: config.requestsPerMinute, authorise })
  portalRoutes(app, { ...core, ...sides, sessions })
  caseRoutes(app, { ...core, ...sides, authorise })
  delegateRoutes(app, { ...sides, sessions })
  recoveryRoutes(app, { ...sides, sessions, authorise })
  patientRoutes(app, { ...core, ...sides, custodian: member, sessions })
  consentRoutes(app, { ...core, ...sides, base, custodian: member, authorise })
  cdsRoutes(app, { ...core, ...sides, base, custodian: member, name: config.name, authorise })
  const streams = createStreams(app)
  const { noteListening } = auditRoutes(app, {
    ...{ ...core, ...sides, base, sessions, streams, authorise },
    mayHearTrail: (clientId) => callers.mayHearTrail(clientId),
  })
  eventRoutes(app, {
    ...core,
    base,
    subscriptions: createSubscriptions({ ...core, origins }),
    sidesOf: (clientId) => callers.sidesOf(clientId),
    authorise,
    ...{ streams, noteListening, feed: sides.feed },
    flush: () => void sides.delivery.flush(),
  })
  requestRoutes(app, {
    ...core,
    base,
    sent: sides.sentRequests,
    received: sides.requests,
    approvals: sides.approvals,
    organization: organization.identifier,
    authorise,
  })
  identityRoutes(app, { events: sides.identityEvents, authorise })
  const reports = createReports(core)
  reportRoutes(app, { ...core, reports, sessions, authorise })
  holdRoutes(app, { holds: sides.holds, authorise })
  auditReconcileRoutes(app, { ...core, ...sides, authorise })
  resolutionRoutes(app, { ...sides, authorise })
  const { operator } = operatorRoutes(app, { ...sides, authorise })
  const console = createConsoleSide(core, sides, { readiness, reports })
  if (console) {
    consoleRoutes(app, { ...core, ...sides, console })
    consolePeopleRoutes(app, { people: console.people, operator })
    consolePages(app, console.pages)
  }
  healthRoutes(app, { readiness, nudge: () => sides.registration.nudge() })
}

import type { FastifyInstance } from 'fastify'
import type { TokenKeys } from '../../exchange/access-token.ts'
import type { AuditSide } from '../audit/audit-side.ts'
import type { ConsentSide } from '../consent/consent-side.ts'
import type { Core } from '../core.ts'
import type { ExchangeSide } from '../exchange-side.ts'
import type { Readiness } from '../operate/readiness.ts'
import { createFileContactSender } from '../patients/contact-sender.ts'
import { createEnrolments } from '../patients/enrolment.ts'
import { createSessions } from '../patients/sessions.ts'
import { createPublisher } from '../publish/publish-documents.ts'
import type { createReceiveSide } from '../receive/receive-side.ts'
import type { RegisterSide } from '../register/register-side.ts'
import { partyOf } from '../release/parties.ts'
import type { createReleaseSide } from '../release/release-side.ts'
import type { RequestSide } from '../requests/request-side.ts'
import { auditRoutes } from './audit-routes.ts'
import { cdsRoutes } from './cds-routes.ts'
import { consentRoutes } from './consent-routes.ts'
import { exchangeRoutes } from './exchange-routes.ts'
import { healthRoutes } from './health-routes.ts'
import { hisRoutes } from './his-routes.ts'
import { liveRoutes } from './live-routes.ts'
import { OPERATOR, operatorClient, operatorRoutes } from './operator-routes.ts'
import { patientRoutes } from './patient-routes.ts'
import { publishRoutes } from './publish-routes.ts'
import { recordRoutes } from './record-routes.ts'
import { requestRoutes } from './request-routes.ts'

/** All sides of a broker, as its routes reach them. */
export type Sides = AuditSide &
  ExchangeSide &
  RequestSide &
  ConsentSide &
  RegisterSide &
  ReturnType<typeof createReleaseSide> &
  ReturnType<typeof createReceiveSide>

/**
 * Every endpoint of a broker: for its HIS, for other brokers, for patients and registrars, for auditors.
 * @param base Where the broker is reached, known once it listens.
 */
export function mountRoutes(
  app: FastifyInstance,
  core: Core,
  sides: Sides,
  base: () => string,
  readiness: () => Promise<Readiness>,
): void {
  const { config, member, organization, signing, sender, index, accessLog, db } = core
  const keys: TokenKeys = {
    privateKey: signing.key,
    publicKey: signing.publicKey,
    kid: signing.kid,
    issuer: member,
  }
  const { authorise, authoriseClinical } = hisRoutes(app, {
    ...core,
    ...sides,
    base,
    keys,
    clients: new Map([
      ...config.clients.map((client) => [client.clientId, client] as const),
      [OPERATOR, operatorClient(signing.jwk)],
    ]),
    organization: organization.identifier,
  })
  liveRoutes(app, { ...sides, base, authorise })
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
  const sessions = createSessions({ ...core, origin: base })
  const enrolments = createEnrolments({
    ...core,
    source: sides.source,
    contact: createFileContactSender(config.contactFile),
    custodian: member,
    afterBind: () => void sender.flush(),
  })
  patientRoutes(app, { ...core, ...sides, custodian: member, sessions, enrolments, authorise })
  consentRoutes(app, { ...core, ...sides, base, custodian: member, authorise })
  cdsRoutes(app, { ...core, ...sides, base, name: config.name, authorise })
  requestRoutes(app, {
    ...core,
    base,
    sent: sides.sentRequests,
    received: sides.requests,
    approvals: sides.approvals,
    organization: organization.identifier,
    authorise,
  })
  auditRoutes(app, { ...core, books: sides.books, base, authorise })
  operatorRoutes(app, { ...sides, authorise })
  healthRoutes(app, { readiness, nudge: () => sides.registration.nudge() })
}

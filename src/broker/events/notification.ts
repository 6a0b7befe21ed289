import { randomUUID } from 'node:crypto'
import type { Bundle, Parameters, ParametersParameter } from 'fhir/r4.js'
import { CompactSign } from 'jose'
import type { ToldLine } from '../audit/push/trail-feed.ts'
import type { ConsentEvent } from './event-log.ts'

/** A consent changed that concerns a patient of this hospital, or is shared with it. */
const CONSENT_TOPIC = 'https://wayleave.example/fhir/SubscriptionTopic/consent-changed'
/** A line came into this hospital's audit trail, other than that a program read it. */
const AUDIT_TOPIC = 'https://wayleave.example/fhir/SubscriptionTopic/audit-event'

/** What a program can hear of, and the canonical URL of its topic. */
export const TOPICS = { consent: CONSENT_TOPIC, audit: AUDIT_TOPIC } as const
export type Topic = keyof typeof TOPICS

const CONSENT_CHANGE_SYSTEM = 'https://wayleave.example/fhir/CodeSystem/consent-change'

const STATUS_PROFILE =
  'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4'
const BUNDLE_PROFILE =
  'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-notification-r4'

/**
 * A notification as the Subscriptions R5 Backport for R4 has it ("id-only" content): a history Bundle whose first entry is
 * the status, with a `notification-event` for each event. Its number is the cursor; `event-id` and `change`, which the
 * Backport has no part for, are extensions of it.
 */
export function notification(args: {
  type: 'handshake' | 'event-notification' | 'query-event'
  /** Absolute URL of the Subscription; none on a stream, which is none. */
  subscription: string | undefined
  /** How many events were told under it, these included. */
  sinceStart: number
  topic?: Topic
  /** A part for each event: consentPart, auditPart. */
  events: readonly ParametersParameter[]
  at: string
}): Bundle<Parameters> {
  const { type, subscription, sinceStart, events, topic = 'consent' } = args
  const status: Parameters = {
    resourceType: 'Parameters',
    id: randomUUID(),
    meta: { profile: [STATUS_PROFILE] },
    parameter: [
      ...(subscription
        ? [{ name: 'subscription', valueReference: { reference: subscription } }]
        : [{ name: 'subscription', valueReference: { display: 'A stream of events' } }]),
      { name: 'topic', valueCanonical: TOPICS[topic] },
      { name: 'status', valueCode: type === 'handshake' ? 'requested' : 'active' },
      { name: 'type', valueCode: type },
      { name: 'events-since-subscription-start', valueString: String(sinceStart) },
      ...events,
    ],
  }
  return {
    resourceType: 'Bundle',
    id: randomUUID(),
    meta: { profile: [BUNDLE_PROFILE] },
    type: 'history',
    timestamp: args.at,
    entry: [
      {
        fullUrl: `urn:uuid:${status.id}`,
        resource: status,
        request: { method: 'GET', url: subscription ? `${subscription}/$status` : 'events' },
        response: { status: '200' },
      },
    ],
  }
}

/** A line of the trail by its number and its id; what it says is read with a token. */
export const auditPart = ({ place, entry }: ToldLine): ParametersParameter => ({
  name: 'notification-event',
  part: [
    { name: 'event-number', valueString: String(place) },
    { name: 'timestamp', valueInstant: entry.recorded },
    { name: 'focus', valueReference: { reference: `AuditEvent/${entry.id}` } },
  ],
})

/** A change of a consent. */
export function consentPart({
  seq,
  id,
  change,
  at,
  consent,
  patient,
  share,
  custodian,
}: ConsentEvent): ParametersParameter {
  const focus = consent
    ? { reference: consent }
    : share
      ? { identifier: { system: 'urn:ietf:rfc:3986', value: share } }
      : { reference: patient ?? '' }
  return {
    name: 'notification-event',
    extension: [
      { url: 'https://wayleave.example/fhir/StructureDefinition/event-id', valueUuid: `urn:uuid:${id}` },
      {
        url: 'https://wayleave.example/fhir/StructureDefinition/consent-change',
        valueCoding: { system: CONSENT_CHANGE_SYSTEM, code: change },
      },
    ],
    part: [
      { name: 'event-number', valueString: String(seq) },
      { name: 'timestamp', valueInstant: at },
      { name: 'focus', valueReference: focus },
      ...(consent && patient ? [{ name: 'additional-context', valueReference: { reference: patient } }] : []),
      ...(custodian
        ? [{ name: 'additional-context', valueReference: { type: 'Organization', identifier: custodian } }]
        : []),
    ],
  }
}

/**
 * Signs the bytes of a message for one endpoint: a JWS with detached payload (RFC 7515, appendix F), whose header says for
 * whom and when, so that it is of no use elsewhere or later.
 */
export async function signDetached(
  bytes: Uint8Array,
  signing: { key: CryptoKey; kid: string },
  { audience, nowMs, typ = 'wayleave-event' }: { audience: string; nowMs: number; typ?: string },
): Promise<string> {
  const header = {
    alg: 'ES256',
    kid: signing.kid,
    typ,
    aud: audience,
    iat: Math.floor(nowMs / 1000),
  }
  const jws = await new CompactSign(bytes).setProtectedHeader(header).sign(signing.key)
  const [protectedHeader, , signature] = jws.split('.')
  return `${protectedHeader}..${signature}`
}

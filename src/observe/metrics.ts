/**
 * What a broker counts, for Prometheus. Labels hold words of closed lists only: patterns of routes, our own codes, names of
 * operations. None holds an identifier, a record's id, a member or anything that a caller chose.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { AuditEntry } from '../domain/audit/audit-entry.ts'
import { isReasonCode } from '../domain/audit/reasons.ts'
import type { ErrorCode } from '../domain/errors.ts'

export type Metrics = ReturnType<typeof createMetrics>

/** Faults of credentials: of assertions, proofs and tokens. */
const TOKEN_FAULT = /^(?:token|assertion|dpop)-|^scope-insufficient$/

/** Seconds. */
const DURATIONS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

const reasonOf = (reason: unknown): string => (isReasonCode(reason) ? reason : 'none')

export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name: `wayleave_${name}_total`, help, labelNames: [...labelNames], registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: `wayleave_${name}`, help, labelNames: [...labelNames], registers })
  const duration = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Histogram({
      name: `wayleave_${name}_duration_seconds`,
      help,
      labelNames: [...labelNames],
      buckets: DURATIONS,
      registers,
    })

  const requests = duration('request', 'Requests answered, by route and status', [
    'method',
    'route',
    'status',
  ])
  const errors = counter('errors', 'Requests that ended with an error of docs/errors.md', ['code'])
  const tokenFailures = counter('token_failures', 'Assertions, proofs and tokens that were refused', ['code'])
  const decisions = counter('decisions', 'Decisions about a record; a release takes four', [
    'outcome',
    'reason',
  ])
  const entries = counter('log_entries', 'Entries of the access log', ['kind'])
  const releases = counter('releases', 'Records and their contents handed to another member')
  const receipts = counter(
    'receipts',
    'Records, contents and pages of searches received from another member and verified',
  )
  const refusals = counter('refusals', 'Refusals in the access log', ['reason'])
  const alarms = counter('alarms', 'Alarms in the access log', ['reason'])
  const unverified = counter('verification_failures', 'Answers of other members that did not verify', [
    'reason',
  ])
  const messages = counter('messages', 'Messages to patients, by kind and by what came of a try', [
    'kind',
    'outcome',
  ])
  const calls = duration(
    'call',
    'Calls of the FHIR server, other brokers and the node, and what is done with them',
    ['to', 'operation', 'outcome'],
  )
  const inFlight = gauge('requests_in_flight', 'Requests being answered')

  const state = {
    ready: gauge('ready', 'Whether the broker is ready'),
    unready: gauge('not_ready', '1 for each reason for which it is not', ['reason']),
    headAge: gauge('head_age_seconds', 'Since a new block was seen'),
    indexLag: gauge('index_lag_blocks', 'Blocks between the head and the index'),
    indexLeft: gauge(
      'index_seconds_left',
      'Until an index that is being built is at the head; 0 while it follows',
    ),
    headLive: gauge('head_notices', 'Whether the node says by itself that there is a new block'),
    unanchored: gauge('unanchored_age_seconds', 'Age of the oldest log entry without a mined window'),
    checkpointBlock: gauge('checkpoint_block', 'Block of the newest own checkpoint'),
    checkpoints: gauge('checkpoint_members', 'Other members, by how their newest checkpoint compares', [
      'view',
    ]),
    registered: gauge('entries_registered', 'Record versions registered'),
    waiting: gauge('entries_waiting', 'Record versions that are not on the chain yet'),
    outboxDepth: gauge('outbox_depth', 'What waits to be sent', ['outbox']),
    outboxAge: gauge('outbox_age_seconds', 'Age of the oldest that waits', ['outbox']),
  }

  return {
    calls,
    inFlight,
    state,

    request(labels: { method: string; route: string; status: number }, seconds: number): void {
      requests.observe({ ...labels, status: String(labels.status) }, seconds)
    },
    error(code: ErrorCode): void {
      errors.inc({ code })
      if (TOKEN_FAULT.test(code)) tokenFailures.inc({ code })
    },
    decision(outcome: 'permit' | 'deny', reason?: string): void {
      decisions.inc({ outcome, reason: reasonOf(reason) })
    },
    /** An entry that was written. */
    entry({ kind, reason, recordedBy }: Pick<AuditEntry, 'kind' | 'reason' | 'recordedBy'>): void {
      entries.inc({ kind })
      if (kind === 'disclosure') releases.inc()
      if (kind === 'receipt') receipts.inc()
      if (kind === 'refusal') refusals.inc({ reason: reasonOf(reason) })
      if (kind === 'alarm') alarms.inc({ reason: reasonOf(reason) })
      if (kind === 'alarm' && recordedBy === 'requester') unverified.inc({ reason: reasonOf(reason) })
    },
    /** A message to a patient's contact point that was tried to be sent, or is not tried any more. */
    message(
      kind: 'enrolment-code' | 'enrolled-already' | 'changed',
      outcome: 'sent' | 'failed' | 'expired',
    ): void {
      messages.inc({ kind, outcome })
    },
    /** Those of the process as well; once a process. */
    withProcess: () => collectDefaultMetrics({ register: registry }),
    contentType: registry.contentType,
    /** In Prometheus' text format. */
    text: () => registry.metrics(),
  }
}

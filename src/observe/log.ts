/** The one log of a process: JSON lines that cannot hold a patient, whatever is handed to it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash, createHmac, createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { trace } from '@opentelemetry/api'
import pino from 'pino'
import { isReasonCode, type ReasonCode } from '../domain/audit/reasons.ts'
import { isResourceType } from '../domain/consent/resource-types.ts'
import { type ErrorCode, isErrorCode } from '../domain/errors.ts'
import { callTrace } from './call-context.ts'
import { describeError } from './describe-error.ts'
import { LOG_MESSAGES, type LogMessage, START_STEPS } from './messages.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/**
 * All that an entry may say. What is not named here is dropped when it is written, and so is a value that is not of the
 * form below: the types are for whoever writes code, the forms for what the types do not see.
 */
export type LogFields = {
  /** Whatever was thrown; its kind, code and place are told, never its words. */
  error?: unknown
  code?: ErrorCode | undefined
  reason?: ReasonCode
  method?: string
  /** The pattern of a route that this process has, never an address. */
  route?: string | undefined
  /** An HTTP status. */
  status?: number
  /** One of START_STEPS. */
  step?: string
  seconds?: number
  /** Rows and numbers of our own. */
  outbox?: number
  window?: number
  block?: number
  count?: number
  port?: number
  /** How far the reading of a history is; what was compared. */
  read?: number
  inAll?: number | null
  perSecond?: number
  secondsLeft?: number | null
  versions?: number
  agree?: boolean
  /** The first four bytes of what a contract threw, 0x-hex. */
  selector?: string
  /** Another member, by its id, once its profile was seen on the chain. */
  member?: string
  resourceType?: string
  signal?: 'SIGTERM' | 'SIGINT' | 'SIGHUP'
}

type Write = (fields: LogFields, message: LogMessage) => void

export type Logger = Record<'debug' | 'info' | 'warn' | 'error' | 'fatal', Write> & {
  /** Makes a route pattern or a member's id one that entries may name. */
  admit(kind: 'route' | 'member', value: string): void
  /** An id for a request: a UUID that only this log knows for one. */
  newRequestId: () => string
  /**
   * Everything logged in `work`, also later and elsewhere because of it, names this request: by its id where it is one of ours,
   * and else by the beginning of that id's SHA-256. A caller may put a patient's number into an id of its own.
   */
  within<T>(request: string, work: () => T): T
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const MESSAGES: ReadonlySet<string> = new Set(LOG_MESSAGES)
const STEPS: ReadonlySet<unknown> = new Set(START_STEPS)
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP']

const text = (form: RegExp) => (value: unknown) =>
  typeof value === 'string' && form.test(value) ? value : undefined
const whole = (value: unknown) => (Number.isSafeInteger(value) ? value : undefined)
const where = (holds: (value: unknown) => boolean) => (value: unknown) => (holds(value) ? value : undefined)

/** Sixteen hex digits, as `printf %s ID | sha256sum` begins. */
const digestOf = (id: string) => createHash('sha256').update(id).digest('hex').slice(0, 16)

/**
 * @param args.hospital the hospital's own name, in every entry
 * @param args.out where lines go; standard output unless given
 */
export function createLog(args: {
  level: LogLevel
  hospital: string
  out?: { write(line: string): unknown }
}): Logger {
  const routes = new Set<string>()
  const members = new Set<string>()
  const requests = new AsyncLocalStorage<string>()
  const secret = createSecretKey(randomBytes(32))
  // A patient's id can be a UUID as well: in ours the last group is a code over the others.
  const sealed = (uuid: string) =>
    `${uuid.slice(0, 24)}${createHmac('sha256', secret).update(uuid.slice(0, 24)).digest('hex').slice(0, 12)}`

  const forms: { [field in keyof Required<LogFields>]: (value: unknown) => unknown } = {
    error: describeError,
    code: where(isErrorCode),
    reason: where(isReasonCode),
    method: where((value) => METHODS.includes(value as string)),
    route: where((value) => routes.has(value as string)),
    status: (value) => (whole(value) && (value as number) < 600 ? value : undefined),
    step: where((value) => STEPS.has(value)),
    seconds: where((value) => typeof value === 'number' && value < 1e6),
    outbox: whole,
    window: whole,
    block: whole,
    count: whole,
    read: whole,
    inAll: whole,
    perSecond: whole,
    secondsLeft: whole,
    versions: whole,
    agree: where((value) => typeof value === 'boolean'),
    port: where((value) => Number.isInteger(value) && (value as number) <= 65_535),
    selector: text(/^(?:0x[0-9a-f]{8}|refused)$/),
    member: where((value) => members.has(value as string)),
    resourceType: where(isResourceType),
    signal: where((value) => SIGNALS.includes(value as string)),
  }

  const sink = pino(
    {
      level: args.level,
      base: { hospital: args.hospital },
      // Which request, and which trace: also of what a request set going.
      mixin: () => {
        const request = requests.getStore()
        const span = trace.getActiveSpan()?.spanContext()
        return {
          ...(request === undefined ? {} : { request }),
          ...(span === undefined ? callTrace() : { trace: span.traceId, span: span.spanId }),
        }
      },
      mixinMergeStrategy: (own, mixed) => ({ ...mixed, ...own }),
    },
    (args.out as pino.DestinationStream | undefined) ?? pino.destination({ fd: 1, sync: true }),
  )

  const writer =
    (level: 'debug' | 'info' | 'warn' | 'error' | 'fatal'): Write =>
    (fields, message) => {
      if (!sink.isLevelEnabled(level)) return
      const told: Record<string, unknown> = {}
      for (const [field, form] of Object.entries(forms)) {
        try {
          const value = Object.hasOwn(fields, field) ? fields[field as keyof LogFields] : undefined
          const safe = value === undefined ? undefined : form(value)
          if (safe !== undefined) told[field] = safe
        } catch {
          // What cannot even be looked at is not told; the entry is written all the same.
        }
      }
      sink[level](told, MESSAGES.has(message) ? message : 'an entry whose message is not in the list')
    }

  return {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    fatal: writer('fatal'),
    admit: (kind, value) => void (kind === 'route' ? routes : members).add(value),
    newRequestId: () => sealed(randomUUID()),
    within: (request, work) => requests.run(sealed(request) === request ? request : digestOf(request), work),
  }
}

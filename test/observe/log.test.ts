import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { wayleaveError } from '../../src/domain/errors.ts'
import { createLog, type LogFields, type Logger } from '../../src/observe/log.ts'
import type { LogMessage } from '../../src/observe/messages.ts'
import { samplePeople } from '../../src/sandbox/samples/index.ts'
import { seeded } from '../seeded.ts'

function listening(): { log: Logger; lines: string[]; last: () => Record<string, unknown> } {
  const lines: string[] = []
  const log = createLog({
    level: 'debug',
    hospital: 'Hospital A',
    out: { write: (line) => lines.push(line) },
  })
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> }
}

/** Everything by which a sample patient could be told: of each, the whole and its words. */
const personal = samplePeople().flatMap(({ id, name, birthDate, nationalId, phone, at }) => [
  ...[id, name, birthDate, nationalId.value, `${nationalId.system}|${nationalId.value}`, phone],
  ...name.split(' ').filter((word) => word.length > 4),
  ...at.flatMap(({ patientId, recordNumber }) => [patientId, recordNumber, `Patient/${patientId}`]),
])
const secret = fc.constantFrom(...personal)

/** Places where such a text can lie in what is thrown: message, name, code, stack, cause, own properties, nested. */
const thrown = secret.chain((text) =>
  fc.constantFrom<unknown>(
    text,
    new Error(text),
    new Error(`first line\n    at ${text} (src/broker/broker.ts:1:1)\n    at src/${text}.ts:1:1`),
    Object.assign(new Error('x'), { name: text }),
    Object.assign(new Error('x'), { name: `${text}Error` }),
    Object.assign(new Error('x'), { code: text, detail: text, [text]: text }),
    Object.assign(new Error('x'), { stack: `Error\n    at ${text} (src/broker/broker.ts:${text}:1)` }),
    new Error('x', { cause: new Error(text, { cause: text }) }),
    new AggregateError([new Error(text)], text),
    wayleaveError('source-unavailable', text, new Error(text)),
    Object.defineProperty(new Error('x'), 'code', {
      get() {
        throw new Error(text)
      },
    }),
    { toString: () => text, toJSON: () => text, message: text },
    [text],
  ),
)

const FIELDS: readonly (keyof LogFields)[] = [
  ...(['error', 'code', 'reason', 'method', 'route', 'status', 'step', 'seconds', 'outbox'] as const),
  ...(['window', 'block', 'count', 'port', 'selector', 'member', 'resourceType', 'signal'] as const),
]

test('whatever is thrown or logged with a sample patient’s data inside, none of it shows in the log', () => {
  const field = fc.oneof(
    fc.constantFrom<string>(...FIELDS),
    fc.constantFrom(
      'patient',
      'request',
      'request',
      'msg',
      'level',
      'hospital',
      'detail',
      '__proto__',
      'toJSON',
    ),
  )
  const value = fc.oneof(secret, thrown, fc.dictionary(secret, secret), fc.array(secret))
  const { log, lines } = listening()
  fc.assert(
    fc.property(
      fc.array(fc.tuple(field, value)),
      fc.oneof(secret, thrown),
      secret,
      (pairs, error, message) => {
        lines.length = 0
        const fields = { ...Object.fromEntries(pairs), error } as LogFields
        log.within(message, () => log.error(fields, 'a request failed'))
        log.error(fields, message as LogMessage)
        log.warn(error as LogFields, 'a request failed')
        const said = lines.join('')
        expect(lines).toHaveLength(3)
        expect(personal.filter((text) => said.includes(text))).toEqual([])
      },
    ),
    seeded({ numRuns: 1_000 }),
  )
})

test('what an operator needs is told: the kind of an error, its code, and the place in our files', () => {
  const { log, last } = listening()
  const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
  log.error({ error: wayleaveError('head-stale', 'no-consent', cause) }, 'a request failed')
  expect(last()).toMatchObject({
    hospital: 'Hospital A',
    msg: 'a request failed',
    error: {
      kind: 'WayleaveError',
      code: 'head-stale',
      reason: 'no-consent',
      cause: { code: 'ECONNREFUSED' },
    },
  })
  expect((last().error as { at: string[] }).at[0]).toMatch(/^src\/domain\/errors\.ts:\d+:\d+$/)
  // Of an SQLSTATE its class: five characters could be a postcode.
  log.error({ error: Object.assign(new Error('x'), { code: '23505' }) }, 'a request failed')
  expect(last()).toMatchObject({ error: { code: 'SQLSTATE 23' } })
})

test('routes and members are named only once they are known to be such', () => {
  const { log, last } = listening()
  const member = `0x${'ab'.repeat(32)}`
  log.error({ route: '/fhir/Binary/:id', member }, 'a request failed')
  expect([last().route, last().member]).toEqual([undefined, undefined])
  log.admit('route', '/fhir/Binary/:id')
  log.admit('member', member)
  log.error({ route: '/fhir/Binary/:id', member }, 'a request failed')
  expect([last().route, last().member]).toEqual(['/fhir/Binary/:id', member])
})

test('every entry of a request names it, however late and wherever it is written', async () => {
  const { log, lines } = listening()
  const [one, two] = [log.newRequestId(), log.newRequestId()]
  const late = async (code: 'not-found' | 'id-invalid') => {
    await new Promise((done) => setTimeout(done, 5))
    log.warn({ code }, 'a request was refused')
  }
  await Promise.all([log.within(one, () => late('not-found')), log.within(two, () => late('id-invalid'))])
  const said = lines.map((line) => JSON.parse(line) as { code: string; request: string })
  expect(Object.fromEntries(said.map(({ code, request }) => [code, request]))).toEqual({
    'not-found': one,
    'id-invalid': two,
  })
  // An id that the caller chose can be looked up, and not read.
  log.within('999939841', () => log.warn({}, 'a request was refused'))
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
    request: createHash('sha256').update('999939841').digest('hex').slice(0, 16),
  })
})

test('levels below the configured one are not written', () => {
  const lines: string[] = []
  const log = createLog({ level: 'error', hospital: 'A', out: { write: (line) => lines.push(line) } })
  log.warn({}, 'shares wait')
  expect(lines).toEqual([])
  log.error({}, 'shares wait')
  expect(lines).toHaveLength(1)
})

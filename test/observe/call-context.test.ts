import { expect, test } from 'vitest'
import { beginCall, callHeaders, callTrace, inCall, requestIdOf } from '../../src/observe/call-context.ts'

test.each([
  ['a UUID', '2b6f0cc9-04d1-4f5e-8a3c-9d1e0f7a6b5c'],
  ['a ULID', '01ARZ3NDEKTSV4RRFFQ69G5FAV'],
  ['32 hex digits', '4bf92f3577b34da6a3ce929d0e0e4736'],
])('a request id that is %s is the caller’s', (_what, id) => {
  expect(requestIdOf(id)).toBe(id)
})

test.each([
  ['a patient’s number', '999939841'],
  ['a name', 'anna-at-a'],
  ['two at once', ['a', 'b']],
  ['a line break and what looks like a log', '2b6f0cc9-04d1-4f5e-8a3c-9d1e0f7a6b5c\n{"level":50}'],
  ['empty', ''],
  ['beyond all length', 'a'.repeat(10_000)],
  ['absent', undefined],
])('a request id that is %s is replaced', (_what, id) => {
  expect(requestIdOf(id)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

test.each([
  [`00-${TRACE}-00f067aa0ba902b7-01`, '01'],
  [`00-${TRACE}-00f067aa0ba902b7-00`, '00'],
  [`cc-${TRACE}-00f067aa0ba902b7-03-what-the-future-is-like`, '01'],
])('the trace %s goes on, with a span of its own', (traceparent, flags) => {
  const call = beginCall('r', traceparent)
  expect(call).toMatchObject({ traceId: TRACE, flags })
  expect(call.spanId).toMatch(/^[0-9a-f]{16}$/)
  expect(call.spanId).not.toBe('00f067aa0ba902b7')
})

test.each([
  `ff-${TRACE}-00f067aa0ba902b7-01`,
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-00f067aa0ba902b7-01`,
  `00-${TRACE}-00f067aa0ba902b7`,
  `00-999939841-1-01`,
  '',
  undefined,
])('%s is no trace, and another begins', (traceparent) => {
  const { traceId } = beginCall('r', traceparent)
  expect(traceId).toMatch(/^[0-9a-f]{32}$/)
  expect(traceId).not.toBe(TRACE)
})

test('a call is found in all that it goes on to, and nowhere else', async () => {
  const one = beginCall('one', undefined)
  const two = beginCall('two', undefined)
  const seen = await Promise.all(
    [one, two].map((call) =>
      inCall(call, async () => {
        await new Promise((done) => setTimeout(done, 1))
        return [callHeaders(), callTrace()]
      }),
    ),
  )
  expect(seen).toEqual(
    [one, two].map(({ requestId, traceId, spanId }) => [
      { 'x-request-id': requestId, traceparent: `00-${traceId}-${spanId}-00` },
      { trace: traceId, span: spanId },
    ]),
  )
  expect([callHeaders(), callTrace()]).toEqual([{}, {}])
})

import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type TestHospital, type World } from '../../support/world.ts'

type Response = { description: string; content?: Record<string, unknown> }
type Operation = {
  summary?: string
  tags?: string[]
  security?: Record<string, unknown>[]
  requestBody?: { content: Record<string, unknown> }
  responses: Record<string, Response>
}
type Document = {
  openapi: string
  info: { title: string }
  tags: { name: string }[]
  paths: Record<string, Record<string, Operation>>
}

let world: World
let a: TestHospital
let document: Document
let his: string

beforeAll(async () => {
  world = await createWorld({ hospitals: 1 })
  ;[a] = world.hospitals as [TestHospital]
  his = `Bearer ${await a.his.token('TREAT')}`
  document = (await (await fetch(`${a.broker.base}/openapi.json`)).json()) as Document
}, 60_000)

afterAll(() => world?.close())

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )

test('the description is valid OpenAPI 3.1, and is told to anybody', async () => {
  expect(document.openapi).toBe('3.1.0')
  const { valid, errors } = await new Validator().validate(structuredClone(document) as never)
  expect(errors).toBeUndefined()
  expect(valid).toBe(true)
})

test('every route is in it, says what it is for, and lists no status without saying why', async () => {
  const silent = operations().filter(({ operation }) => !operation.summary || !operation.tags?.length)
  expect(silent.map(({ method, path }) => `${method} ${path}`)).toEqual([])
  expect(operations().length).toBeGreaterThan(55)
  const known = new Set(document.tags.map(({ name }) => name))
  expect(
    operations()
      .flatMap(({ operation }) => operation.tags ?? [])
      .filter((tag) => !known.has(tag)),
  ).toEqual([])
  for (const { method, path, operation } of operations())
    for (const [status, { description }] of Object.entries(operation.responses))
      expect(description.length, `${method} ${path} ${status}`).toBeGreaterThan(0)
})

/** What a careless or hostile caller sends to any route: nothing, nonsense, too much, of the wrong kind. */
const BODIES: readonly (readonly [type: string | undefined, body: string | undefined])[] = [
  [undefined, undefined],
  ['application/json', '{'],
  ['application/json', '{}'],
  ['application/fhir+json', '{"resourceType":"Basic"}'],
  ['application/x-www-form-urlencoded', 'a=b'],
  ['application/jose', 'x.y.z'],
  ['text/plain', 'hello'],
  ['application/json', JSON.stringify({ a: 'x'.repeat(300_000) })],
]

/** All of it from a program that may call; of the rest, enough to meet each door. */
const bodiesFor = (method: string, authorization: string | undefined) =>
  method === 'GET' || method === 'DELETE'
    ? BODIES.slice(0, 1)
    : authorization === his
      ? BODIES
      : [...BODIES.slice(0, 1), ...BODIES.slice(2, 3)]

test('whatever is answered is what the description says: status and media type, for every route and caller', async () => {
  const tokens = [undefined, 'DPoP x.y.z', his, `Bearer ${await a.auditor.token('HCOMPL')}`]
  const undeclared: string[] = []
  const answered = new Map<string, Set<string>>()
  for (const { path, method, operation } of operations()) {
    const url = `${a.broker.base}${path.replaceAll(/\{[^}]+\}/g, 'x')}`
    for (const authorization of tokens)
      for (const [type, body] of bodiesFor(method, authorization)) {
        const stop = new AbortController()
        const response = await fetch(url, {
          method,
          signal: stop.signal,
          headers: { ...(authorization ? { authorization } : {}), ...(type ? { 'content-type': type } : {}) },
          ...(body === undefined ? {} : { body }),
        })
        const status = String(response.status)
        const declared = operation.responses[status]
        const media = response.headers.get('content-type')?.split(';')[0]
        const is = `${method} ${path} (${authorization?.slice(0, 8)}, ${type}): ${status} ${media}`
        if (!declared || (media && declared.content && !Object.hasOwn(declared.content, media)))
          undeclared.push(is)
        answered.set(`${method} ${path}`, (answered.get(`${method} ${path}`) ?? new Set()).add(status))
        stop.abort()
      }
  }
  expect([...new Set(undeclared)]).toEqual([])
  // And what is guarded is said to be, no more and no less: 401 to whoever shows nothing, where a token is needed.
  for (const { path, method, operation } of operations())
    expect([method, path, answered.get(`${method} ${path}`)?.has('401') ?? false]).toEqual([
      method,
      path,
      operation.security !== undefined,
    ])
}, 60_000)

test('the pages come with all that they need, and ask nobody else', async () => {
  const page = await fetch(`${a.broker.base}/docs`)
  const html = await page.text()
  expect([page.status, page.headers.get('content-type')?.split(';')[0]]).toEqual([200, 'text/html'])
  const sources = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source = '']) => source)
  expect(sources.length).toBeGreaterThan(3)
  for (const source of sources) {
    const url = new URL(source, `${page.url.replace(/\/?$/, '/')}`)
    expect(url.origin).toBe(new URL(a.broker.base).origin)
    expect([source, (await fetch(url)).status]).toEqual([source, 200])
  }
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'")
})

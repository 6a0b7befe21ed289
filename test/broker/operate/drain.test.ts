import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHttpServer } from '../../../src/broker/http/server.ts'
import { createDrain } from '../../../src/broker/operate/drain.ts'
import { createLog } from '../../../src/observe/log.ts'
import { createHisClient } from '../../../src/sandbox/his-client.ts'
import type { Front } from '../../support/front.ts'
import { ANNA, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let configFile: string
const running: ChildProcess[] = []

beforeAll(async () => {
  world = await createWorld({ hospitals: 1, fronts: { fhir: ['a'] } })
  ;[a] = world.hospitals as [TestHospital]
  await a.put(patient('anna-at-a', ANNA))
  await a.put(condition('c1', 'anna-at-a', 'Hypertension'))
  await a.stop()
  configFile = join(a.files.dir, 'process.json')
  const config = {
    ...a.config,
    database: { kind: 'pglite', dir: join(a.files.dir, 'process-database') },
    fhir: { kind: 'server', base: `${(a.fhirFront as Front).base}/fhir` },
  }
  writeFileSync(configFile, JSON.stringify(config))
}, 60_000)

afterAll(async () => {
  for (const child of running) if (child.exitCode === null) child.kill('SIGKILL')
  await a.start()
  await world.close()
})

type Process = { child: ChildProcess; said: () => string; ended: Promise<number | null> }

/** The broker as an operator runs it, a process of its own. */
async function startProcess(env: Record<string, string>): Promise<Process> {
  const cli = join(import.meta.dirname, '../../../src/cli/main.ts')
  const child = spawn(process.execPath, [cli, 'broker', '--config', configFile, '--log-level', 'debug'], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text: Buffer) => (said += text.toString()))
  const ended = new Promise<number | null>((done) => child.on('exit', (code) => done(code)))
  await eventually(async () => (await get('/ready')).status === 200 || child.exitCode !== null, 25_000)
  if (child.exitCode !== null) throw new Error(said)
  return { child, said: () => said, ended }
}

const base = () => `http://127.0.0.1:${a.files.ports.broker}`
// Each on a connection of its own, as requests of many callers are.
const get = (path: string) => fetch(`${base()}${path}`, { headers: { connection: 'close' } })
const registrar = (i: number) =>
  createHisClient({
    broker: base(),
    client: a.files.registrars[i] as (typeof a.files.registrars)[number],
    organization: a.config.identifier,
    now: () => Date.now(),
  })

/** Lets the FHIR server hold its answer to a search for a patient; `arrived` once it was asked. */
function holdSearches(): { arrived: Promise<void>; release: () => void } {
  let arrive: () => void = () => {}
  let release: () => void = () => {}
  const arrived = new Promise<void>((done) => (arrive = done))
  const released = new Promise<void>((done) => (release = done))
  ;(a.fhirFront as Front).behave = async ({ path }, forward) => {
    if (path.includes('/Patient?')) {
      arrive()
      await released
    }
    return forward()
  }
  return { arrived, release }
}

test('SIGTERM: not ready at once, then no new requests, those under way end, nothing is lost, exit code 0', async () => {
  const { child, ended, said } = await startProcess({
    WAYLEAVE_DRAIN_DELAY_MS: '1500',
    WAYLEAVE_DRAIN_WITHIN_MS: '20000',
  })
  const held = holdSearches()
  const underWay = registrar(0).post('/registrar/enrolments', ANNA)
  await held.arrived
  child.kill('SIGTERM')

  const drained = await eventually(async () => {
    const ready = await get('/ready')
    return ready.status === 503 && ((await ready.json()) as { reasons: string[] })
  })
  expect(drained.reasons).toEqual(['draining'])
  // Whoever has not noticed yet is still served.
  expect((await get('/fhir/metadata')).status).toBe(200)
  const refused = await eventually(async () => {
    const answer = await get('/fhir/metadata')
    return answer.status === 503 && answer
  })
  expect(refused.headers.get('retry-after')).toBe('20')
  expect(JSON.stringify(await refused.json())).toContain('"not-ready"')
  expect((await get('/health')).status).toBe(200)
  expect(child.exitCode).toBeNull()

  held.release()
  const { enrolment } = (await underWay).body as unknown as { enrolment: string }
  expect(await ended).toBe(0)

  const again = await startProcess({ WAYLEAVE_DRAIN_WITHIN_MS: '60000' })
  expect(
    (await registrar(1).post(`/registrar/enrolments/${enrolment}/confirmation`, {})).status,
  ).toBeLessThan(300)

  // A second signal ends the process at once, whatever is under way.
  const stuck = holdSearches()
  const cut = registrar(0)
    .post('/registrar/enrolments', ANNA)
    .catch(() => 'cut')
  await stuck.arrived
  again.child.kill('SIGTERM')
  await eventually(async () => again.said().includes('lets those under way end'))
  await new Promise((done) => setTimeout(done, 600))
  again.child.kill('SIGTERM')
  expect(await again.ended).toBe(143)
  stuck.release()
  expect(await cut).toBe('cut')
  for (const text of [said(), again.said()]) expect(text).not.toMatch(/999939841|anna-at-a|Hypertension/)
}, 90_000)

test('requests that do not end within the bound are cut off, and the drain ends', async () => {
  const lines: string[] = []
  const log = createLog({ level: 'info', hospital: 'A', out: { write: (line) => lines.push(line) } })
  const app = await createHttpServer(log, {
    perMinute: 1_000,
    ofCaller: 1_000,
    callerOf: async () => undefined,
  })
  const drain = createDrain(app, { log, delayMs: 0, withinMs: 100 })
  let begun: () => void = () => {}
  const arrived = new Promise<void>((done) => (begun = done))
  app.get('/never', () => {
    begun()
    return new Promise(() => {})
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const address = `http://127.0.0.1:${(app.server.address() as { port: number }).port}`
  const waiting = fetch(`${address}/never`).then(
    () => 'answered',
    () => 'cut',
  )
  await arrived
  await drain.run()
  expect(await waiting).toBe('cut')
  expect(lines.join('')).toContain('"count":1,"msg":"requests under way were cut off')
  await app.close()
})

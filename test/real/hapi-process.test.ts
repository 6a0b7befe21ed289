import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFhirSource } from '../../src/fhir/source.ts'
import { certify, makeAuthority } from '../../src/sandbox/certificates.ts'
import { startHapi } from '../../src/sandbox/hapi/hapi.ts'
import { freePort } from '../../src/sandbox/ports.ts'
import { fhirClient } from '../fhir/conformance/client.ts'
import { eventually } from '../support/world.ts'
import { startTestHapi, type TestHapi } from './hapi-server.ts'

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('whoever is killed while HAPI FHIR runs for it leaves no Java process behind', async () => {
  const hapi = JSON.stringify(new URL('../../src/sandbox/hapi/hapi.ts', import.meta.url).href)
  const script = `const { startHapi } = await import(${hapi})
    const { pid } = await startHapi({ servers: { one: ${await freePort()} }, database: { kind: 'memory' } })
    console.log(pid)
    setInterval(() => {}, 1000)`
  const starter = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = Number(await new Promise((done) => starter.stdout.once('data', (text: Buffer) => done(text))))
  expect(isAlive(pid)).toBe(true)
  starter.kill('SIGKILL')
  await eventually(async () => !isAlive(pid), 30_000)
}, 300_000)

test('a start that fails says why', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((done) => taken.once('listening', done))
  const { port } = taken.address() as AddressInfo
  const starting = startHapi({ servers: { one: port }, database: { kind: 'memory' } })
  await expect(starting).rejects.toThrow(/HAPI FHIR did not start[\s\S]*Address already in use/)
  taken.close()
}, 300_000)

test('a hook reaches a broker that speaks TLS, where HAPI FHIR is told which authority to believe', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'wayleave-hook-'))
  const ca = join(dir, 'ca.pem')
  const authority = await makeAuthority('Test')
  writeFileSync(ca, authority.cert)
  let hooks = 0
  let tries = 0
  const broker = createTlsServer(await certify(authority, 'Broker'), (incoming, outgoing) => {
    if (incoming.url?.startsWith('/hooks/fhir')) hooks++
    outgoing.end()
  }).listen(0, '127.0.0.1')
  await new Promise((done) => broker.once('listening', done))
  const { port } = broker.address() as AddressInfo
  const hapi = await startHapi({ servers: { one: await freePort() }, database: { kind: 'memory' }, ca })
  const source = createFhirSource({ base: hapi.bases.one ?? '' })
  try {
    await source.subscribe(`https://127.0.0.1:${port}/hooks/fhir`)
    // A subscription takes effect some moments after it was made.
    await eventually(async () => {
      await fhirClient(hapi.bases.one ?? '').put('Patient/p', {
        resourceType: 'Patient',
        id: 'p',
        gender: 'other',
        multipleBirthInteger: tries++,
      })
      await new Promise((done) => setTimeout(done, 500))
      return hooks > 0
    }, 60_000)
  } finally {
    await source.close()
    await hapi.stop()
    broker.closeAllConnections()
    broker.close()
    rmSync(dir, { recursive: true, force: true })
  }
}, 300_000)

describe('the access log of HAPI FHIR', () => {
  let hapi: TestHapi
  beforeAll(async () => {
    hapi = await startTestHapi('log')
  }, 300_000)
  afterAll(() => hapi?.stop())

  test('names every request by interaction, type and id, and holds neither query strings nor bodies', async () => {
    const { base, accesses } = hapi.servers.log ?? { base: '', accesses: () => [] }
    const client = fhirClient(base)
    const before = accesses().length
    await client.put('Patient/p', { resourceType: 'Patient', id: 'p', identifier: [{ value: '999911120' }] })
    await client.get('Patient/p')
    await client.get('Patient/p/_history/1')
    await client.get('Patient?identifier=999911120')
    await client.get('Patient?favourite=999911120')
    await client.get('_history')
    await client.get('Patient/unknown')
    await client.delete('Patient/p')
    const lines = accesses().slice(before)
    expect(lines.map((one) => [one.interaction, one.resourceType, one.id, one.status])).toEqual([
      ['update', 'Patient', 'p', 201],
      ['read', 'Patient', 'p', 200],
      ['vread', 'Patient', 'p', 200],
      ['search-type', 'Patient', undefined, 200],
      ['search-type', 'Patient', undefined, 400],
      ['history-system', undefined, undefined, 200],
      ['read', 'Patient', 'unknown', 404],
      ['delete', 'Patient', 'p', 200],
    ])
    expect(JSON.stringify(lines)).not.toContain('999911120')
  })
})
